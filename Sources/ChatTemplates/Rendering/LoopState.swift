/// The variable `loop`: where a loop is. It reads one element ahead only when a template needs it.
final class LoopState {
    let depth: Int
    private let iterable: Value
    private var iterator: ValueIterator
    private var previous: Value?
    private var current: Value?
    private var following: Value?
    private var knownLength: Int?
    private var lastChange: [Value]?

    /// The position of the current element, from 0.
    private(set) var index = -1

    init(_ iterable: Value, _ iterator: ValueIterator) {
        self.iterable = iterable
        self.iterator = iterator
        depth = 1 + max(iterable.depth, iterator.depth)
    }

    func advance() throws -> Value? {
        guard let item = try peek() else { return nil }
        following = nil
        index += 1
        previous = current
        current = item
        return item
    }

    private func peek() throws -> Value? {
        if following == nil { following = try iterator.next() }
        return following
    }

    /// The number of elements, for which the rest of an iterator is read.
    func length(_ interpreter: Interpreter) throws -> Int {
        if let knownLength { return knownLength }
        let length: Int
        if case .iterator = iterable {
            let rest = try interpreter.elements(of: .iterator(iterator))
            length = rest.count + index + 1 + (following == nil ? 0 : 1)
            var position = 0
            iterator = ValueIterator(depth: iterator.depth) {
                defer { position += 1 }
                return position < rest.count ? rest[position] : nil
            }
        } else {
            length = try interpreter.length(of: iterable)
        }
        knownLength = length
        return length
    }

    /// An attribute; nil if there is none of this name.
    func attribute(_ name: String, _ interpreter: Interpreter) throws -> Value? {
        switch name {
        case "index": .int(index + 1)
        case "index0": .int(index)
        case "revindex": .int(try length(interpreter) - index)
        case "revindex0": .int(try length(interpreter) - index - 1)
        case "first": .bool(index == 0)
        case "last": .bool(try peek() == nil)
        case "length": .int(try length(interpreter))
        case "depth": .int(1)
        case "depth0": .int(0)
        case "previtem": index == 0 ? .undefined("there is no previous item") : previous
        case "nextitem": try peek() ?? .undefined("there is no next item")
        default: nil
        }
    }

    /// Calls `cycle` or `changed`.
    func call(_ method: String, _ arguments: [Value], _ interpreter: Interpreter) throws -> Value {
        if method == "cycle" {
            guard !arguments.isEmpty else { throw ChatTemplateError("loop.cycle needs a value") }
            return arguments[index % arguments.count]
        }
        let before = lastChange
        lastChange = arguments
        guard let before, before.count == arguments.count else { return .bool(true) }
        for (old, new) in zip(before, arguments) where try !interpreter.isEqual(old, new) { return .bool(true) }
        return .bool(false)
    }
}
