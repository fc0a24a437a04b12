/// The merge rule of Hugging Face's tokenizers: a list of pairs, whose ranks are their positions in it.
struct MergeListRules: MergeRules {
    private let pairs: PairTable
    let byteRanks: [UInt32]

    /// - Parameters:
    ///   - merges: the list, in which no pair occurs twice.
    ///   - byteIDs: the id of each byte.
    init(_ merges: [Merge], byteIDs: [Int32]) {
        pairs = PairTable(merges)
        var byteOfID: [Int32: Int] = [:]
        for (byte, id) in byteIDs.enumerated() { byteOfID[id] = byte }
        var byteRanks = [UInt32](repeating: noRank, count: 1 << 16)
        for (rank, merge) in merges.enumerated() {
            if let left = byteOfID[merge.left], let right = byteOfID[merge.right] {
                byteRanks[left << 8 | right] = UInt32(rank)
            }
        }
        self.byteRanks = byteRanks
    }

    var rankCount: Int { pairs.count }

    @inline(__always)
    func rank(_ left: Int32, _ right: Int32, _ start: UnsafePointer<UInt8>, _ length: Int) -> UInt32 {
        pairs.rank(left, right)
    }

    @inline(__always)
    func result(_ rank: UInt32) -> Int32 { pairs.result(rank) }
}

/// The rank of each pair of ids, in an open-addressing hash table with half its slots empty.
private final class PairTable: Sendable {
    let count: Int
    // Written by the initializer alone.
    private nonisolated(unsafe) let slots: UnsafeMutablePointer<(pair: UInt64, rank: UInt32)>
    private nonisolated(unsafe) let results: UnsafeMutablePointer<Int32>
    private let mask: Int
    private let seed = UInt64.random(in: .min ... .max)

    init(_ merges: [Merge]) {
        count = merges.count
        var slotCount = 16
        while slotCount < 2 * merges.count { slotCount *= 2 }
        mask = slotCount - 1
        slots = .allocate(capacity: slotCount)
        slots.initialize(repeating: (0, noRank), count: slotCount)
        results = copied(merges.map(\.result))
        for (rank, merge) in merges.enumerated() {
            let pair = Self.key(merge.left, merge.right)
            var slot = firstSlot(pair)
            while slots[slot].rank != noRank { slot = (slot + 1) & mask }
            slots[slot] = (pair, UInt32(rank))
        }
    }

    deinit {
        slots.deallocate()
        results.deallocate()
    }

    @inline(__always)
    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    @inline(__always)
    private func firstSlot(_ pair: UInt64) -> Int { Int(truncatingIfNeeded: mixed(pair, seed)) & mask }

    @inline(__always)
    func rank(_ left: Int32, _ right: Int32) -> UInt32 {
        let pair = Self.key(left, right)
        var slot = firstSlot(pair)
        while true {
            let entry = slots[slot]
            if entry.rank == noRank || entry.pair == pair { return entry.rank }
            slot = (slot &+ 1) & mask
        }
    }

    @inline(__always)
    func result(_ rank: UInt32) -> Int32 { results[Int(rank)] }
}
