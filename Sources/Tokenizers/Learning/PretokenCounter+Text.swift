extension PretokenCounter {
    /// Counts the pre-tokens that a pattern splits a text into.
    public mutating func add(_ text: String, splitBy pattern: SplitPattern) {
        var text = text
        text.withUTF8 { bytes in
            pattern.forEachPretoken(of: bytes) { add(contiguous: UnsafeBufferPointer(rebasing: bytes[$0])) }
        }
    }
}
