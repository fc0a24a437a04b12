/// Text from ids as they come, never half a character: a token may end in the middle of one.
///
/// The pieces joined are what `decode` makes of all ids together, replacement characters included.
public struct StreamingDecoder {
    private let tokenizer: any Tokenizer
    private let spellsSpecialTokens: Bool

    /// The beginning of a character whose end has not come: at most three bytes.
    private var pending: [UInt8] = []

    /// - Parameters:
    ///   - tokenizer: what the ids are of.
    ///   - spellingSpecialTokens: whether tokens such as `<|endoftext|>` come as their names, and not as nothing.
    public init(_ tokenizer: any Tokenizer, spellingSpecialTokens: Bool = false) {
        self.tokenizer = tokenizer
        spellsSpecialTokens = spellingSpecialTokens
    }

    /// The characters that `id` completes; often one, perhaps none.
    public mutating func append(_ id: Int32) -> String {
        if spellsSpecialTokens, let special = tokenizer.specialToken(id) {
            pending += special.text.utf8
        } else {
            pending += tokenizer.bytes(of: id)
        }
        let complete = pending.count - lengthOfUnfinishedCharacter(at: pending)
        defer { pending.removeFirst(complete) }
        return String(decoding: pending[..<complete], as: UTF8.self)
    }

    /// What is left when no more ids come: nothing, or U+FFFD for a character that was never finished.
    public mutating func finish() -> String {
        defer { pending = [] }
        return String(decoding: pending, as: UTF8.self)
    }
}

/// How many bytes at the end of `bytes` begin a character that further bytes could finish.
///
/// Only such an end may wait: where the bytes already cannot become a character, a replacement is due, and waiting
/// would only delay it. The ranges are those of Unicode 16.0, table 3-7.
private func lengthOfUnfinishedCharacter(at bytes: [UInt8]) -> Int {
    for length in 1...3 where length <= bytes.count {
        let tail = bytes.suffix(length)
        let needed: Int
        let second: ClosedRange<UInt8>
        switch tail[tail.startIndex] {
        case 0x80...0xBF: continue  // a continuation: its lead is further back
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
