// Filters that compute an element when it is needed, as in Jinja: what they do, and their errors, come only then.

extension Interpreter {
    func lazily(_ name: String, _ value: Value, _ arguments: Arguments) throws -> ValueIterator {
        try budget.check(value.depth + arguments.depth + 1)
        let makeElement = try element(name, value, arguments)
        return ValueIterator(depth: value.depth + arguments.depth + 1) { [unowned self] in
            // One iterator may read from another.
            try nested(nil) { try makeElement() }
        }
    }

    private func element(_ name: String, _ value: Value, _ arguments: Arguments) throws -> () throws -> Value? {
        switch name {
        case "items": return try items(value, arguments)
        case "unique": return try unique(value, arguments)
        case "batch": return try batches(value, arguments)
        case "slice": return try slices(value, arguments)
        default: break
        }
        var source: ValueIterator?
        var isEmpty = false
        let isMap = name == "map"
        return { [unowned self] in
            if source == nil, !isEmpty {
                isEmpty = !value.isTrue
                source = isEmpty ? nil : try iterator(over: value)
            }
            while let source, let item = try source.next() {
                try budget.spend()
                if isMap { return try mapped(item, arguments) }
                let isSelected = try selects(item, arguments, hasAttribute: name.hasSuffix("attr"))
                if isSelected != name.hasPrefix("reject") { return item }
            }
            return nil
        }
    }

    private func mapped(_ item: Value, _ arguments: Arguments) throws -> Value {
        if arguments.positional.isEmpty, arguments.named.contains(where: { $0.name == "attribute" }) {
            let values = try arguments.bound(to: ["attribute", "default"], of: "map")
            return try member(values[0] ?? .none, of: item, orElse: values[1])
        }
        guard let name = arguments.positional.first else {
            throw failure("map needs the name of a filter, or attribute=")
        }
        let others = Arguments(positional: Array(arguments.positional.dropFirst()), named: arguments.named)
        return try apply(filter: try requiredText(name, "map").string, to: item, others)
    }

    private func selects(_ item: Value, _ arguments: Arguments, hasAttribute: Bool) throws -> Bool {
        var positional = arguments.positional[...], value = item
        if hasAttribute {
            guard let attribute = positional.popFirst() else { throw failure("the name of an attribute is missing") }
            value = try member(attribute, of: item)
        }
        guard let name = positional.popFirst() else { return value.isTrue }
        let others = Arguments(positional: Array(positional), named: arguments.named)
        return try test(try requiredText(name, "the name of a test").string, value, others)
    }

    private func items(_ value: Value, _ arguments: Arguments) throws -> () throws -> Value? {
        _ = try arguments.bound(to: [], of: "items")
        var position = 0
        return { [unowned self] in
            switch value {
            case .undefined: return nil
            case .mapping(let mapping):
                defer { position += 1 }
                return position < mapping.count ? MappingView(mapping: mapping, part: .items)[position] : nil
            default: throw failure("the filter 'items' needs a dictionary, not \(value.typeName)")
            }
        }
    }

    private func unique(_ value: Value, _ arguments: Arguments) throws -> () throws -> Value? {
        let values = try arguments.bound(to: ["case_sensitive", "attribute"], of: "unique")
        var seen: Set<MappingKey> = [], source: ValueIterator?
        return { [unowned self] in
            let iterator = try source ?? iterator(over: value)
            source = iterator
            while let item = try iterator.next() {
                try budget.allocate(8)
                let key = try key(of: item, values[1], isCaseSensitive: values[0]?.isTrue ?? false)
                if seen.insert(try mappingKey(key)).inserted { return item }
            }
            return nil
        }
    }

    private func batches(_ value: Value, _ arguments: Arguments) throws -> () throws -> Value? {
        let values = try arguments.bound(to: ["linecount", "fill_with"], required: 1, of: "batch")
        let count = try integer(values[0] ?? .none, "batch")
        guard count > 0 else { throw failure("batch needs a positive number") }
        var source: ValueIterator?
        return { [unowned self] in
            let iterator = try source ?? iterator(over: value)
            source = iterator
            var batch: [Value] = []
            while batch.count < count, let item = try iterator.next() {
                try budget.allocate(9)
                batch.append(item)
            }
            guard !batch.isEmpty else { return nil }
            if let filling = values[1], !filling.isNone, batch.count < count {
                let (size, overflow) = (count - batch.count).multipliedReportingOverflow(by: 8)
                try budget.allocate(overflow ? .max : size)
                batch += [Value](repeating: filling, count: count - batch.count)
            }
            return .list(try budget.elements(batch))
        }
    }

    private func slices(_ value: Value, _ arguments: Arguments) throws -> () throws -> Value? {
        let values = try arguments.bound(to: ["slices", "fill_with"], required: 1, of: "slice")
        let count = try integer(values[0] ?? .none, "slice")
        guard count > 0 else { throw failure("slice needs a positive number") }
        var items: [Value]?, number = 0, start = 0
        return { [unowned self] in
            let all = try items ?? elements(of: value)
            items = all
            guard number < count else { return nil }
            let isLonger = number < all.count % count
            let end = start + all.count / count + (isLonger ? 1 : 0)
            var part = Array(all[start..<end])
            if let filling = values[1], !filling.isNone, !isLonger { part.append(filling) }
            start = end
            number += 1
            return .list(try budget.elements(part))
        }
    }
}

extension Arguments {
    /// The depth of the deepest argument.
    var depth: Int { (positional + named.map(\.value)).map(\.depth).max() ?? 0 }
}
