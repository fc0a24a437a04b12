/// The pairs of bytes that are adjacent in some token of a vocabulary. No merge joins any other two bytes.
struct AdjacentByteSet: Sendable {
    /// A bit for each pair: 8 KiB, which fit into the first level of caches.
    private var bits = [UInt64](repeating: 0, count: 1 << 10)

    init(_ table: TokenTable) {
        for id in 0..<Int32(table.idCount) where table.length(id) > 1 {
            let token = table.token(id)
            for position in 1..<token.count {
                let pair = Self.pair(token[position - 1], token[position])
                bits[pair >> 6] |= 1 << UInt64(pair & 63)
            }
        }
    }

    @inline(__always)
    private static func pair(_ first: UInt8, _ second: UInt8) -> Int { Int(first) << 8 | Int(second) }

    /// The end of the segment that begins at `begin` in the `length` bytes at `start`: any two bytes in a row of it are a
    /// pair of this set.
    @inline(__always)
    func endOfSegment(in start: UnsafePointer<UInt8>, from begin: Int, _ length: Int) -> Int {
        bits.withUnsafeBufferPointer { bits in
            var end = begin &+ 1
            while end < length {
                let pair = Self.pair(start[end &- 1], start[end])
                if bits[pair >> 6] >> UInt64(pair & 63) & 1 == 0 { break }
                end &+= 1
            }
            return end
        }
    }
}
