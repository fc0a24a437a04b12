// Lengths, iteration, members, items and slices.

extension Interpreter {
    /// Python's `len`.
    func length(of value: Value) throws -> Int {
        switch value {
        case .undefined: return 0
        case .text(let text): return text.count
        case .list(let elements), .tuple(let elements): return elements.items.count
        case .mapping(let mapping): return mapping.count
        case .view(let view): return view.mapping.count
        case .range(let interval): return interval.count
        case .loop(let loop): return try loop.length(self)
        default: throw failure("\(value.typeName) has no length")
        }
    }

    /// Python's `iter`.
    func iterator(over value: Value) throws -> ValueIterator {
        func iterate(_ count: Int, _ element: @escaping (Int) throws -> Value) -> ValueIterator {
            var position = 0
            return ValueIterator(depth: value.depth + 1) {
                defer { position += 1 }
                return position < count ? try element(position) : nil
            }
        }
        try budget.check(value.depth + 1)
        switch value {
        case .undefined: return iterate(0) { _ in .none }
        case .text(let text): return iterate(text.count) { .text(Text([text.scalars[$0]])) }
        case .list(let elements), .tuple(let elements): return iterate(elements.items.count) { elements.items[$0] }
        case .mapping(let mapping): return iterate(mapping.count) { mapping.keys[$0] }
        case .view(let view): return iterate(view.mapping.count) { view[$0] }
        case .range(let interval): return iterate(interval.count) { .int(interval[$0]) }
        case .iterator(let iterator): return iterator
        default: throw failure("\(value.typeName) has no elements to iterate over")
        }
    }

    /// Python's `list`.
    func elements(of value: Value) throws -> [Value] {
        switch value {
        case .list(let elements), .tuple(let elements): return elements.items
        default:
            let iterator = try iterator(over: value)
            var items: [Value] = []
            while let item = try iterator.next() {
                try budget.spend()
                try budget.allocate(9)
                items.append(item)
            }
            return items
        }
    }

    func isIterable(_ value: Value) -> Bool {
        switch value {
        case .none, .bool, .int, .float, .namespace, .function: false
        default: true
        }
    }

    // MARK: Members

    /// `value.name`: the attribute, such as a method, or else the item of this name.
    func attribute(_ name: String, of value: Value) throws -> Value {
        if case .undefined(let problem) = value { throw failure(problem) }
        if let attribute = try ownAttribute(name, of: value) { return attribute }
        if case .mapping(let mapping) = value, let item = mapping[name] { return item }
        return .undefined("\(value.typeName) has no attribute '\(name)'")
    }

    /// `value[index]`: the item, or else the attribute of this name.
    func item(_ index: Value, of value: Value) throws -> Value {
        switch value {
        case .undefined(let problem): throw failure(problem)
        case .mapping(let mapping):
            if !isUnhashable(index), let item = mapping[try mappingKey(index)] { return item }
        case .list, .tuple, .text, .range:
            let count = try length(of: value)
            if let position = index.integer, (-count..<count).contains(position) {
                return element(of: value, at: position < 0 ? position + count : position)
            }
        default: break
        }
        if let name = index.text, let attribute = try ownAttribute(name.string, of: value) { return attribute }
        return .undefined("\(value.typeName) has no element \(try shown(index))")
    }

    private func isUnhashable(_ value: Value) -> Bool {
        switch value {
        case .list, .mapping, .view, .range, .iterator, .loop, .function: true
        case .tuple(let elements): elements.items.contains(where: isUnhashable)
        default: false
        }
    }

    /// An index for an error message.
    private func shown(_ index: Value) throws -> String {
        switch index {
        case .none, .bool, .int, .float, .undefined: try representation(index).string
        case .text(let text): "'\(Text(text.scalars.prefix(60)).string)'"
        default: "of type \(index.typeName)"
        }
    }

    private func element(of value: Value, at position: Int) -> Value {
        switch value {
        case .text(let text): .text(Text([text.scalars[position]]))
        case .list(let elements), .tuple(let elements): elements.items[position]
        case .range(let interval): .int(interval[position])
        default: .none
        }
    }

    /// What Python's `getattr` finds in the values of templates; nil if there is nothing. Methods that change a value do not
    /// exist for a template.
    private func ownAttribute(_ name: String, of value: Value) throws -> Value? {
        switch value {
        case .namespace(let namespace): return namespace.attributes[name]
        case .loop(let loop):
            if name == "cycle" || name == "changed" { break }
            return try loop.attribute(name, self)
        case .function(.macro(let macro)):
            return name == "name" ? macro.definition.name.map { .text(Text($0)) } ?? Value.none : nil
        default:
            let methods = MethodNames(of: value)
            if methods.refused.contains(name) {
                return .undefined("the method '\(name)' would change the \(value.typeName), which templates may not")
            }
            if methods.unsupported.contains(name) {
                throw failure("the method '\(name)' of \(value.typeName) is not supported")
            }
            guard methods.supported.contains(name) else { return nil }
        }
        try budget.check(value.depth + 1)
        return .function(.method(value, name))
    }

    // MARK: Slices

    /// `value[start:stop:step]`.
    func slice(_ value: Value, from start: Value?, to stop: Value?, by step: Value?) throws -> Value {
        if case .undefined(let problem) = value { throw failure(problem) }
        switch value {
        case .text, .list, .tuple, .range: break
        default: throw failure("\(value.typeName) has no slices")
        }
        let bounds = try [start, stop, step].map { bound in
            try bound.flatMap { $0.isNone ? nil : try integer($0, "a bound of a slice") }
        }
        guard bounds[2] != 0 else { throw failure("the step of a slice is 0") }
        switch value {
        case .text(let text):
            let positions = positions(in: text.count, bounds)
            try budget.allocate(positions.count)
            return .text(Text((0..<positions.count).map { text.scalars[positions[$0]] }))
        case .list(let elements): return .list(try sliced(elements, bounds))
        case .tuple(let elements): return .tuple(try sliced(elements, bounds))
        case .range(let interval):
            let positions = positions(in: interval.count, bounds)
            let (step, overflow) = positions.step.multipliedReportingOverflow(by: interval.step)
            let result = Interval(from: interval[positions.start], to: interval[positions.stop], by: step)
            guard !overflow, let result else { throw failure("the slice of a range is too large") }
            return .range(result)
        default: return .undefined("\(value.typeName) has no slices")
        }
    }

    private func sliced(_ elements: Elements, _ bounds: [Int?]) throws -> Elements {
        let positions = positions(in: elements.items.count, bounds)
        return try budget.elements((0..<positions.count).map { elements.items[positions[$0]] })
    }

    /// The positions of a slice: bounds below 0 count from the end, and those outside are moved to the nearest position.
    private func positions(in count: Int, _ bounds: [Int?]) -> Interval {
        // A greater step selects one element, as a step of the length does.
        let step = max(-count - 1, min(count + 1, bounds[2] ?? 1))
        let (first, last) = step > 0 ? (0, count) : (-1, count - 1)
        func position(_ bound: Int?, _ missing: Int) -> Int {
            guard let bound else { return missing }
            return max(first, min(last, bound < 0 ? max(bound, -count - 1) + count : bound))
        }
        let start = position(bounds[0], step > 0 ? first : last), stop = position(bounds[1], step > 0 ? last : first)
        return Interval(from: start, to: stop, by: step) ?? Interval(empty: ())
    }
}
