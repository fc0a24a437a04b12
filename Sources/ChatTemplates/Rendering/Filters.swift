extension Interpreter {
    /// The filters that templates can use.
    static let filters: Set<String> = [
        "abs", "attr", "batch", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float",
        "format",
        "indent", "int", "items", "join", "last", "length", "list", "lower", "map", "max", "min", "reject",
        "rejectattr",
        "replace", "reverse", "round", "safe", "select", "selectattr", "slice", "sort", "string", "sum", "title",
        "tojson",
        "trim", "unique", "upper", "wordcount",
    ]

    /// Applies a filter to a value. Those whose names are not listed are unknown, or not supported.
    func apply(filter name: String, to value: Value, _ arguments: Arguments) throws -> Value {
        guard Self.filters.contains(name) else { throw failure("the filter '\(name)' is unknown or not supported") }
        switch name {
        case "trim", "upper", "lower", "capitalize", "title", "string", "safe", "e", "escape", "replace", "indent",
            "format",
            "wordcount":
            return try apply(textFilter: name, to: value, arguments)
        case "map", "select", "reject", "selectattr", "rejectattr", "unique", "batch", "slice", "items":
            return .iterator(try lazily(name, value, arguments))
        case "abs", "int", "float", "round": return try apply(numberFilter: name, to: value, arguments)
        case "first", "last", "length", "count", "list", "reverse", "sort", "dictsort", "min", "max", "sum", "join":
            return try apply(collectionFilter: name, to: value, arguments)
        case "default", "d":
            let values = try arguments.bound(to: ["default_value", "boolean"], of: name)
            let isMissing = value.isUndefined || (values[1]?.isTrue ?? false) && !value.isTrue
            return isMissing ? values[0] ?? .text("") : value
        case "attr":
            let attribute = try requiredText(try arguments.bound(to: ["name"], required: 1, of: name)[0], name)
            if case .mapping = value, !MethodNames(of: value).supported.contains(attribute.string) {
                return .undefined("dict has no attribute '\(attribute.string)'")
            }
            return try self.attribute(attribute.string, of: value)
        default: return .text(try json(value, arguments))
        }
    }

    // MARK: Texts

    private func apply(textFilter name: String, to value: Value, _ arguments: Arguments) throws -> Value {
        if name == "indent" { return try indented(value, arguments) }
        let text = try string(value)
        try budget.examine(text)
        switch name {
        case "trim":
            return try made(text.stripped(of: try optionalText(try arguments.bound(to: ["chars"], of: name)[0], name)))
        case "replace":
            let values = try arguments.bound(to: ["old", "new", "count"], required: 2, of: name)
            let limit = try values[2].flatMap { $0.isNone ? nil : try integer($0, name) } ?? -1
            return try replaced(text, try string(values[0] ?? .none), try string(values[1] ?? .none), limit: limit)
        case "format":
            guard arguments.named.isEmpty else { throw failure("the filter 'format' with names is not supported") }
            return .text(try formatted(text, with: .tuple(try budget.elements(arguments.positional))))
        default: break
        }
        _ = try arguments.bound(to: [], of: name)
        switch name {
        case "upper": return try made(text.uppercased)
        case "lower": return try made(text.lowercased)
        case "capitalize": return try made(text.capitalized)
        case "title": return try made(text.withCapitalWords)
        case "e", "escape":
            var result = text
            for (plain, escape) in [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&#39;"), ("\"", "&#34;")] {
                guard case .text(let next) = try replaced(result, Text(plain), Text(escape), limit: -1) else { break }
                result = next
            }
            return .text(result)
        case "wordcount":
            let isWord = { (scalar: Unicode.Scalar) in scalar == "_" || scalar.properties.isAlphabetic || scalar.isDigit
            }
            return .int(text.scalars.split { !isWord($0) }.count)
        default: return .text(text)
        }
    }

    private func indented(_ value: Value, _ arguments: Arguments) throws -> Value {
        let values = try arguments.bound(to: ["width", "first", "blank"], of: "indent")
        let text = try requiredText(value, "indent")
        try budget.read(text)
        var indentation: Text = "    "
        if case .text(let text) = values[0] {
            indentation = text
        } else if let width = values[0] {
            let count = max(0, try integer(width, "indent"))
            try budget.allocate(count)
            indentation = Text([Unicode.Scalar](repeating: " ", count: count))
        }
        let lines = Text(text.scalars + ["\n"]).lines, blank = values[2]?.isTrue ?? false
        var result: [Unicode.Scalar] = []
        for (position, line) in lines.enumerated() {
            if position > 0 { result.append("\n") }
            let isIndented = position == 0 ? values[1]?.isTrue ?? false : blank || !line.isEmpty
            try budget.allocate(line.count + indentation.count + 1)
            result += (isIndented ? indentation.scalars : []) + line.scalars
        }
        return .text(Text(result))
    }
}
