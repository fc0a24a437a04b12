/// The bytes of every token by id, and the id of every token by its bytes.
///
/// Ids are found in an open-addressing hash table whose slots contain tokens of up to 15 bytes, so that a lookup costs a
/// single cache line. Most lookups while merging are of bytes that are not a token: nearly all of these are rejected by a
/// small bit set, indexed by the hash, before the table is read.
/// The hash has another seed in every process, so that no file can be made for which the table is slow.
final class TokenTable: Sendable {
    /// One more than the greatest id; 0 without tokens.
    let idCount: Int

    /// The number of tokens, which is below `idCount` if ids are unused.
    let count: Int

    /// The length of the longest token in bytes.
    let greatestLength: Int

    // The memory of the four pointers is written by the initializer alone.

    /// The bytes of all tokens, followed by `padding` zeros so that 16 bytes can be read from the start of each.
    private nonisolated(unsafe) let bytes: UnsafeMutablePointer<UInt8>

    /// For each id the start of its token, in the upper 32 bits, and its length: 0 for an unused id.
    private nonisolated(unsafe) let spans: UnsafeMutablePointer<UInt64>

    /// A slot of the hash table; it is empty if the id is -1.
    private struct Slot {
        /// For a token of up to `greatestShortLength` bytes: these, with their number in the highest byte. For a longer one:
        /// its hash, and its length with all bits of the highest byte set.
        var key = ShortKey()
        var id: Int32 = -1
    }

    private nonisolated(unsafe) let slots: UnsafeMutablePointer<Slot>
    private let slotMask: Int
    private let seed: UInt64

    /// A bit set with the upper bits of each token's hash.
    private nonisolated(unsafe) let filter: UnsafeMutablePointer<UInt64>
    private let filterShift: UInt64

    /// Tokens up to this length are compared as two integers.
    static let greatestShortLength = 15

    /// The number of bytes that must be readable after a token that is looked up.
    static let padding = 16

    /// Why a table cannot be made of some tokens.
    enum Problem: Error {
        /// The tokens with these two ids have the same bytes.
        case sameBytes(Int32, Int32)
    }

    /// - Parameters:
    ///   - bytes: the concatenated tokens.
    ///   - spans: the bytes of each token; none is empty.
    ///   - ids: the id of each token, not negative and all different.
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

    /// Inserts a token whose span is set. Returns the id of the token with the same bytes if there is one.
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

    /// The bytes of a token; empty if there is no such id.
    func token(_ id: Int32) -> UnsafeBufferPointer<UInt8> {
        guard id >= 0, Int(id) < idCount else { return UnsafeBufferPointer(start: nil, count: 0) }
        let span = spans[Int(id)]
        return UnsafeBufferPointer(start: bytes + Int(span >> 32), count: Int(span & 0xFFFF_FFFF))
    }

    /// The length in bytes of the token of an id below `idCount`; 0 for an unused id.
    @inline(__always)
    func length(_ id: Int32) -> Int { Int(spans[Int(id)] & 0xFFFF_FFFF) }

    /// Whether a token has the bytes at `start`; only for tokens too long for a key.
    private func isToken(_ id: Int32, _ start: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        let token = token(id)
        guard token.count == length else { return false }
        return token.elementsEqual(UnsafeBufferPointer(start: start, count: length))
    }

    /// The key of a slot for these bytes, and their hash.
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
