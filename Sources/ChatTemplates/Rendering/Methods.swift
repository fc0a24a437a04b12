/// The names of Python's methods of a value: those that templates can call here, those that would change it, and the others.
struct MethodNames {
    var supported: Set<String> = []
    var refused: Set<String> = []
    var unsupported: Set<String> = []

    init(of value: Value) {
        switch value {
        case .text: self = Self.text
        case .mapping: self = Self.mapping
        case .list: self = Self.list
        case .tuple: supported = ["index", "count"]
        case .loop: supported = ["cycle", "changed"]
        case .int, .bool: unsupported = Self.ofIntegers
        case .float: unsupported = Self.ofFloats
        default: break
        }
    }

    private init(_ supported: Set<String>, refused: Set<String> = [], unsupported: Set<String> = []) {
        self.supported = supported
        self.refused = refused
        self.unsupported = unsupported
    }

    private static let text = MethodNames(
        [
            "capitalize", "count", "endswith", "find", "index", "isalnum", "isalpha", "isdigit", "islower", "isspace",
            "isupper", "join", "lower", "lstrip", "removeprefix", "removesuffix", "replace", "rfind", "rindex",
            "rsplit",
            "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper",
        ],
        unsupported: [
            "casefold", "center", "encode", "expandtabs", "format", "format_map", "isascii", "isdecimal",
            "isidentifier",
            "isnumeric", "isprintable", "istitle", "ljust", "maketrans", "partition", "rjust", "rpartition", "swapcase",
            "translate", "zfill",
        ])

    private static let mapping = MethodNames(
        ["copy", "get", "items", "keys", "values"], refused: ["clear", "pop", "popitem", "setdefault", "update"],
        unsupported: ["fromkeys"])

    private static let list = MethodNames(
        ["copy", "count", "index"],
        refused: ["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"])

    private static let ofIntegers: Set<String> = [
        "as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator", "from_bytes", "imag", "numerator",
        "real",
        "to_bytes",
    ]

    private static let ofFloats: Set<String> = [
        "as_integer_ratio", "conjugate", "fromhex", "hex", "imag", "is_integer", "real",
    ]
}

extension Interpreter {
    func call(method name: String, of receiver: Value, _ arguments: Arguments) throws -> Value {
        switch receiver {
        case .text(let text): return try call(method: name, of: text, arguments)
        case .mapping(let mapping): return try call(method: name, of: mapping, arguments)
        case .loop(let loop): return try loop.call(name, arguments.bound(to: [], allowing: name), self)
        case .list(let elements), .tuple(let elements):
            if name == "copy" { return receiver }
            let needle = try arguments.bound(to: ["value"], required: 1, of: name)[0] ?? .none
            var count = 0
            for (position, item) in elements.items.enumerated() where try isEqual(item, needle) {
                if name == "index" { return .int(position) }
                count += 1
            }
            if name == "index" { throw failure("the list does not have the value of 'index'") }
            return .int(count)
        default: throw failure("\(receiver.typeName) has no method '\(name)'")
        }
    }

    private func call(method name: String, of mapping: Mapping, _ arguments: Arguments) throws -> Value {
        if name == "get" {
            let values = try arguments.bound(to: ["key", "default"], required: 1, of: "get")
            return mapping[try mappingKey(values[0] ?? .none)] ?? values[1] ?? .none
        }
        _ = try arguments.bound(to: [], of: name)
        return MappingView.Part(rawValue: name).map { .view(MappingView(mapping: mapping, part: $0)) }
            ?? .mapping(mapping)
    }
}

extension Arguments {
    /// Any number of arguments without names.
    func bound(to none: [String], allowing function: String) throws -> [Value] {
        guard named.isEmpty else { throw ChatTemplateError("\(function) has no arguments with names") }
        return positional
    }
}
