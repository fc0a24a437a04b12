import Synchronization

/// The ids of a text whose parts are encoded concurrently.
/// - Parameters:
///   - text: any text.
///   - partLength: the approximate number of bytes of a part. A text that cannot be split is one part.
///   - loop: calls the encoding of each part.
///   - partEnd: where a text that begins with some bytes can be split; `nil` if nowhere.
///   - encode: the ids of a part.
func encodeInParts(
    of text: String, partLength: Int, concurrently loop: ParallelLoop,
    partEnd: (UnsafeBufferPointer<UInt8>) -> Int?,
    encode: @escaping @Sendable (UnsafeBufferPointer<UInt8>) throws -> [Int32]
) throws -> [Int32] {
    var text = text
    return try text.withUTF8 { bytes in
        var ends: [Int] = []
        var start = 0
        while bytes.count - start > partLength,
            let length = partEnd(UnsafeBufferPointer(rebasing: bytes[start..<start + partLength]))
        {
            start += length
            ends.append(start)
        }
        ends.append(bytes.count)
        guard ends.count > 1 else { return try encode(bytes) }
        nonisolated(unsafe) let shared = bytes  // only read, and valid until the loop has ended
        let boundaries = [0] + ends
        let results = Mutex([Result<[Int32], any Error>?](repeating: nil, count: ends.count))
        loop(ends.count) { part in
            let range = boundaries[part]..<boundaries[part + 1]
            let result = Result {
                try encode(UnsafeBufferPointer(rebasing: shared[range]))
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
