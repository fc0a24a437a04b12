/// A dictionary of Python: in the order of insertion, with keys of any type that can be hashed.
struct Mapping {
    private(set) var keys: [Value] = []
    private(set) var values: [Value] = []
    private(set) var depth = 1
    private var positions: [MappingKey: Int] = [:]

    var count: Int { keys.count }

    subscript(key: MappingKey) -> Value? { positions[key].map { values[$0] } }
    subscript(key: String) -> Value? { self[.text(Text(key))] }

    /// Sets the value of a key, which stays where it is if it exists.
    mutating func set(_ key: Value, hashed: MappingKey, to value: Value) {
        depth = max(depth, 1 + max(key.depth, value.depth))
        if let position = positions[hashed] {
            values[position] = value
        } else {
            positions[hashed] = keys.count
            keys.append(key)
            values.append(value)
        }
    }

    mutating func set(_ key: Text, to value: Value) { set(.text(key), hashed: .text(key), to: value) }
}

/// A key of a dictionary. Numbers of equal value are one key, whatever their types.
enum MappingKey: Hashable {
    case none
    case undefined
    case number(Int)
    case fraction(Double)
    case text(Text)
    case tuple([MappingKey])
    case object(ObjectIdentifier)
}
