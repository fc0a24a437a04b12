import TestSupport

/// Mutates valid inputs in the values that a parser relies on.
package struct Mutator: Sendable {
    private let samples: [[UInt8]]
    private let words: [[UInt8]]

    /// - Parameters:
    ///   - samples: valid inputs; at least one.
    ///   - words: bytes with a meaning for the parser, inserted anywhere: names, punctuation, numbers at the bounds of
    ///     a type.
    package init(_ samples: [[UInt8]], words: [[UInt8]] = []) {
        precondition(!samples.isEmpty, "there are no samples")
        self.samples = samples
        self.words = words
    }

    /// Numbers as text, each at or beyond the bounds of some type.
    package static let numbers: [[UInt8]] = [
        "0", "-0", "-1", "1e400", "-1e-400", "0.5", "255", "256", "65536", "2147483647", "2147483648", "-2147483649",
        "4294967296", "9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551616",
        "99999999999999999999999999999999999999999",
    ].map { Array($0.utf8) }

    /// The same in binary, in 4 and 8 bytes, little-endian.
    package static let binaryNumbers: [[UInt8]] = [
        0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000, 1 << 48, 1 << 56,
        0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFF0, 0xFFFF_FFFF_FFFF_FFFF,
    ].flatMap { (number: UInt64) in
        [4, 8].map { size in (0..<size).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
    }

    /// A sample with up to eight changes.
    package func input(using generator: inout SeededGenerator) -> [UInt8] {
        var bytes = samples[Int.random(in: samples.indices, using: &generator)]
        for _ in 0..<Int.random(in: 1...8, using: &generator) { change(&bytes, using: &generator) }
        return bytes
    }

    private func change(_ bytes: inout [UInt8], using generator: inout SeededGenerator) {
        guard !bytes.isEmpty else {
            bytes = words.randomElement(using: &generator) ?? [0]
            return
        }
        let position = Int.random(in: 0..<bytes.count, using: &generator)
        let length = min(bytes.count - position, 1 << Int.random(in: 0...8, using: &generator))
        switch Int.random(in: 0..<12, using: &generator) {
        case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[position] = UInt8.random(in: 0...255, using: &generator)
        case 2: bytes.removeSubrange(position..<position + length)
        case 3: bytes.removeLast(bytes.count - position)
        case 4: bytes.insert(contentsOf: bytes[position..<position + length], at: position)
        case 5:  // replaced by another part of the same input
            let other = Int.random(in: 0...bytes.count - length, using: &generator)
            bytes.replaceSubrange(position..<position + length, with: Array(bytes[other..<other + length]))
        case 6:  // the beginning of this input and the end of another
            let other = samples[Int.random(in: samples.indices, using: &generator)]
            bytes = bytes[..<position] + other.suffix(Int.random(in: 0...other.count, using: &generator))
        case 7, 8: replaceNumber(near: position, in: &bytes, using: &generator)
        case 9: nest(&bytes, at: position, using: &generator)
        default:
            guard let word = words.randomElement(using: &generator) else { return }
            let overwritten = Bool.random(using: &generator) ? min(word.count, bytes.count - position) : 0
            bytes.replaceSubrange(position..<position + overwritten, with: word)
        }
    }

    /// Replaces the next decimal number: by one from elsewhere in the input, so that two values are equal, or by one at
    /// the bounds of a type.
    private func replaceNumber(near position: Int, in bytes: inout [UInt8], using generator: inout SeededGenerator) {
        guard let range = number(in: bytes, from: position) else { return }
        let other =
            Bool.random(using: &generator)
            ? number(in: bytes, from: Int.random(in: 0..<bytes.count, using: &generator)).map { Array(bytes[$0]) } : nil
        bytes.replaceSubrange(range, with: other ?? Self.numbers.randomElement(using: &generator) ?? [])
    }

    private func number(in bytes: [UInt8], from position: Int) -> Range<Int>? {
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        guard let start = bytes[position...].firstIndex(where: isDigit) else { return nil }
        return start..<(bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count)
    }

    private func nest(_ bytes: inout [UInt8], at position: Int, using generator: inout SeededGenerator) {
        let depth = 1 << Int.random(in: 0...14, using: &generator)
        let sign = [UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "\""), UInt8(ascii: "\\")]
        let unit = sign.randomElement(using: &generator) ?? 0
        bytes.insert(contentsOf: [UInt8](repeating: unit, count: depth), at: position)
    }
}
