import CFiles

/// The Secure Hash Algorithm with a digest of 256 bits (FIPS 180-4, sections 4.1.2, 5.3.3 and 6.2).
///
/// The data may be given in chunks of any size: the digest is that of their concatenation.
package struct SHA256: Sendable {
    private var state = State()

    /// The last bytes of the data, too few for a block.
    private var pending: [UInt8] = []

    /// The length of the data so far in bytes.
    private var length: UInt64 = 0

    /// - Parameter usesInstructions: whether to use the SHA instructions of the processor, if it has them.
    package init(usesInstructions: Bool = true) {
        state.usesInstructions = usesInstructions && State.hasInstructions
        pending.reserveCapacity(State.blockSize)
    }

    /// Adds bytes to the data.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        length &+= UInt64(bytes.count)
        var bytes = bytes[...]
        if !pending.isEmpty {
            let missing = bytes.prefix(State.blockSize - pending.count)
            pending.append(contentsOf: missing)
            bytes = bytes.dropFirst(missing.count)
            guard pending.count == State.blockSize else { return }
            pending.withUnsafeBytes { state.compress($0) }
            pending.removeAll(keepingCapacity: true)
        }
        let remainder = bytes.count % State.blockSize
        state.compress(UnsafeRawBufferPointer(rebasing: bytes.dropLast(remainder)))
        pending.append(contentsOf: bytes.suffix(remainder))
    }

    /// Adds bytes to the data.
    package mutating func update(_ bytes: some Collection<UInt8>) {
        let updated: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
        if updated == nil { Array(bytes).withUnsafeBytes { update($0) } }
    }

    /// The digest of the data, 32 bytes. No bytes may be added after this.
    package mutating func finalize() -> [UInt8] {
        // The data is followed by one bit, zeros up to a whole block, and its length in bits.
        let bits = length &* 8
        var padding: [UInt8] = [0x80]
        while (pending.count + padding.count) % State.blockSize != State.blockSize - 8 { padding.append(0) }
        update(padding)
        update(withUnsafeBytes(of: bits.bigEndian) { Array($0) })
        return state.words.flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
    }

    /// The digest of `bytes`: 32 bytes.
    package static func digest(of bytes: some Collection<UInt8>) -> [UInt8] {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finalize()
    }

    /// The digest of `bytes` in lower-case hexadecimal digits, as `sha256sum` prints it.
    package static func hexDigest(of bytes: some Collection<UInt8>) -> String { hexadecimal(digest(of: bytes)) }

    /// The digest of the file at `path`.
    package static func hexDigest(ofFile path: String) throws(FileError) -> String {
        var hash = SHA256()
        let file = try MappedFile(path: path), length = 1 << 22
        for start in stride(from: 0, to: file.bytes.count, by: length) {
            let range = start..<min(start + length, file.bytes.count)
            hash.update(UnsafeRawBufferPointer(rebasing: file.bytes[range]))
            // The pages that were read would otherwise count as memory of this process.
            file.release(range)
        }
        return hexadecimal(hash.finalize())
    }

    /// Two lower-case digits for each byte.
    package static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// The eight words of the hash, updated block by block.
private struct State {
    static let blockSize = 64

    // The first 32 bits of the fractional parts of the square roots of the first eight primes.
    private var a: UInt32 = 0x6a09_e667, b: UInt32 = 0xbb67_ae85, c: UInt32 = 0x3c6e_f372, d: UInt32 = 0xa54f_f53a
    private var e: UInt32 = 0x510e_527f, f: UInt32 = 0x9b05_688c, g: UInt32 = 0x1f83_d9ab, h: UInt32 = 0x5be0_cd19

    /// Whether the processor has SHA instructions, which are five times as fast.
    static let hasInstructions = gpt_has_sha256()

    var words: [UInt32] { [a, b, c, d, e, f, g, h] }
    var usesInstructions = hasInstructions

    /// Updates the state by a whole number of blocks.
    mutating func compress(_ blocks: UnsafeRawBufferPointer) {
        guard !blocks.isEmpty else { return }
        roundConstants.withUnsafeBufferPointer { constants in
            if usesInstructions {
                var words = words
                gpt_sha256(
                    &words, blocks.bindMemory(to: UInt8.self).baseAddress, blocks.count / Self.blockSize,
                    constants.baseAddress)
                (a, b, c, d) = (words[0], words[1], words[2], words[3])
                (e, f, g, h) = (words[4], words[5], words[6], words[7])
                return
            }
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { schedule in
                for start in stride(from: 0, to: blocks.count, by: Self.blockSize) {
                    compress(
                        UnsafeRawBufferPointer(rebasing: blocks[start..<start + Self.blockSize]), constants, schedule)
                }
            }
        }
    }

    private mutating func compress(
        _ block: UnsafeRawBufferPointer, _ K: UnsafeBufferPointer<UInt32>, _ W: UnsafeMutableBufferPointer<UInt32>
    ) {
        for t in 0..<16 { W[t] = UInt32(bigEndian: block.loadUnaligned(fromByteOffset: 4 * t, as: UInt32.self)) }
        for t in 16..<64 {
            let s0 = rotate(W[t - 15], 7) ^ rotate(W[t - 15], 18) ^ W[t - 15] >> 3
            let s1 = rotate(W[t - 2], 17) ^ rotate(W[t - 2], 19) ^ W[t - 2] >> 10
            W[t] = W[t - 16] &+ s0 &+ W[t - 7] &+ s1
        }

        // After each round the standard moves every word to the next variable. Here the arguments are permuted instead,
        // with a period of eight rounds, and the words stay in their registers.
        let before = self
        for t in stride(from: 0, to: 64, by: 8) {
            round(a, b, c, &d, e, f, g, &h, K[t] &+ W[t])
            round(h, a, b, &c, d, e, f, &g, K[t + 1] &+ W[t + 1])
            round(g, h, a, &b, c, d, e, &f, K[t + 2] &+ W[t + 2])
            round(f, g, h, &a, b, c, d, &e, K[t + 3] &+ W[t + 3])
            round(e, f, g, &h, a, b, c, &d, K[t + 4] &+ W[t + 4])
            round(d, e, f, &g, h, a, b, &c, K[t + 5] &+ W[t + 5])
            round(c, d, e, &f, g, h, a, &b, K[t + 6] &+ W[t + 6])
            round(b, c, d, &e, f, g, h, &a, K[t + 7] &+ W[t + 7])
        }
        a &+= before.a
        b &+= before.b
        c &+= before.c
        d &+= before.d
        e &+= before.e
        f &+= before.f
        g &+= before.g
        h &+= before.h
    }
}

/// One of the 64 rounds: only two of the eight words change.
@inline(__always)
private func round(
    _ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: inout UInt32,
    _ e: UInt32, _ f: UInt32, _ g: UInt32, _ h: inout UInt32, _ input: UInt32
) {
    let choice = g ^ (e & (f ^ g))
    let majority = (a & b) | (c & (a | b))
    h = h &+ (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) &+ choice &+ input
    d = d &+ h
    h = h &+ (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) &+ majority
}

@inline(__always)
private func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 { word &>> count | word &<< (32 - count) }

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
private let roundConstants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
]
