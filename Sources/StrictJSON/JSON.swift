/// A JSON value as RFC 8259 defines it, parsed strictly and written in the given order.
///
/// Numbers keep their literal text and objects keep the order of their keys, so that reading and writing a file
/// preserves its content. Two strings are equal if their UTF-8 bytes are: `é` written as one scalar and as two are
/// different keys, which Swift's own `String ==` would treat as one.
package enum JSON: Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSON])
    case object(JSONObject)
}

// MARK: - Making values

extension JSON {
    /// The integer `value`.
    package static func int(_ value: Int) -> JSON { .number(JSONNumber(value)) }

    /// `value` in the shortest form that reads back to the same bits; `null` if it is not finite, because JSON
    /// cannot represent that (JavaScript writes the same).
    package static func double(_ value: Double) -> JSON { JSONNumber(value).map(JSON.number) ?? .null }

    /// `value` in the shortest form that reads back to the same `Float`; `null` if it is not finite.
    package static func float(_ value: Float) -> JSON { JSONNumber(value).map(JSON.number) ?? .null }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .int(value) }
    package init(floatLiteral value: Double) { self = .double(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(nilLiteral: ()) { self = .null }
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSON)...) { self = .object(JSONObject(elements)) }
}

// MARK: - Reading values

extension JSON {
    package var isNull: Bool { if case .null = self { true } else { false } }
    package var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var stringValue: String? { if case .string(let value) = self { value } else { nil } }
    package var arrayValue: [JSON]? { if case .array(let value) = self { value } else { nil } }
    package var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }

    /// The value as an integer: `nil` unless it is a number written as one that fits (see `JSONNumber.int`).
    package var intValue: Int? { if case .number(let value) = self { value.int } else { nil } }

    /// The value as a double: `nil` unless it is a number of finite magnitude.
    package var doubleValue: Double? { if case .number(let value) = self { value.double } else { nil } }

    /// The member called `key`: `nil` if there is none or the value is not an object.
    package subscript(key: String) -> JSON? { objectValue?[key] }

    /// The kind of this value with its article, for error messages: "a string", "an object".
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension JSON: Equatable {
    /// Whether kinds, literal texts, bytes and orders are equal.
    package static func == (left: JSON, right: JSON) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }
}
