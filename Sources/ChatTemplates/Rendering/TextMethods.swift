extension Interpreter {
    /// Calls a method of a string.
    func call(method name: String, of text: Text, _ arguments: Arguments) throws -> Value {
        try budget.read(text)
        switch name {
        case "strip", "lstrip", "rstrip":
            let set = try optionalText(try arguments.bound(to: ["chars"], of: name)[0], name)
            return try made(text.stripped(name == "strip" ? .both : name == "lstrip" ? .start : .end, of: set))
        case "split", "rsplit": return try split(text, arguments, isReversed: name == "rsplit")
        case "splitlines":
            let keeps = try arguments.bound(to: ["keepends"], of: name)[0]?.isTrue ?? false
            guard !keeps else { throw failure("splitlines(true) is not supported") }
            return try list(text.lines)
        case "join":
            let parts = try arguments.bound(to: ["parts"], required: 1, of: name)[0] ?? .none
            return try joined(try elements(of: parts), by: text) { part in
                guard let text = part.text else { throw self.failure("join needs strings, not \(part.typeName)") }
                return text
            }
        case "replace":
            let values = try arguments.bound(to: ["old", "new", "count"], required: 2, of: name)
            let limit = try values[2].map { try integer($0, name) } ?? -1
            return try replaced(
                text, try requiredText(values[0], name), try requiredText(values[1], name), limit: limit)
        case "startswith", "endswith":
            let values = try arguments.bound(to: ["prefix", "start", "end"], required: 1, of: name)
            let part = try part(of: text, from: values[1], to: values[2])
            let candidates: [Value] =
                if case .tuple(let tuple) = values[0] { tuple.items } else { [values[0] ?? .none] }
            for candidate in candidates {
                let candidate = try requiredText(candidate, name)
                let isLongEnough = part.map { candidate.count <= $0.count } ?? false
                if isLongEnough, let part, name == "startswith" ? part.hasPrefix(candidate) : part.hasSuffix(candidate)
                {
                    return .bool(true)
                }
            }
            return .bool(false)
        case "find", "rfind", "index", "rindex", "count": return try search(text, name, arguments)
        case "removeprefix", "removesuffix":
            let part = try requiredText(try arguments.bound(to: ["part"], required: 1, of: name)[0], name)
            if name == "removeprefix" {
                return try made(text.hasPrefix(part) ? Text(text.scalars.dropFirst(part.count)) : text)
            }
            return try made(text.hasSuffix(part) ? Text(text.scalars.dropLast(part.count)) : text)
        default: return try converted(text, name, arguments)
        }
    }

    private func converted(_ text: Text, _ name: String, _ arguments: Arguments) throws -> Value {
        _ = try arguments.bound(to: [], of: name)
        try budget.examine(text)
        func all(_ isTrue: (Unicode.Scalar) -> Bool) -> Value {
            .bool(!text.isEmpty && text.scalars.allSatisfy(isTrue))
        }
        switch name {
        case "upper": return try made(text.uppercased)
        case "lower": return try made(text.lowercased)
        case "capitalize": return try made(text.capitalized)
        case "title": return try made(text.titlecased)
        case "islower": return .bool(text.isLowercase)
        case "isupper": return .bool(text.isUppercase)
        case "isspace": return all(\.isWhiteSpace)
        case "isdigit": return all { $0.properties.numericType == .decimal || $0.properties.numericType == .digit }
        case "isalpha": return all(\.isLetter)
        case "isalnum": return all { $0.isLetter || $0.properties.numericType != nil }
        default: throw failure("the method '\(name)' of str is not supported")
        }
    }

    private func split(_ text: Text, _ arguments: Arguments, isReversed: Bool) throws -> Value {
        let name = isReversed ? "rsplit" : "split"
        let values = try arguments.bound(to: ["sep", "maxsplit"], of: name)
        let limit = try values[1].map { try integer($0, name) } ?? -1, greatest = limit < 0 ? Int.max : limit
        let separator = try optionalText(values[0], name)
        if let separator, separator.isEmpty { throw failure("\(name) by an empty string") }
        func split(_ text: Text, _ separator: Text?) -> [Text] {
            separator.map { text.split(by: $0, limit: greatest) } ?? text.splitAtWhiteSpace(limit: greatest)
        }
        guard isReversed else { return try list(split(text, separator)) }
        let parts = split(Text(text.scalars.reversed()), separator.map { Text($0.scalars.reversed()) })
        return try list(parts.reversed().map { Text($0.scalars.reversed()) })
    }

    private func search(_ text: Text, _ name: String, _ arguments: Arguments) throws -> Value {
        let values = try arguments.bound(to: ["part", "start", "end"], required: 1, of: name)
        let part = try requiredText(values[0], name)
        guard let range = try self.part(of: text, from: values[1], to: values[2]) else {
            return .int(name == "count" ? 0 : -1)
        }
        if name == "count" { return .int(range.occurrences(of: part)) }
        let offset = try start(values[1], in: text)
        let isLast = name.hasPrefix("r")
        guard let position = isLast ? range.lastPosition(of: part) : range.position(of: part) else {
            if name.hasSuffix("index") { throw failure("the string does not have the part of '\(name)'") }
            return .int(-1)
        }
        return .int(offset + position)
    }

    /// The position of a bound of a search, which may count from the end.
    private func start(_ bound: Value?, in text: Text) throws -> Int {
        guard let bound, !bound.isNone else { return 0 }
        let position = try integer(bound, "the bound of a search")
        return position < 0 ? max(0, position + text.count) : position
    }

    /// The part of a text between two bounds; nil if it begins after the end.
    private func part(of text: Text, from start: Value?, to end: Value?) throws -> Text? {
        let first = try self.start(start, in: text)
        let last = try end.map { $0.isNone ? text.count : min(text.count, try self.start($0, in: text)) } ?? text.count
        if first == 0, last == text.count { return text }
        return first > text.count || first > last ? nil : Text(text.scalars[first..<last])
    }

    // MARK: Arguments and results

    func requiredText(_ value: Value?, _ function: String) throws -> Text {
        switch value {
        case .text(let text): return text
        case .undefined(let problem): throw failure(problem)
        default: throw failure("\(function) needs a string, not \(value?.typeName ?? "nothing")")
        }
    }

    func optionalText(_ value: Value?, _ function: String) throws -> Text? {
        guard let value, !value.isNone else { return nil }
        return try requiredText(value, function)
    }

    func integer(_ value: Value, _ function: String) throws -> Int {
        if case .undefined(let problem) = value { throw failure(problem) }
        guard let integer = value.integer else { throw failure("\(function) needs an integer, not \(value.typeName)") }
        return integer
    }

    /// A new text as a value.
    func made(_ text: Text) throws -> Value {
        try budget.allocate(text.count)
        return .text(text)
    }

    func list(_ texts: [Text]) throws -> Value {
        try budget.allocate(texts.reduce(0) { $0 + $1.count })
        return .list(try budget.elements(texts.map(Value.text)))
    }

    func replaced(_ text: Text, _ old: Text, _ new: Text, limit: Int) throws -> Value {
        let limit = limit < 0 ? Int.max : limit
        let (length, overflow) = new.count.multipliedReportingOverflow(by: min(limit, text.occurrences(of: old)))
        try budget.allocate(overflow ? .max : text.count + length)
        return .text(text.replacing(old, with: new, limit: limit))
    }

    func joined(_ parts: [Value], by separator: Text, _ text: (Value) throws -> Text) throws -> Value {
        var result: [Unicode.Scalar] = []
        for (position, part) in parts.enumerated() {
            let part = try text(part)
            try budget.allocate(part.count + separator.count)
            if position > 0 { result += separator.scalars }
            result += part.scalars
        }
        return .text(Text(result))
    }
}

extension Unicode.Scalar {
    fileprivate var isLetter: Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }
}
