/// The value of a key.
package enum GGUFValue: Sendable {
    /// A whole number of any width.
    case integer(Int)
    /// An unsigned number greater than `Int.max`.
    case huge(UInt64)
    /// A real number.
    case number(Double)
    case bool(Bool)
    case string(String)
    case array(GGUFArray)

    var kind: String {
        switch self {
        case .integer: "a whole number"
        case .huge: "a whole number beyond \(Int.max)"
        case .number: "a number"
        case .bool: "true or false"
        case .string: "a string"
        case .array: "an array"
        }
    }
}

/// An array in the file, which is read when it is needed.
package struct GGUFArray: Sendable {
    let type: GGUFValueType
    let count: Int
    let range: Range<Int>
}
