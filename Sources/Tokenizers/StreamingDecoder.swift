/// Decodes ids one at a time into whole characters, although a token may end in the middle of one.
///
/// The concatenated results are what `decode` returns for all ids together, including replacement characters.
public struct StreamingDecoder {
    private let tokenizer: any Tokenizer
    private let spellsSpecialTokens: Bool

    /// Whether no id has added to the text yet.
    private var isFirst: Bool

    /// The bytes of a character that is not complete yet: at most three.
    private var pending: [UInt8] = []

    /// A decoder of the ids of a text.
    /// - Parameters:
    ///   - tokenizer: the tokenizer of the ids.
    ///   - spellingSpecialTokens: whether tokens such as `<|endoftext|>` are decoded to their names, rather than to nothing.
    ///   - continuing: whether the ids continue a text, so that a space before the first word is part of it.
    public init(_ tokenizer: any Tokenizer, spellingSpecialTokens: Bool = false, continuing: Bool = false) {
        self.tokenizer = tokenizer
        isFirst = !continuing
        spellsSpecialTokens = spellingSpecialTokens
    }

    /// The characters that `id` completes; there may be none.
    public mutating func append(_ id: Int32) -> String {
        let bytes = tokenizer.decodedBytes(of: id, isFirst: isFirst, spellingSpecialTokens: spellsSpecialTokens)
        if let bytes {
            pending += bytes
            isFirst = false
        }
        let complete = pending.count - lengthOfIncompleteCharacter(at: pending)
        defer { pending.removeFirst(complete) }
        return String(decoding: pending[..<complete], as: UTF8.self)
    }

    /// The rest of the text after the last id: empty, or U+FFFD for an incomplete character.
    public mutating func finish() -> String {
        defer { pending = [] }
        return String(decoding: pending, as: UTF8.self)
    }
}

/// The number of bytes at the end of `bytes` that begin a character which further bytes could complete (Unicode 16.0, table
/// 3-7).
///
/// Only these are held back. Bytes that cannot become a character are replaced at once, so that text is not delayed.
private func lengthOfIncompleteCharacter(at bytes: [UInt8]) -> Int {
    for length in 1...3 where length <= bytes.count {
        let tail = bytes.suffix(length)
        let needed: Int
        let second: ClosedRange<UInt8>
        switch tail[tail.startIndex] {
        case 0x80...0xBF: continue  // a continuation byte: its lead byte is before it
        case 0xC2...0xDF: (needed, second) = (2, 0x80...0xBF)
        case 0xE0: (needed, second) = (3, 0xA0...0xBF)
        case 0xED: (needed, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (needed, second) = (3, 0x80...0xBF)
        case 0xF0: (needed, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (needed, second) = (4, 0x80...0xBF)
        case 0xF4: (needed, second) = (4, 0x80...0x8F)
        default: return 0
        }
        let secondFits = length == 1 || second.contains(tail[tail.startIndex + 1])
        return length < needed && secondFits ? length : 0
    }
    return 0
}
