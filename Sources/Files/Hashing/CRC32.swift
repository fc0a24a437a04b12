/// The cyclic redundancy check of zip archives: the remainder of the data, as a polynomial over the field of two
/// elements, by x^32 + x^26 + x^23 + x^22 + x^16 + x^12 + x^11 + x^10 + x^8 + x^7 + x^5 + x^4 + x^2 + x + 1 (ITU-T
/// V.42, 8.1.1.6.2), lowest bit first.
///
/// The data may be given in chunks of any size. Sixteen bytes are processed at a time, each looked up in the table for
/// its position among them (Kounavis and Berry, "A systematic approach to building high performance software-based CRC
/// generators", 2005).
package struct CRC32: Sendable {
    private var remainder = UInt32.max

    package init() {}

    /// The checksum of the data so far.
    package var value: UInt32 { ~remainder }

    /// The checksum of `bytes`.
    package static func checksum(of bytes: UnsafeRawBufferPointer) -> UInt32 {
        var checksum = CRC32()
        checksum.update(bytes)
        return checksum.value
    }

    /// Adds bytes to the data.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        let whole = bytes.count & ~15
        Self.tables.withUnsafeBufferPointer { tables in
            var remainder = remainder
            var offset = 0
            while offset < whole {
                let low = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                let high = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: offset &+ 8, as: UInt64.self))
                remainder = folded(low ^ UInt64(remainder), 8, tables) ^ folded(high, 0, tables)
                offset &+= 16
            }
            for byte in bytes[whole...] {
                remainder = tables[Int((remainder ^ UInt32(byte)) & 0xFF)] ^ remainder >> 8
            }
            self.remainder = remainder
        }
    }

    /// The contribution to the remainder of eight bytes that are followed by `following` more of the sixteen.
    @inline(__always)
    private func folded(_ word: UInt64, _ following: Int, _ tables: UnsafeBufferPointer<UInt32>) -> UInt32 {
        @inline(__always) func entry(_ index: Int) -> UInt32 {
            let byte = Int(truncatingIfNeeded: word >> UInt64(8 &* index)) & 0xFF
            return tables[(following &+ 7 &- index) << 8 | byte]
        }
        return entry(0) ^ entry(1) ^ entry(2) ^ entry(3) ^ entry(4) ^ entry(5) ^ entry(6) ^ entry(7)
    }

    /// Sixteen tables of 256: the remainder of each byte followed by 0, 1, ... 15 zero bytes.
    private static let tables: [UInt32] = {
        var tables = (0..<UInt32(256)).map { byte in
            (0..<8).reduce(byte) { remainder, _ in remainder >> 1 ^ (remainder & 1) &* 0xEDB8_8320 }
        }
        for index in 256..<16 * 256 {
            let before = tables[index - 256]
            tables.append(tables[Int(before & 0xFF)] ^ before >> 8)
        }
        return tables
    }()
}
