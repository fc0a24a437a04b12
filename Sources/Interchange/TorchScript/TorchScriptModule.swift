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
