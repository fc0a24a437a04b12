extension BPETokenizer {
    public func encodeOrdinary(
        _ text: String, replacing unknown: Unicode.Scalar?, concurrently loop: ParallelLoop?
    ) throws -> [Int32] {
        guard let loop else { return try encode(text, special: .plainText) }
        return try encodeOrdinary(text, partLength: 1 << 20, concurrently: loop)
    }

    public func splitPoint(in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        // A special token that contains a space could be split in two, or be separated from white space that belongs to it.
        let couldSplit = specialTokens.contains {
            $0.stripsLeft || $0.stripsRight || $0.text.utf8.contains { $0 == 0x20 || $0 == 0x0A }
        }
        return couldSplit ? nil : partEnd(in: bytes)
    }

    public func ordinarySplitPoint(in bytes: UnsafeBufferPointer<UInt8>) -> Int? { partEnd(in: bytes) }

    /// Where a text that begins with `bytes` can be split if it contains no special tokens. No space may be put before the
    /// second part, so that begins with one.
    private func partEnd(in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        pattern.splitPoint(in: bytes, onlyBeforeSpaces: prefixSpace == .texts)
    }

    /// The ids of a text in which special tokens are plain text. Its parts are encoded concurrently; it is split between
    /// pre-tokens (`SplitPattern.splitPoint`), so the ids are those of the whole text for any number of threads.
    ///
    /// - Parameters:
    ///   - text: any text.
    ///   - partLength: the approximate number of bytes of a part. A text that cannot be split is one part.
    ///   - loop: calls the encoding of each part.
    package func encodeOrdinary(_ text: String, partLength: Int, concurrently loop: ParallelLoop) throws -> [Int32] {
        try encodeInParts(of: text, partLength: partLength, concurrently: loop, partEnd: partEnd) { bytes in
            try self.encode(bytes: bytes, special: .plainText)
        }
    }
}
