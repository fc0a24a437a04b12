/// A value of a template. What can be done with it, and how it is shown, is as in Python.
///
/// Lists and dictionaries cannot be changed: the sandbox of Jinja that chat templates run in forbids it. A value knows how
/// deep it is nested, and that is bounded, so that recursion over it fits in the stack of any thread.
enum Value {
    /// What a name or a member is that does not exist: empty, false, and an error in most operations, which is the text.
    case undefined(String)
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case text(Text)
    case list(Elements)
    case tuple(Elements)
    case mapping(Mapping)
    case view(MappingView)
    case range(Interval)
    case iterator(ValueIterator)
    case namespace(Namespace)
    case loop(LoopState)
    case function(Function)

    /// The greatest depth: that of JSON, and what templates build around it.
    static let greatestDepth = 300

    /// How many values are nested in this one.
    var depth: Int {
        switch self {
        case .list(let elements), .tuple(let elements): elements.depth
        case .mapping(let mapping): mapping.depth
        case .view(let view): view.mapping.depth
        case .iterator(let iterator): iterator.depth
        case .loop(let loop): loop.depth
        case .function(let function): function.depth
        default: 0
        }
    }

    var isUndefined: Bool { if case .undefined = self { true } else { false } }
    var isNone: Bool { if case .none = self { true } else { false } }

    /// Python's truth of a value.
    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let value): value
        case .int(let value): value != 0
        case .float(let value): value != 0
        case .text(let text): !text.isEmpty
        case .list(let elements), .tuple(let elements): !elements.items.isEmpty
        case .mapping(let mapping): mapping.count > 0
        case .view(let view): view.mapping.count > 0
        case .range(let interval): interval.count > 0
        case .iterator, .namespace, .function: true
        case .loop: true
        }
    }

    /// The value as an integer, which true and false are as well.
    var integer: Int? {
        switch self {
        case .bool(let value): value ? 1 : 0
        case .int(let value): value
        default: nil
        }
    }

    var text: Text? { if case .text(let text) = self { text } else { nil } }

    /// The name of the type in Python.
    var typeName: String {
        switch self {
        case .undefined: "Undefined"
        case .none: "NoneType"
        case .bool: "bool"
        case .int: "int"
        case .float: "float"
        case .text: "str"
        case .list: "list"
        case .tuple: "tuple"
        case .mapping: "dict"
        case .view(let view): "dict_\(view.part.rawValue)"
        case .range: "range"
        case .iterator: "generator"
        case .namespace: "Namespace"
        case .loop: "LoopContext"
        case .function(let function):
            switch function {
            case .method: "builtin_function_or_method"
            case .macro: "Macro"
            case .global: "function"
            }
        }
    }
}

/// The elements of a list or a tuple.
struct Elements {
    let items: [Value]
    let depth: Int

    init(_ items: [Value]) {
        self.items = items
        depth = 1 + (items.lazy.map(\.depth).max() ?? 0)
    }
}

/// What Python's `dict.items()`, `keys()` and `values()` give.
struct MappingView {
    enum Part: String {
        case items, keys, values
    }

    let mapping: Mapping
    let part: Part

    subscript(position: Int) -> Value {
        switch part {
        case .items: .tuple(Elements([mapping.keys[position], mapping.values[position]]))
        case .keys: mapping.keys[position]
        case .values: mapping.values[position]
        }
    }
}

/// The integers of Python's `range`.
struct Interval {
    let start: Int
    let stop: Int
    let step: Int
    let count: Int

    /// The integers from `start` until `stop` is reached or passed; nil for a step of 0 or one that overflows.
    init?(from start: Int, to stop: Int, by step: Int) {
        guard step != 0, step != .min else { return nil }
        self.start = start
        self.stop = stop
        self.step = step
        let (distance, overflow) = stop.subtractingReportingOverflow(start)
        guard !overflow, distance != .min else { return nil }
        let isEmpty = distance == 0 || (distance > 0) != (step > 0)
        count = isEmpty ? 0 : (abs(distance) - 1) / abs(step) + 1
    }

    /// No integers.
    init(empty: Void) { (start, stop, step, count) = (0, 0, 1, 0) }

    subscript(position: Int) -> Int { start &+ position &* step }

    func contains(_ value: Int) -> Bool {
        guard count > 0 else { return false }
        let (low, high) = step > 0 ? (start, self[count - 1]) : (self[count - 1], start)
        return low <= value && value <= high && (value - start) % step == 0
    }
}

/// The object of `namespace()`: the only value with attributes that a template can set.
final class Namespace {
    var attributes: Mapping

    init(_ attributes: Mapping) { self.attributes = attributes }
}

/// What can be called.
enum Function {
    case global(String)
    case macro(Macro)
    /// A method, with the value that it belongs to.
    indirect case method(Value, String)

    var depth: Int { if case .method(let receiver, _) = self { 1 + receiver.depth } else { 0 } }
}

/// Produces values one by one, and only once.
final class ValueIterator {
    /// The nesting of what it reads from.
    let depth: Int
    private let produce: () throws -> Value?

    init(depth: Int, _ produce: @escaping () throws -> Value?) {
        self.depth = depth
        self.produce = produce
    }

    func next() throws -> Value? { try produce() }
}
