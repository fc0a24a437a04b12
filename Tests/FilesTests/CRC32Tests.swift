import Files
import TestSupport
import Testing

@Suite struct CRC32Checksums {
    /// The check value of the Rocksoft catalogue, and values that zlib computes.
    @Test(
        arguments: [
            ("", 0), ("a", 0xE8B7_BE43), ("123456789", 0xCBF4_3926),
            ("The quick brown fox jumps over the lazy dog", 0x414F_A339),
            (String(repeating: "a", count: 1_000_000), 0xDC25_BFBC),
        ] as [(String, UInt32)])
    func published(_ text: String, _ checksum: UInt32) {
        #expect(Array(text.utf8).withUnsafeBytes { CRC32.checksum(of: $0) } == checksum)
    }

    /// In chunks of any size the checksum is that of a bit-by-bit computation.
    @Test(arguments: [1, 3, 15, 16, 17, 32, 100]) func chunks(_ size: Int) {
        var generator = SeededGenerator(seed: 5)
        let data = (0..<500).map { _ in UInt8.random(in: 0...255, using: &generator) }
        for length in [0, size - 1, size, size + 1, 500] where length <= data.count {
            var checksum = CRC32()
            for start in stride(from: 0, to: length, by: size) {
                data[start..<min(start + size, length)].withUnsafeBytes { checksum.update($0) }
            }
            var remainder = UInt32.max
            for byte in data[..<length] {
                remainder ^= UInt32(byte)
                for _ in 0..<8 { remainder = remainder & 1 == 0 ? remainder >> 1 : remainder >> 1 ^ 0xEDB8_8320 }
            }
            #expect(checksum.value == ~remainder)
        }
    }
}
