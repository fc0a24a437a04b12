extension PretokenCounter {
    /// Counts the pieces that a pattern cuts a text into.
    public mutating func add(_ text: String, splitBy pattern: SplitPattern) {
        var text = text
        text.withUTF8 { bytes in
            pattern.forEachPretoken(of: bytes) { add(contiguous: UnsafeBufferPointer(rebasing: bytes[$0])) }
        }
    }
}

extension SplitPattern {
    /// Where a text that begins with `bytes` may be cut in two that are then cut into the same pieces as the whole, near
    /// the end of `bytes`; nil where there is no such place, as in a text without white space.
    ///
    /// That is before a single space with a letter behind it, which begins a piece in every pattern, and after a single line
    /// break with a letter behind it, which ends one.
    package func splitPoint(in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        guard self != .whole else { return nil }
        let text = TextBytes(bytes)
        /// Whether a character other than white space ends at `position`.
        func followsText(_ position: Int) -> Bool {
            var start = position - 1
            while start > 0, position - start < 4, text[start] & 0xC0 == 0x80 { start -= 1 }
            let (characterClass, length) = text.character(at: start)
            return start + length == position && characterClass.isDisjoint(with: .whitespace)
        }
        for position in stride(from: bytes.count - 5, to: 0, by: -1) {
            guard text[position] == 0x20 || text[position] == 0x0A,
                !text.character(at: position + 1).class.isDisjoint(with: .letter), followsText(position)
            else { continue }
            return text[position] == 0x20 ? position : position + 1
        }
        return nil
    }
}
