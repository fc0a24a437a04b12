import Platform

extension Interpreter {
    /// The functions of templates: Jinja's, and those that transformers adds.
    static let globals: Set<String> = [
        "range", "dict", "namespace", "raise_exception", "strftime_now", "lipsum", "cycler", "joiner",
    ]

    func call(_ function: Value, _ arguments: Arguments) throws -> Value {
        switch function {
        case .function(.method(let receiver, let name)): return try call(method: name, of: receiver, arguments)
        case .function(.macro(let macro)): return try call(macro, arguments)
        case .function(.global(let name)): return try call(global: name, arguments)
        case .undefined(let problem): throw failure(problem)
        default: throw failure("\(function.typeName) cannot be called")
        }
    }

    private func call(global name: String, _ arguments: Arguments) throws -> Value {
        switch name {
        case "range": return try range(arguments)
        case "dict": return try checked(try mapping(of: arguments, name))
        case "namespace":
            let attributes = try mapping(of: arguments, name)
            for key in attributes.keys { if let name = key.text { try checkAttribute(name) } }
            return try makeNamespace(attributes)
        case "raise_exception":
            let message = try string(try arguments.bound(to: ["message"], required: 1, of: name)[0] ?? .none)
            throw ChatTemplateError(message.string, isRaisedByTemplate: true)
        case "strftime_now":
            let format = try requiredText(try arguments.bound(to: ["format"], required: 1, of: name)[0], name)
            return try made(Text(try formattedTime(format.string)))
        default: throw failure("the function '\(name)' is not supported")
        }
    }

    /// transformers refuses names of attributes that begin with an underscore.
    func checkAttribute(_ name: Text) throws {
        if name.scalars.first == "_" {
            throw failure("the name of an attribute of a namespace begins with an underscore")
        }
    }

    private func range(_ arguments: Arguments) throws -> Value {
        let integers = try arguments.bound(to: [], allowing: "range").map { try integer($0, "range") }
        guard (1...3).contains(integers.count) else { throw failure("range has 1 to 3 arguments") }
        let interval = Interval(
            from: integers.count > 1 ? integers[0] : 0, to: integers.count > 1 ? integers[1] : integers[0],
            by: integers.count > 2 ? integers[2] : 1)
        guard let interval else { throw failure("range has a step of 0, or is too large") }
        guard interval.count <= RenderingLimits.greatestRange else {
            throw failure("range has \(interval.count) elements; at most \(RenderingLimits.greatestRange) are allowed")
        }
        return .range(interval)
    }

    /// The dictionary of `dict` and `namespace`: made of another one or of pairs, and of arguments with names.
    private func mapping(of arguments: Arguments, _ name: String) throws -> Mapping {
        guard arguments.positional.count <= 1 else { throw failure("\(name) has at most one argument without a name") }
        var mapping = Mapping()
        switch arguments.positional.first {
        case nil: break
        case .mapping(let other): mapping = other
        case let pairs?:
            for pair in try elements(of: pairs) {
                let items = try elements(of: pair)
                guard items.count == 2 else { throw failure("\(name) needs pairs of a key and a value") }
                mapping.set(items[0], hashed: try mappingKey(items[0]), to: items[1])
            }
        }
        for (name, value) in arguments.named { mapping.set(Text(name), to: value) }
        try budget.allocate(32 * mapping.count)
        try budget.check(mapping.depth)
        return mapping
    }

    /// The local time in a format of the C library, with English names.
    private func formattedTime(_ format: String) throws -> String {
        guard !format.utf8.contains(0), format.utf8.count <= 1000 else {
            throw failure("the format of strftime_now is too long")
        }
        // A format such as %p may have an empty result, so one more character tells a failure from it.
        var seconds = time_t(self.time ?? Int(Platform.time(nil))), fields = tm()
        guard localtime_r(&seconds, &fields) != nil else { throw failure("the time is out of range") }
        var buffer = [CChar](repeating: 0, count: 8192)
        let count = strftime(&buffer, buffer.count, format + ".", &fields)
        guard count > 0 else { throw failure("the format of strftime_now is too long") }
        return String(decoding: buffer.prefix(count - 1).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
