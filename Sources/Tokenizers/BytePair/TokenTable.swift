/// The bytes of every token by id, and the id of every token by its bytes.
///
/// Ids are found in an open-addressing hash table that holds tokens of up to 15 bytes itself, so that finding one costs a
/// single line of the cache. Merging asks for far more strings of bytes that are no token: before the table stands a
/// small set of bits, one for each hash, which nearly all of those do not pass.
/// Hashing is seeded anew in every process: no file can be built to make the table slow.
final class TokenTable: @unchecked Sendable {  // written while it is made only
    /// One more than the greatest id.
    let idCount: Int

    /// How many tokens there are; ids may be left out.
    let count: Int

    /// The length of the longest token.
    let greatestLength: Int

    /// All tokens, and `TokenTable.padding` zeros so that 16 bytes can be read from the start of each.
    private let bytes: UnsafeMutablePointer<UInt8>

    /// For each id where its token starts, in the upper 32 bits, and its length, 0 where there is none.
    private let spans: UnsafeMutablePointer<UInt64>

    /// A token in the table, or -1 as id where there is none.
    private struct Slot {
        /// The bytes with their number in the highest byte; of a longer token the hash, and the number with all bits
        /// of the highest byte.
        var key = ShortKey()
        var id: Int32 = -1
    }

    private let slots: UnsafeMutablePointer<Slot>
    private let slotMask: Int
    private let seed: UInt64

    /// A bit for the upper bits of each token's hash.
    private let filter: UnsafeMutablePointer<UInt64>
    private let filterShift: UInt64

    /// Tokens up to this length are compared as two integers.
    static let greatestShortLength = 15

    static let padding = 16

    /// Why tokens make no vocabulary.
    enum Problem: Error {
        case sameBytes(Int32, Int32)
    }

    /// - Parameters:
    ///   - bytes: the tokens in a row.
    ///   - spans: where each token is in them; none is empty.
    ///   - ids: the id of each, not negative and all different.
    init(bytes source: [UInt8], spans ranges: [Range<Int>], ids: [Int32]) throws(Problem) {
        count = ids.count
        idCount = Int(ids.max() ?? -1) + 1
        bytes = copied(source + [UInt8](repeating: 0, count: Self.padding))

        spans = .allocate(capacity: max(1, idCount))
        spans.initialize(repeating: 0, count: max(1, idCount))
        var slotCount = 16
        while slotCount * 4 < count * 5 { slotCount *= 2 }
        slotMask = slotCount - 1
        slots = .allocate(capacity: slotCount)
        slots.initialize(repeating: Slot(), count: slotCount)
        var filterBits = 6
        while 1 << filterBits < 8 * count { filterBits += 1 }
        filterShift = UInt64(64 - filterBits)
        filter = .allocate(capacity: 1 << (filterBits - 6))
        filter.initialize(repeating: 0, count: 1 << (filterBits - 6))
        seed = UInt64.random(in: .min ... .max) | 1

        var greatest = 0
        for range in ranges { greatest = max(greatest, range.count) }
        greatestLength = greatest
        for (range, id) in zip(ranges, ids) {
            spans[Int(id)] = UInt64(range.lowerBound) << 32 | UInt64(range.count)
            if let other = insert(id) { throw .sameBytes(other, id) }
        }
    }

    deinit {
        bytes.deallocate()
        spans.deallocate()
        slots.deallocate()
        filter.deallocate()
    }

    /// Enters a token whose span is set. Answers with the id of the same bytes if they are there already.
    private func insert(_ id: Int32) -> Int32? {
        let span = spans[Int(id)]
        let start = bytes + Int(span >> 32)
        let length = Int(span & 0xFFFF_FFFF)
        let (key, hash) = key(start, length)
        var slot = Int(truncatingIfNeeded: hash) & slotMask
        while slots[slot].id >= 0 {
            if slots[slot].key == key, isToken(slots[slot].id, start, length) { return slots[slot].id }
            slot = (slot + 1) & slotMask
        }
        slots[slot] = Slot(key: key, id: id)
        let bit = hash >> filterShift
        filter[Int(bit >> 6)] |= 1 << (bit & 63)
        return nil
    }

