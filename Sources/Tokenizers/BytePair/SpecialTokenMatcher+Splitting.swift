extension SpecialTokenMatcher {
    /// A stretch of a text: a special token, or the text between two.
    enum Stretch {
        case token(SpecialToken, Range<Int>)
        case text(Range<Int>)
    }

    /// Calls `body` with each stretch of `bytes`, in order. Tokens that `special` treats as plain text are not looked for.
    /// - Throws: `TokenizerError.specialToken` for a token that is refused.
    func split(
        _ bytes: UnsafeBufferPointer<UInt8>, _ special: SpecialTokenPolicy,
        _ body: (Stretch) throws(TokenizerError) -> Void
    ) throws(TokenizerError) {
        var start = 0
        if !isEmpty, special != .plainText {
            var search = 0
            while let match = firstMatch(
                in: bytes, from: search, where: { special.treatment(of: $0.token) != .plainText })
            {
                if special.treatment(of: match.token) == .refused {
                    throw .specialToken(match.token.text, position: match.range.lowerBound)
                }
                search = match.range.upperBound
                let range = extended(match, in: bytes, from: start)
                if start < range.lowerBound { try body(.text(start..<range.lowerBound)) }
                try body(.token(match.token, range))
                start = range.upperBound
            }
        }
        if start < bytes.count { try body(.text(start..<bytes.count)) }
    }

    /// The bytes of a token, including white space that belongs to it.
    private func extended(
        _ match: Match, in bytes: UnsafeBufferPointer<UInt8>, from start: Int
    ) -> Range<Int> {
        let text = TextBytes(bytes)
        var lower = match.range.lowerBound
        var upper = match.range.upperBound
        if match.token.stripsLeft {
            var position = lower
            // Backwards by characters: each must be white space and end where the next one begins.
            while position > start {
                position -= 1
                if text[position] & 0xC0 == 0x80 { continue }
                let (characterClass, length) = text.character(at: position)
                guard !characterClass.isDisjoint(with: .whitespace), position + length == lower else { break }
                lower = position
            }
        }
        if match.token.stripsRight { upper = text.endOfRun(of: .whitespace, from: upper) }
        return min(max(lower, start), match.range.lowerBound)..<upper
    }
}
