extension SplitPattern {
    /// A position near the end of `bytes` at which a text that begins with them can be split in two that have the same
    /// pre-tokens as the whole; `nil` if there is none, as in a text without white space.
    ///
    /// It is before a single space that a letter follows, which begins a pre-token in every pattern, or after a single line
    /// break that a letter follows, which ends one.
    /// - Parameter onlyBeforeSpaces: whether it must be before a space.
    package func splitPoint(in bytes: UnsafeBufferPointer<UInt8>, onlyBeforeSpaces: Bool = false) -> Int? {
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
            guard text[position] == 0x20 || (text[position] == 0x0A && !onlyBeforeSpaces),
                !text.character(at: position + 1).class.isDisjoint(with: .letter), followsText(position)
            else { continue }
            return text[position] == 0x20 ? position : position + 1
        }
        return nil
    }
}
