/// A module of an archive: its attributes, which may be modules, and the code of its methods.
///
/// The name of a parameter is its path: `h.0.weight` is the attribute `weight` of the attribute `0` of `h`. So the state
/// dictionary in PyTorch has the names of the model's own files.
struct TorchScriptModule {
    /// The value of an attribute.
    enum Attribute {
        /// The tensor of an entry in the folder `data`.
        case parameter(storage: String, type: TorchScriptType, shape: [Int])
        /// `List[int]`
        case integers([Int])
        /// `List[str]`
        case strings([String])
        /// `Dict[int, int]`
        case integersByInteger([(key: Int, value: Int)])
        /// `Dict[str, int]`
        case integersByString([(key: String, value: Int)])
        case module(TorchScriptModule)
    }

    private(set) var attributes: [(name: String, value: Attribute)] = []
    /// The definitions of its methods, indented by two spaces.
    var methods = ""

    /// Adds an attribute to this module itself.
    mutating func set(_ name: String, _ value: Attribute) { attributes.append((name, value)) }

    /// Adds an attribute at a path, whose components are separated by dots.
    mutating func set(at path: String, _ value: Attribute) {
        set(at: path.split(separator: ".").map(String.init)[...], value)
    }

    private mutating func set(at path: ArraySlice<String>, _ value: Attribute) {
        guard let first = path.first else { return }
        guard path.count > 1 else { return set(first, value) }
        let index = attributes.firstIndex { $0.name == first }
        var part = TorchScriptModule()
        if let index, case .module(let module) = attributes[index].value { part = module }
        part.set(at: path.dropFirst(), value)
        if let index {
            attributes[index].value = .module(part)
        } else {
            set(first, .module(part))
        }
    }

    /// The expression for the attribute at a path, in a method of this module.
    static func expression(_ path: String) -> String {
        path.split(separator: ".").reduce("self") { module, name in
            isName(name) ? "\(module).\(name)" : "getattr(\(module), \"\(name)\")"
        }
    }

    /// Whether it is an identifier; the elements of a list are named by numbers.
    static func isName(_ name: some StringProtocol) -> Bool {
        name.utf8.first.map { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
    }
}

/// The number type of a tensor.
enum TorchScriptType: Sendable {
    case float32

    /// PyTorch's class of storages of this type.
    var storage: String { "FloatStorage" }
}

/// The classes of a module and all modules in it. Equal modules have the same class.
struct TorchScriptClasses {
    /// The definitions, each after those that it uses.
    private(set) var code = ""
    private var nameOfDefinition: [String: String] = [:]
    /// The class of the model, whose name occurs in its methods.
    private static let root = "Model"
    private var names: Set<String> = [root]

    /// The pickle of a model; adds the classes of it and all its parts to the code.
    mutating func pickle(_ model: TorchScriptModule) -> [UInt8] {
        PickleWriter.pickle { push(model, nil, into: &$0) }
    }

    /// Pushes a module as an object of its class, whose definition is added to the code unless it has an equal one.
    /// - Parameters:
    ///   - module: the model or a part of it.
    ///   - attribute: the name of the part in the module that contains it; nil for the model.
    ///   - pickle: the pickle that it is pushed to.
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

    /// The name of a module's class, which is defined if it is new.
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
            // Attributes named by numbers, the elements of a list, cannot be declared like others.
            declarations +=
                TorchScriptModule.isName(name) ? "  \(name) : \(type)\n" : "  __annotations__[\"\(name)\"] = \(type)\n"
        }
        let definition =
            "  __parameters__ = [\(parameters)]\n  __buffers__ = []\n\(declarations)\(module.methods)"
        if let name = nameOfDefinition[definition] { return name }
        var name = Self.root
        if let attribute {
            let base = Self.className(attribute, module)
            name = base
            var number = 2
            while !names.insert(name).inserted {
                name = "\(base)\(number)"
                number += 1
            }
        }
        nameOfDefinition[definition] = name
        code += "class \(name)(Module):\n\(definition)"
        return name
    }

    /// The name for the class of an attribute: its own, such as `Attn`; `WeightBias` if it has these two parameters only; `Part`
    /// for an element of a list.
    private static func className(_ name: String, _ module: TorchScriptModule) -> String {
        let isLeaf = module.attributes.allSatisfy { if case .parameter = $0.value { true } else { false } }
        if !isLeaf, !TorchScriptModule.isName(name) { return "Part" }
        let words = isLeaf ? module.attributes.map(\.name) : name.split(separator: "_").map(String.init)
        return words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}
