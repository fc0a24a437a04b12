extension PretokenCounter {
    /// Counts the pre-tokens that a pattern splits a text into.
    public mutating func add(_ text: String, splitBy pattern: SplitPattern) {
        var text = text
        text.withUTF8 { add(textIn: $0, splitBy: pattern) }
    }

    /// Counts the pre-tokens of each line of a text by itself, so that none continues on the next line. The line feed
    /// belongs to the line that it ends.
    ///
    /// Hugging Face's `tokenizers` read files in this way (`train`), and strings as `add(_:splitBy:)` does
    /// (`train_from_iterator`).
    public mutating func add(linesOf text: String, splitBy pattern: SplitPattern) {
        var text = text
        text.withUTF8 { bytes in
            var start = 0
            while start < bytes.count {
                let end = bytes[start...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
                add(textIn: UnsafeBufferPointer(rebasing: bytes[start..<end]), splitBy: pattern)
                start = end
            }
        }
    }

    private mutating func add(textIn bytes: UnsafeBufferPointer<UInt8>, splitBy pattern: SplitPattern) {
        pattern.forEachPretoken(of: bytes) { add(contiguous: UnsafeBufferPointer(rebasing: bytes[$0])) }
    }
}
