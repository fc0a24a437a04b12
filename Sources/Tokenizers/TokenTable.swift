/// The bytes of every token by id, and the id of every token by its bytes.
///
/// The bytes lie in one block, in the order they came in. Ids are found in an open-addressing hash table whose slots
/// hold 32 bits of the hash beside the id, so that a look-up rarely touches bytes in vain. Half the slots stay empty.
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

    /// The upper half of a hash, and an id plus 1; 0 where a slot is empty.
    private let slots: UnsafeMutablePointer<UInt64>
    private let slotMask: Int
    private let seed: UInt64

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
        while slotCount < 2 * count { slotCount *= 2 }
        slotMask = slotCount - 1
        slots = .allocate(capacity: slotCount)
        slots.initialize(repeating: 0, count: slotCount)
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
    }

    /// Enters a token whose span is set. Answers with the id of the same bytes if they are there already.
    private func insert(_ id: Int32) -> Int32? {
        let span = spans[Int(id)]
        let start = bytes + Int(span >> 32)
        let length = Int(span & 0xFFFF_FFFF)
        let hash = hash(start, length)
        var slot = Int(truncatingIfNeeded: hash) & slotMask
        while slots[slot] != 0 {
            if slots[slot] >> 32 == hash >> 32 {
                let other = Int32(truncatingIfNeeded: slots[slot] & 0xFFFF_FFFF) - 1
                if isToken(other, start, length) { return other }
            }
            slot = (slot + 1) & slotMask
        }
        slots[slot] = (hash >> 32) << 32 | UInt64(id + 1)
        return nil
    }

    /// The id of the token of `length` bytes at `start`, or -1. Sixteen bytes must be readable there.
    @inline(__always)
    func id(_ start: UnsafePointer<UInt8>, _ length: Int) -> Int32 {
        let hash = hash(start, length)
        var slot = Int(truncatingIfNeeded: hash) & slotMask
        while true {
            let entry = slots[slot]
            if entry == 0 { return -1 }
            if entry >> 32 == hash >> 32 {
                let id = Int32(truncatingIfNeeded: entry & 0xFFFF_FFFF) &- 1
                if isToken(id, start, length) { return id }
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

    @inline(__always)
    private func isToken(_ id: Int32, _ start: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        let span = spans[Int(id)]
        guard Int(span & 0xFFFF_FFFF) == length else { return false }
        let token = bytes + Int(span >> 32)
        guard length > 16 else { return ShortKey(token, length) == ShortKey(start, length) }
        for offset in stride(from: 0, to: length &- 8, by: 8) {
            if unalignedWord(token + offset) != unalignedWord(start + offset) { return false }
        }
        return unalignedWord(token + (length &- 8)) == unalignedWord(start + (length &- 8))
    }

    @inline(__always)
    private func hash(_ start: UnsafePointer<UInt8>, _ length: Int) -> UInt64 {
        if length <= 16 {
            let key = ShortKey(start, length)
            return mixed(key.low ^ seed, key.high ^ UInt64(length) &* 0x9E37_79B9_7F4A_7C15)
        }
        var hash = seed ^ UInt64(length)
        for offset in stride(from: 0, to: length &- 8, by: 8) { hash = mixed(hash, unalignedWord(start + offset)) }
        return mixed(hash, unalignedWord(start + (length &- 8)))
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

    /// Reads sixteen bytes at `start`, and keeps the first `length`.
    @inline(__always)
    init(_ start: UnsafePointer<UInt8>, _ length: Int) {
        // Shifts by 64 or more give 0.
        low = unalignedWord(start) & (((1 as UInt64) << UInt64(length &* 8)) &- 1)
        high = unalignedWord(start + 8) & (((1 as UInt64) << UInt64(max(0, length &* 8 &- 64))) &- 1)
    }
}

@inline(__always)
func unalignedWord(_ start: UnsafePointer<UInt8>) -> UInt64 {
    UInt64(littleEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self))
}

/// 64 bits of which each depends on all bits of both: both halves of their product with a constant added to each.
@inline(__always)
func mixed(_ first: UInt64, _ second: UInt64) -> UInt64 {
    let product = (first ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(by: second ^ 0xE703_7ED1_A0B4_28DB)
    return product.high ^ product.low
}
