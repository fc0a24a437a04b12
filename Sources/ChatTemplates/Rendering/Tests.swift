extension Interpreter {
    /// Whether `value is name(arguments)`.
    func test(_ name: String, _ value: Value, _ arguments: Arguments) throws -> Bool {
        let operators = [
            "==": "==", "eq": "==", "equalto": "==", "!=": "!=", "ne": "!=", ">": ">", "gt": ">", "greaterthan": ">",
            "ge": ">=", ">=": ">=", "<": "<", "lt": "<", "lessthan": "<", "<=": "<=", "le": "<=",
        ]
        if let symbol = operators[name] {
            return try compare(value, symbol, try arguments.bound(to: ["other"], required: 1, of: name)[0] ?? .none)
        }
        switch name {
        case "in", "divisibleby", "sameas":
            let other = try arguments.bound(to: ["other"], required: 1, of: name)[0] ?? .none
            if name == "in" { return try contains(other, value) }
            if name == "sameas" { return try isSame(value, other) }
            return try isEqual(try arithmetic("%", value, other), .int(0))
        default: break
        }
        _ = try arguments.bound(to: [], of: name)
        switch name {
        case "defined": return !value.isUndefined
        case "undefined": return value.isUndefined
        case "none": return value.isNone
        case "odd": return try isEqual(try arithmetic("%", value, .int(2)), .int(1))
        case "even": return try isEqual(try arithmetic("%", value, .int(2)), .int(0))
        case "lower", "upper":
            let text = try string(value)
            try budget.examine(text)
            return name == "lower" ? text.isLowercase : text.isUppercase
        case "iterable": return isIterable(value)
        case "filter": return try Self.filters.contains(requiredText(value, "the test 'filter'").string)
        default: return try testType(name, value)
        }
    }

    private func testType(_ name: String, _ value: Value) throws -> Bool {
        switch (name, value) {
        case ("boolean", .bool), ("integer", .int), ("float", .float), ("string", .text), ("mapping", .mapping):
            return true
        case ("true", .bool(let value)): return value
        case ("false", .bool(let value)): return !value
        case ("number", .int), ("number", .float), ("number", .bool): return true
        case ("sequence", .text), ("sequence", .list), ("sequence", .tuple), ("sequence", .mapping),
            ("sequence", .range),
            ("sequence", .undefined):
            return true
        case ("callable", .function), ("callable", .undefined), ("callable", .loop): return true
        default:
            let types = [
                "boolean", "integer", "float", "string", "mapping", "true", "false", "number", "sequence", "callable",
                "escaped",
            ]
            guard types.contains(name) else { throw failure("the test '\(name)' is unknown or not supported") }
            return false
        }
    }

    /// Python's `is`: for texts and numbers as far as a template can rely on it.
    private func isSame(_ left: Value, _ right: Value) throws -> Bool {
        switch (left, right) {
        case (.none, .none): return true
        case (.bool(let left), .bool(let right)): return left == right
        case (.int(let left), .int(let right)): return left == right
        case (.text(let left), .text(let right)): return left == right
        case (.none, _), (_, .none), (.bool, _), (_, .bool): return false
        case (.namespace, .namespace), (.loop, .loop), (.iterator, .iterator): return try isEqual(left, right)
        default: throw failure("the test 'sameas' of \(left.typeName) and \(right.typeName) is not supported")
        }
    }
}
