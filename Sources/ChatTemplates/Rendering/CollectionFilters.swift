extension Interpreter {
    func apply(collectionFilter name: String, to value: Value, _ arguments: Arguments) throws -> Value {
        switch name {
        case "join":
            let values = try arguments.bound(to: ["d", "attribute"], of: name)
            let separator = try values[0].map { try string($0) } ?? ""
            var items = try elements(of: value)
            if let attribute = values[1], !attribute.isNone { items = try items.map { try member(attribute, of: $0) } }
            return try joined(items, by: separator) { try string($0) }
        case "sort": return try sorted(value, arguments)
        case "dictsort": return try sortedMapping(value, arguments)
        case "min", "max":
            let values = try arguments.bound(to: ["case_sensitive", "attribute"], of: name)
            let items = try elements(of: value)
            guard !items.isEmpty else { return .undefined("there is no item, because the sequence is empty") }
            let keys = try items.map { try key(of: $0, values[1], isCaseSensitive: values[0]?.isTrue ?? false) }
            var best = 0
            for position in keys.indices.dropFirst() {
                let isBetter =
                    try name == "min" ? isLess(keys[position], keys[best]) : isLess(keys[best], keys[position])
                if isBetter { best = position }
            }
            return items[best]
        case "sum":
            let values = try arguments.bound(to: ["attribute", "start"], of: name)
            var sum = values[1] ?? .int(0)
            if sum.text != nil { throw failure("the filter 'sum' cannot add strings") }
            for item in try elements(of: value) {
                let term = try values[0].map { $0.isNone ? item : try member($0, of: item) } ?? item
                sum = try arithmetic("+", sum, term)
            }
            return sum
        default: break
        }
        _ = try arguments.bound(to: [], of: name)
        switch name {
        case "first":
            return try iterator(over: value).next()
                ?? .undefined("there is no first item, because the sequence is empty")
        case "last":
            return try reversed(value).next() ?? .undefined("there is no last item, because the sequence is empty")
        case "list": return .list(try budget.elements(try elements(of: value)))
        case "reverse":
            if case .text(let text) = value { return try made(Text(text.scalars.reversed())) }
            if case .iterator = value { return .list(try budget.elements(try elements(of: value).reversed())) }
            return .iterator(try reversed(value))
        default: return .int(try length(of: value))
        }
    }

    /// Python's `reversed`, which needs a sequence or a dictionary.
    private func reversed(_ value: Value) throws -> ValueIterator {
        switch value {
        case .undefined, .text, .list, .tuple, .mapping, .view, .range: break
        default: throw failure("\(value.typeName) cannot be reversed")
        }
        let items = try elements(of: value)
        var position = items.count
        try budget.check(value.depth + 1)
        return ValueIterator(depth: value.depth + 1) {
            guard position > 0 else { return nil }
            position -= 1
            return items[position]
        }
    }

    // MARK: Sorting

    private func sorted(_ value: Value, _ arguments: Arguments) throws -> Value {
        let values = try arguments.bound(to: ["reverse", "case_sensitive", "attribute"], of: "sort")
        let items = try elements(of: value), isCaseSensitive = values[1]?.isTrue ?? false
        let attributes: [Value?] =
            if case .text(let names) = values[2] { names.split(by: ",").map(Value.text) } else { [values[2]] }
        let keys = try items.map { item in
            let parts = try attributes.map { try key(of: item, $0, isCaseSensitive: isCaseSensitive) }
            return Value.list(try budget.elements(parts))
        }
        let positions = try sortedPositions(keys, isReversed: values[0]?.isTrue ?? false)
        return .list(try budget.elements(positions.map { items[$0] }))
    }

    private func sortedMapping(_ value: Value, _ arguments: Arguments) throws -> Value {
        let values = try arguments.bound(to: ["case_sensitive", "by", "reverse"], of: "dictsort")
        guard case .mapping(let mapping) = value else {
            throw failure("dictsort needs a dictionary, not \(value.typeName)")
        }
        let by = try optionalText(values[1], "dictsort") ?? "key"
        guard by == "key" || by == "value" else { throw failure("dictsort sorts by 'key' or 'value'") }
        let keys = try (by == "key" ? mapping.keys : mapping.values).map {
            try key(of: $0, nil, isCaseSensitive: values[0]?.isTrue ?? false)
        }
        let view = MappingView(mapping: mapping, part: .items)
        let positions = try sortedPositions(keys, isReversed: values[2]?.isTrue ?? false)
        return .list(try budget.elements(positions.map { view[$0] }))
    }

    /// What an item is sorted and compared by: a member of it, or itself, in lower case unless that matters.
    func key(of item: Value, _ attribute: Value?, isCaseSensitive: Bool) throws -> Value {
        let key = try attribute.map { $0.isNone ? item : try member($0, of: item) } ?? item
        guard !isCaseSensitive, case .text(let text) = key else { return key }
        try budget.examine(text)
        return try made(text.lowercased)
    }

    /// The member at a path such as `function.name` or `0.name`, of an item; a missing one is `missing`, if that is given.
    func member(_ path: Value, of item: Value, orElse missing: Value? = nil) throws -> Value {
        guard case .text(let path) = path else { return try orElse(try self.item(path, of: item), missing) }
        var value = item
        for part in path.split(by: ".") {
            let isNumber = !part.isEmpty && part.scalars.allSatisfy(\.isDigit)
            let index = isNumber ? Int(part.string).map(Value.int) ?? .text(part) : .text(part)
            value = try orElse(try self.item(index, of: value), missing)
        }
        return value
    }

    private func orElse(_ value: Value, _ missing: Value?) throws -> Value {
        if value.isUndefined, let missing, !missing.isNone { return missing }
        return value
    }
}
