// Equality, order and membership, as in Python.

extension Interpreter {
    func compare(_ left: Value, _ symbol: String, _ right: Value) throws -> Bool {
        switch symbol {
        case "==": try isEqual(left, right)
        case "!=": try !isEqual(left, right)
        case "<": try isLess(left, right)
        case ">": try isLess(right, left)
        case "<=": try isLess(left, right, orEqual: true)
        case ">=": try isLess(right, left, orEqual: true)
        case "in": try contains(right, left)
        default: try !contains(right, left)
        }
    }

    func isEqual(_ left: Value, _ right: Value) throws -> Bool {
        try budget.spend()
        if let left = left.integer, let right = right.integer { return left == right }
        switch (left, right) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.float(let left), .float(let right)): return left == right
        case (.float(let float), _): return right.integer.map { Int(exactly: float) == $0 } ?? false
        case (_, .float(let float)): return left.integer.map { Int(exactly: float) == $0 } ?? false
        case (.text(let left), .text(let right)):
            try budget.read(left)
            return left == right
        case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
            guard left.items.count == right.items.count else { return false }
            return try firstDifference(left.items, right.items) == nil
        case (.mapping(let left), .mapping(let right)):
            guard left.count == right.count else { return false }
            for (key, value) in zip(left.keys, left.values) {
                guard let other = right[try mappingKey(key)], try isEqual(value, other) else { return false }
            }
            return true
        case (.range(let left), .range(let right)):
            return left.count == right.count
                && (left.count == 0 || left.start == right.start && (left.count == 1 || left.step == right.step))
        case (.namespace(let left), .namespace(let right)): return left === right
        case (.iterator(let left), .iterator(let right)): return left === right
        case (.loop(let left), .loop(let right)): return left === right
        case (.view(let left), .view(let right)):
            guard left.part == right.part, left.part != .values else { return false }
            return try left.mapping.count == right.mapping.count
                && !elements(of: .view(left)).contains {
                    try !contains(.view(right), $0)
                }
        case (.function(let left), .function(let right)): return try isEqual(left, right)
        default: return false
        }
    }

    private func isEqual(_ left: Function, _ right: Function) throws -> Bool {
        switch (left, right) {
        case (.global(let left), .global(let right)): left == right
        case (.macro(let left), .macro(let right)): left === right
        case (.method(let receiver, let name), .method(let other, let otherName)):
            try name == otherName && isEqual(receiver, other)
        default: false
        }
    }

    /// The first position at which two lists have different elements.
    private func firstDifference(_ left: [Value], _ right: [Value]) throws -> Int? {
        try zip(left, right).enumerated().first { try !isEqual($0.element.0, $0.element.1) }?.offset
    }

    func isLess(_ left: Value, _ right: Value, orEqual: Bool = false) throws -> Bool {
        try budget.spend()
        for operand in [left, right] { if case .undefined(let problem) = operand { throw failure(problem) } }
        if let left = left.integer, let right = right.integer { return left < right || orEqual && left == right }
        if let order = order(left, right) { return order < 0 || orEqual && order == 0 }
        switch (left, right) {
        case (.text(let left), .text(let right)):
            try budget.read(left)
            return left < right || orEqual && left == right
        case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
            guard let position = try firstDifference(left.items, right.items) else {
                return left.items.count < right.items.count || orEqual && left.items.count == right.items.count
            }
            return try isLess(left.items[position], right.items[position], orEqual: orEqual)
        default:
            if left.number != nil, right.number != nil { return false }
            throw failure("\(left.typeName) and \(right.typeName) have no order")
        }
    }

    /// The sign of the difference of two numbers, if one or both are floats; nil if they are not ordered. Integers are not
    /// rounded to floats, because rounding can make two different integers equal.
    private func order(_ left: Value, _ right: Value) -> Int? {
        guard let first = left.number, let second = right.number else { return nil }
        if first != second { return first < second ? -1 : first > second ? 1 : nil }
        if let left = left.integer { return Int(exactly: second).map { left < $0 ? -1 : left > $0 ? 1 : 0 } ?? -1 }
        if let right = right.integer { return Int(exactly: first).map { $0 < right ? -1 : $0 > right ? 1 : 0 } ?? 1 }
        return 0
    }

    /// Whether a container has an element, a key or a part.
    func contains(_ container: Value, _ element: Value) throws -> Bool {
        switch container {
        case .text(let text):
            guard case .text(let part) = element else {
                if case .undefined(let problem) = element { throw failure(problem) }
                throw failure("'in' a string needs a string, not \(element.typeName)")
            }
            try budget.spend(1 + (text.count + part.count) / 2)
            return text.position(of: part) != nil
        case .mapping(let mapping): return mapping[try mappingKey(element)] != nil
        case .view(let view) where view.part == .keys: return view.mapping[try mappingKey(element)] != nil
        case .range(let interval):
            if let integer = element.integer { return interval.contains(integer) }
            if case .float(let float) = element { return Int(exactly: float).map(interval.contains) ?? false }
            return false
        default:
            let iterator = try iterator(over: container)
            while let item = try iterator.next() { if try isEqual(item, element) { return true } }
            return false
        }
    }

    /// The value as a key of a dictionary.
    /// - Throws: if Python cannot hash it.
    func mappingKey(_ value: Value) throws -> MappingKey {
        try budget.spend()
        switch value {
        case .undefined: return .undefined
        case .none: return .none
        case .bool(let value): return .number(value ? 1 : 0)
        case .int(let value): return .number(value)
        case .float(let value): return Int(exactly: value).map(MappingKey.number) ?? .fraction(value)
        case .text(let text):
            try budget.examine(text)
            return .text(text)
        case .tuple(let elements): return .tuple(try elements.items.map { try mappingKey($0) })
        case .namespace(let object): return .object(ObjectIdentifier(object))
        case .list, .mapping, .view, .range, .iterator, .loop, .function:
            throw failure("\(value.typeName) cannot be a key of a dictionary")
        }
    }

    /// The positions of values in their order, from the greatest on if `isReversed`; equal ones stay in the order in which
    /// they are.
    func sortedPositions(_ keys: [Value], isReversed: Bool) throws -> [Int] {
        try keys.indices.sorted { left, right in
            let isBefore = isReversed ? (right, left) : (left, right)
            if try isLess(keys[isBefore.0], keys[isBefore.1]) { return true }
            let isAfter = isReversed ? (left, right) : (right, left)
            return try !isLess(keys[isAfter.0], keys[isAfter.1]) && left < right
        }
    }
}