    /// The id of the token of `length` bytes at `start`, or -1. Sixteen bytes must be readable there.
    @inline(__always)
    func id(_ start: UnsafePointer<UInt8>, _ length: Int) -> Int32 {
        let (key, hash) = key(start, length)
        let bit = hash >> filterShift
        if filter[Int(truncatingIfNeeded: bit >> 6)] >> (bit & 63) & 1 == 0 { return -1 }
        var slot = Int(truncatingIfNeeded: hash) & slotMask
        while true {
            let found = slots[slot]
            if found.id < 0 { return -1 }
            if found.key == key, length <= Self.greatestShortLength || isToken(found.id, start, length) {
                return found.id
            }
            slot = (slot &+ 1) & slotMask
        }
    }

    /// The id of the token with these bytes.
    func id(of token: some Collection<UInt8>) -> Int32? {
        guard token.count <= greatestLength else { return nil }
        let padded = Array(token) + [UInt8](repeating: 0, count: Self.padding)
        let id = padded.withUnsafeBufferPointer {
            $0.baseAddress.map { self.id($0, padded.count - Self.padding) } ?? -1
        }
        return id < 0 ? nil : id
    }

    /// The bytes of a token: none where there is no such id.
    func token(_ id: Int32) -> UnsafeBufferPointer<UInt8> {
        guard id >= 0, Int(id) < idCount else { return UnsafeBufferPointer(start: nil, count: 0) }
        let span = spans[Int(id)]
        return UnsafeBufferPointer(start: bytes + Int(span >> 32), count: Int(span & 0xFFFF_FFFF))
    }

    /// How many bytes the token of an id has, which is below `idCount`.
    @inline(__always)
    func length(_ id: Int32) -> Int { Int(spans[Int(id)] & 0xFFFF_FFFF) }

    /// Whether a token is the bytes at `start`; needed only where they are too many for a key.
    private func isToken(_ id: Int32, _ start: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        let token = token(id)
        guard token.count == length else { return false }
        return token.elementsEqual(UnsafeBufferPointer(start: start, count: length))
    }

    /// What a slot holds for bytes, and their hash.
    @inline(__always)
    private func key(_ start: UnsafePointer<UInt8>, _ length: Int) -> (key: ShortKey, hash: UInt64) {
        if length <= Self.greatestShortLength {
            var key = ShortKey(start, length)
            key.high |= UInt64(truncatingIfNeeded: length) << 56
            return (key, mixed(key.low ^ seed, key.high))
        }
        return longKey(start, length)
    }

    @inline(never)
    private func longKey(_ start: UnsafePointer<UInt8>, _ length: Int) -> (key: ShortKey, hash: UInt64) {
        var hash = seed ^ UInt64(truncatingIfNeeded: length)
        for offset in stride(from: 0, to: length &- 8, by: 8) { hash = mixed(hash, unalignedWord(start + offset)) }
        hash = mixed(hash, unalignedWord(start + (length &- 8)))
        var key = ShortKey()
        key.low = hash
        key.high = 0xFF << 56 | UInt64(truncatingIfNeeded: length)
        return (key, hash)
    }
}

/// Up to sixteen bytes as two integers, with zeros behind them.
struct ShortKey: Equatable {
    var low: UInt64
    var high: UInt64

    /// No bytes.
    init() {
        low = 0
        high = 0
    }

    /// Both halves at once: a branch between them would be one more to guess.
    @inline(__always)
    static func == (left: Self, right: Self) -> Bool { (left.low ^ right.low) | (left.high ^ right.high) == 0 }

    /// Reads sixteen bytes at `start`, and keeps the first `length`, which are 1 to 15.
    @inline(__always)
    init(_ start: UnsafePointer<UInt8>, _ length: Int) {
        // No shift is by 64 or more, which would need a test.
        low = unalignedWord(start) & (UInt64.max &>> UInt64(truncatingIfNeeded: 64 &- 8 &* min(length, 8)))
        high =
            unalignedWord(start + 8)
            & ((UInt64.max >> 8) &>> UInt64(truncatingIfNeeded: 56 &- 8 &* max(length &- 8, 0)))
    }
}

@inline(__always)
func unalignedWord(_ start: UnsafePointer<UInt8>) -> UInt64 {
    UInt64(littleEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self))
}

/// 64 bits of which each depends on all bits of both: the halves of a product, with a constant mixed into each factor, as in
/// wyhash (Wang Yi, 2019).
@inline(__always)
func mixed(_ first: UInt64, _ second: UInt64) -> UInt64 {
    let product = (first ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(by: second ^ 0xE703_7ED1_A0B4_28DB)
    return product.high ^ product.low
}
