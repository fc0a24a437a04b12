/// A token and its position in a text.
public struct TokenOffsets: Sendable, Hashable {
    /// The token's id.
    public let id: Int32

    /// Its bytes in the UTF-8 of the text.
    public let bytes: Range<Int>

    /// The Unicode scalars that these bytes belong to.
    public let scalars: Range<Int>

    /// Finds the scalars of ranges of bytes. Bytes that are not valid UTF-8 count as the U+FFFD that replaces them in
    /// `String(decoding:as:)`.
    static func located(
        _ tokens: [(id: Int32, bytes: Range<Int>)], in bytes: UnsafeBufferPointer<UInt8>
    ) -> [TokenOffsets] {
        // The beginnings of tokens never decrease, and neither do their ends. So one pass over the text finds all beginnings
        // and another all ends, even if many tokens share the same characters.
        var first = ScalarCursor(bytes)
        var last = ScalarCursor(bytes)
        return tokens.map { token in
            let begin = first.index(at: token.bytes.lowerBound)
            let end = token.bytes.isEmpty ? begin : last.index(at: token.bytes.upperBound - 1) + 1
            return TokenOffsets(id: token.id, bytes: token.bytes, scalars: begin..<end)
        }
    }
}

/// Counts the scalars up to positions in a text, which must not decrease.
private struct ScalarCursor {
    private let text: TextBytes
    /// The number of the current scalar, where it begins, and its length in bytes, which is 0 before the first scalar and
    /// after the last.
    private var index = 0
    private var start = 0
    private var length = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) { text = TextBytes(bytes) }

    /// The number of the scalar that contains the byte at `position`.
    mutating func index(at position: Int) -> Int {
        while start + length <= position, start < text.count {
            if length > 0 {
                start += length
                index += 1
            }
            length = start < text.count ? text.lengthOfReplaceable(at: start) : 0
        }
        return index
    }
}

extension TextBytes {
    /// The length of the scalar at `position`, or of the bytes that one U+FFFD replaces: the longest beginning of a scalar
    /// (Unicode 16.0, section 3.9.6).
    fileprivate func lengthOfReplaceable(at position: Int) -> Int {
        let length = scalar(at: position).length
        if length > 0 { return length }
        let lead = self[position]
        let second: ClosedRange<UInt8>
        switch lead {
        case 0xE0: second = 0xA0...0xBF
        case 0xED: second = 0x80...0x9F
        case 0xF0: second = 0x90...0xBF
        case 0xF4: second = 0x80...0x8F
        case 0xE1..<0xF4: second = 0x80...0xBF
        default: return 1
        }
        guard position + 1 < count, second.contains(self[position + 1]) else { return 1 }
        guard lead >= 0xF0, position + 2 < count, self[position + 2] & 0xC0 == 0x80 else { return 2 }
        return 3
    }
}
