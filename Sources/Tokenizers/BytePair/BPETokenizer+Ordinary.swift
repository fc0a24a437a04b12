import Synchronization

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
        var text = text
        return try text.withUTF8 { bytes in
            var ends: [Int] = []
            var start = 0
            while bytes.count - start > partLength,
                let length = partEnd(in: UnsafeBufferPointer(rebasing: bytes[start..<start + partLength]))
            {
                start += length
                ends.append(start)
            }
            ends.append(bytes.count)
            guard ends.count > 1 else { return try encode(bytes: bytes, special: .plainText) }
            nonisolated(unsafe) let shared = bytes  // only read, and valid until the loop has ended
            let boundaries = [0] + ends
            let results = Mutex([Result<[Int32], any Error>?](repeating: nil, count: ends.count))
            loop(ends.count) { part in
                let range = boundaries[part]..<boundaries[part + 1]
                let result = Result {
                    try self.encode(bytes: UnsafeBufferPointer(rebasing: shared[range]), special: .plainText)
                }
                results.withLock { $0[part] = result }
            }
            let encoded = try results.withLock { try $0.compactMap { try $0?.get() } }
            var ids: [Int32] = []
            ids.reserveCapacity(encoded.reduce(0) { $0 + $1.count })
            for part in encoded { ids += part }
            return ids
        }
    }
}
