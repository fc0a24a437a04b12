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
