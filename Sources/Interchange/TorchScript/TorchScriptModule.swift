/// A module of an archive: its attributes, of which some are modules again, and the code of its methods.
///
/// Parameters have the places that their names say: `h.0.weight` is the attribute `weight` of the attribute `0` of `h`. So
/// the state dictionary that PyTorch shows has the names of the model's own files.
struct TorchScriptModule {
    /// What an attribute is.
    enum Attribute {
        /// The tensor of an entry in the folder `data`.
        case parameter(storage: String, type: TorchScriptType, shape: [Int])
        case integers([Int])
        case strings([String])
        /// Integers by integers.
        case integersByInteger([(key: Int, value: Int)])
        /// Integers by strings.
        case integersByString([(key: String, value: Int)])
        case module(TorchScriptModule)
    }

    private(set) var attributes: [(name: String, value: Attribute)] = []
    /// Definitions, indented by two spaces.
    var methods = ""

    /// Adds an attribute of this module itself.
    mutating func set(_ name: String, _ value: Attribute) { attributes.append((name, value)) }

    /// Adds an attribute at the place that a name with dots says.
    mutating func set(at path: String, _ value: Attribute) {
        set(at: path.split(separator: ".").map(String.init)[...], value)
    }

    private mutating func set(at path: ArraySlice<String>, _ value: Attribute) {
        guard let first = path.first else { return }
        guard path.count > 1 else { return set(first, value) }
        let place = attributes.firstIndex { $0.name == first }
        var part = TorchScriptModule()
        if let place, case .module(let module) = attributes[place].value { part = module }
        part.set(at: path.dropFirst(), value)
        if let place {
            attributes[place].value = .module(part)
        } else {
            set(first, .module(part))
        }
    }

    /// The expression for what `set(at:)` put at a place, in a method of this module.
    static func expression(_ path: String) -> String {
        path.split(separator: ".").reduce("self") { module, name in
            isName(name) ? "\(module).\(name)" : "getattr(\(module), \"\(name)\")"
        }
    }

    /// Whether the language takes it for a name: the parts of a list have numbers.
    static func isName(_ name: some StringProtocol) -> Bool {
        name.utf8.first.map { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
    }
}

/// The types of a tensor's numbers.
enum TorchScriptType: Sendable {
    case float32

    /// PyTorch's class for a storage of them.
    var storage: String { "FloatStorage" }
}

/// The classes of a module and all modules in it: one for all that are alike.
struct TorchScriptClasses {
    /// The definitions in the order in which they need each other.
    private(set) var code = ""
    private var nameOfDefinition: [String: String] = [:]
    /// The class of the whole, whose methods say its name.
    private static let root = "Model"
    private var names: Set<String> = [root]

    /// The pickle of a model, with the classes of it and all its parts.
    mutating func pickle(_ model: TorchScriptModule) -> [UInt8] {
        PickleWriter.pickle { push(model, nil, into: &$0) }
    }

    /// Pushes a module as an object of its class, whose definition is added to the code if there is none like it.
    /// - Parameters:
    ///   - module: the model or a part of it.
    ///   - attribute: what the part is called where it belongs; nil for the model.
    ///   - pickle: where it is pushed.
    private mutating func push(
        _ module: TorchScriptModule, _ attribute: String?, into pickle: inout PickleWriter
    ) {
        pickle.object(define(module, attribute)) { pickle in
            pickle.string("training")
            pickle.boolean(false)
            for (name, value) in module.attributes {
                pickle.string(name)
                switch value {
                case .parameter(let storage, let type, let shape):
                    pickle.tensor(storage: storage, type: type.storage, shape: shape)
                case .integers(let numbers): pickle.integers(numbers)
                case .strings(let strings): pickle.strings(strings)
                case .integersByInteger(let pairs): pickle.dictionary(pairs)
                case .integersByString(let pairs): pickle.dictionary(pairs)
                case .module(let part): push(part, name, into: &pickle)
                }
            }
        }
    }

    /// The class of a module.
    private mutating func define(_ module: TorchScriptModule, _ attribute: String?) -> String {
        var parameters = ""
        var declarations = "  training : bool\n"
        for (name, value) in module.attributes {
            let type: String
            switch value {
            case .parameter:
                parameters += "\"\(name)\", "
                type = "Tensor"
            case .integers: type = "List[int]"
            case .strings: type = "List[str]"
            case .integersByInteger: type = "Dict[int, int]"
            case .integersByString: type = "Dict[str, int]"
            case .module(let part): type = "__torch__." + define(part, name)
            }
            // The parts of a list have numbers for names, which cannot be declared as others are.
            declarations +=
                TorchScriptModule.isName(name) ? "  \(name) : \(type)\n" : "  __annotations__[\"\(name)\"] = \(type)\n"
        }
        let definition =
            "  __parameters__ = [\(parameters)]\n  __buffers__ = []\n\(declarations)\(module.methods)"
        if let name = nameOfDefinition[definition] { return name }
        var name = Self.root
        if let attribute {
            let wanted = Self.className(attribute, module)
            name = wanted
            var number = 2
            while !names.insert(name).inserted {
                name = "\(wanted)\(number)"
                number += 1
            }
        }
        nameOfDefinition[definition] = name
        code += "class \(name)(Module):\n\(definition)"
        return name
    }

    /// What to call the class of an attribute: `Attn`, `WeightBias` for what has these two and no more, `Part` for one of a
    /// list.
    private static func className(_ name: String, _ module: TorchScriptModule) -> String {
        let isLeaf = module.attributes.allSatisfy { if case .parameter = $0.value { true } else { false } }
        if !isLeaf, !TorchScriptModule.isName(name) { return "Part" }
        let words = isLeaf ? module.attributes.map(\.name) : name.split(separator: "_").map(String.init)
        return words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}
