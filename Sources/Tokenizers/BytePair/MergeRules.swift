/// Which neighbours a vocabulary merges, and in what order: the pair with the lowest rank comes first.
protocol MergeRules: Sendable {
    /// The number of ranks: they run from 0 to one less.
    var rankCount: Int { get }

    /// For each two bytes (the first in the upper half) the rank of merging them.
    var byteRanks: [UInt32] { get }

    /// The rank of merging two tokens, `noRank` where they do not merge. Their bytes are the `length` ones at `start`,
    /// where 16 must be readable.
    func rank(_ left: Int32, _ right: Int32, _ start: UnsafePointer<UInt8>, _ length: Int) -> UInt32

    /// The token that the merge of a rank makes.
    func result(_ rank: UInt32) -> Int32
}

let noRank = UInt32.max

/// tiktoken's rule: two tokens merge if their bytes in a row are a token, and its id is the rank.
struct RankRules: MergeRules {
    private let table: TokenTable
    let byteRanks: [UInt32]

    init(_ table: TokenTable) {
        self.table = table
        var byteRanks = [UInt32](repeating: noRank, count: 1 << 16)
        for id in 0..<Int32(table.idCount) where table.length(id) == 2 {
            let token = table.token(id)
            byteRanks[Int(token[0]) << 8 | Int(token[1])] = UInt32(id)
        }
        self.byteRanks = byteRanks
    }

    var rankCount: Int { table.idCount }

    @inline(__always)
    func rank(_ left: Int32, _ right: Int32, _ start: UnsafePointer<UInt8>, _ length: Int) -> UInt32 {
        // No token is -1, which becomes `noRank`.
        length <= table.greatestLength ? UInt32(bitPattern: table.id(start, length)) : noRank
    }

    @inline(__always)
    func result(_ rank: UInt32) -> Int32 { Int32(bitPattern: rank) }
}

/// The rule of trained vocabularies: a list of pairs, in the order they were learned.
struct MergeListRules: MergeRules {
    private let pairs: PairTable
    let byteRanks: [UInt32]

    /// - Parameters:
    ///   - merges: all pairs are different.
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

/// Two tokens that merge, and the token they make.
public struct Merge: Sendable, Hashable {
    public let left: Int32
    public let right: Int32
    public let result: Int32

    public init(left: Int32, right: Int32, result: Int32) {
        self.left = left
        self.right = right
        self.result = result
    }
}

/// The rank of each pair of ids, in an open-addressing hash table with half its slots empty.
///
/// `@unchecked Sendable`: the memory is written in `init`, before anyone else has the object, and only read after it.
private final class PairTable: @unchecked Sendable {
    let count: Int
    private let slots: UnsafeMutablePointer<(pair: UInt64, rank: UInt32)>
    private let results: UnsafeMutablePointer<Int32>
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
