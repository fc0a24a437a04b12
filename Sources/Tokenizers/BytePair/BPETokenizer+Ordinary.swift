import Synchronization

extension BPETokenizer {
    public func encodeOrdinary(
        _ text: String, replacing unknown: Unicode.Scalar?, concurrently loop: ParallelLoop?
    ) throws -> [Int32] {
        guard let loop else { return try encode(text, special: .plainText) }
        return try encodeOrdinary(text, partLength: 1 << 20, concurrently: loop)
    }

    public func splitPoint(in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        // A special token with a space in it could be split in two, and one that strips the space beside it be split from it.
        let isSplit = specialTokens.contains {
            $0.stripsLeft || $0.stripsRight || $0.text.utf8.contains { $0 == 0x20 || $0 == 0x0A }
        }
        return isSplit ? nil : pattern.splitPoint(in: bytes)
    }

    /// The ids of a text without special tokens. Its parts are encoded at the same time; it is split where its pre-tokens are
    /// split (`SplitPattern.splitPoint`), so that the ids are those of the whole, whatever the number of threads.
    ///
    /// - Parameters:
    ///   - text: any.
    ///   - partLength: about how many bytes a part has. A text without a position to split at is one part.
    ///   - loop: runs the parts.
    package func encodeOrdinary(_ text: String, partLength: Int, concurrently loop: ParallelLoop) throws -> [Int32] {
        var text = text
        return try text.withUTF8 { bytes in
            var ends: [Int] = []
            var start = 0
            while bytes.count - start > partLength,
                let cut = pattern.splitPoint(in: UnsafeBufferPointer(rebasing: bytes[start..<start + partLength]))
            {
                start += cut
                ends.append(start)
            }
            ends.append(bytes.count)
            guard ends.count > 1 else { return try encode(bytes: bytes, special: .plainText) }
            nonisolated(unsafe) let shared = bytes  // only read, and it outlives the loop
            let cuts = [0] + ends
            let results = Mutex([Result<[Int32], any Error>?](repeating: nil, count: ends.count))
            loop(ends.count) { part in
                let range = cuts[part]..<cuts[part + 1]
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
