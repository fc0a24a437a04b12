/// A JSON number as its literal text, converted on access.
package struct JSONNumber: Sendable, Hashable {
    /// The literal: digits, with an optional sign, fraction and exponent (RFC 8259, section 6). Always ASCII.
    package let text: String

    /// For the parser, which has validated the text.
    init(checked text: String) { self.text = text }

    package init(_ value: Int) { text = String(value) }

    /// The shortest literal that reads back to the same double; `nil` if `value` is not finite.
    package init?(_ value: Double) {
        guard value.isFinite else { return nil }
        text = value.description
    }

    /// The shortest literal that reads back to the same `Float`; `nil` if `value` is not finite.
    package init?(_ value: Float) {
        guard value.isFinite else { return nil }
        text = value.description
    }

    /// The exact integer: `nil` if the literal has a fraction or an exponent, or does not fit in 64 bits.
    package var int: Int? { Int(text) }

    /// The nearest double: `nil` if the literal is beyond the largest one.
    package var double: Double? {
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }
}
