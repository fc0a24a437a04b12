/// The working memory of one call that encodes: the ids of short pieces met before, and room to merge in.
///
/// A tokenizer keeps these between calls, so that a second text finds the pieces of the first.
///
/// `@unchecked Sendable`: a call takes one out of the tokenizer's store, under its lock, and puts it back at its end, so no
/// two calls have the same one.
final class EncodingWorkspace: @unchecked Sendable {
    /// Pieces up to this many bytes are remembered: they and their length fill two words.
    static let greatestCachedLength = 15

    /// Pieces up to this many bytes are merged by looking at all pairs for the best one, longer ones with a queue.
    static let greatestShortLength = 64

    /// So many ids are staged before they are handed on: they stay in the nearest cache.
    static let stagedCount = 4096

    /// Each piece has two places, side by side in one line of the processor's cache, by its bytes alone: the latest to come is
    /// in the first, the one before it in the second. Tiny Shakespeare has 15,000 different pieces; with 2^14 pairs of
    /// places, a megabyte, 99 of 100 are found there when they come again, with single places half as many 94.
    private let cache: UnsafeMutablePointer<CachedPretoken>
    private static let pairBits = 14

    /// The ids of remembered pieces that are more than a `CachedPretoken` has room for.
    let longerIDs: UnsafeMutablePointer<Int32>
    private var longerIDCount = 0
    private static let longerIDCapacity = 1 << 16

    let staged: UnsafeMutablePointer<Int32>

    /// A copy of a short piece, with bytes behind it that may be read.
    let piece: UnsafeMutablePointer<UInt8>

    /// Where each part of a short piece starts, and the rank of merging it with the next.
    let starts: UnsafeMutablePointer<Int32>
    let ranks: UnsafeMutablePointer<UInt32>

    private var longPieces: PriorityMerger?

    init() {
        let room = Self.greatestShortLength + 2
        let size = MemoryLayout<CachedPretoken>.stride << (Self.pairBits + 1)
        cache = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 2 * MemoryLayout<CachedPretoken>.stride)
            .initializeMemory(as: CachedPretoken.self, repeating: CachedPretoken(), count: 2 << Self.pairBits)
        longerIDs = .allocate(capacity: Self.longerIDCapacity)
        // One piece may be written beyond the count at which ids are handed on.
        staged = .allocate(capacity: Self.stagedCount + room)
        piece = .allocate(capacity: room + TokenTable.padding)
        piece.initialize(repeating: 0, count: room + TokenTable.padding)
        starts = .allocate(capacity: room)
        ranks = .allocate(capacity: room)
    }

    deinit {
        cache.deallocate()
        longerIDs.deallocate()
        staged.deallocate()
        piece.deallocate()
        starts.deallocate()
        ranks.deallocate()
    }

    /// The queue for long pieces, made when the first comes.
    func priorityMerger(rankCount: Int) -> PriorityMerger {
        if let longPieces { return longPieces }
        let made = PriorityMerger(rankCount: rankCount)
        longPieces = made
        return made
    }

    /// The places of a piece.
    @inline(__always)
    func places(of key: ShortKey) -> UnsafeMutablePointer<CachedPretoken> {
        cache + Int(truncatingIfNeeded: mixed(key.low, key.high) >> UInt64(64 - Self.pairBits)) &* 2
    }

    /// The place that a piece is in if it is remembered. Which of the two is computed, as no branch could guess it.
    @inline(__always)
    static func place(of key: ShortKey, among places: UnsafeMutablePointer<CachedPretoken>)
        -> UnsafeMutablePointer<CachedPretoken>
    {
        places + (places[1].key == key ? 1 : 0)
    }

    /// Remembers the ids of a short piece in the first of its `places`.
    func remember(
        _ key: ShortKey, _ ids: UnsafePointer<Int32>, _ count: Int, in places: UnsafeMutablePointer<CachedPretoken>
    ) {
        if count > 3, longerIDCount + count > Self.longerIDCapacity {
            cache.update(repeating: CachedPretoken(), count: 2 << Self.pairBits)
            longerIDCount = 0
        }
        places[1] = places[0]
        guard count > 3 else {
            let second = count > 1 ? ids[1] : 0
            places[0] = CachedPretoken(key: key, ids: (ids[0], second, count > 2 ? ids[2] : 0), count: Int32(count))
            return
        }
        (longerIDs + longerIDCount).update(from: ids, count: count)
        places[0] = CachedPretoken(key: key, ids: (Int32(longerIDCount), 0, 0), count: Int32(count))
        longerIDCount += count
    }
}

/// A short piece and its ids, half a cache line.
struct CachedPretoken {
    /// The bytes, and in the highest byte their number; its highest bit is set where they are a stretch of a longer piece. All
    /// zero where nothing is remembered.
    var key = ShortKey()
    /// Up to three ids; of more the place of the first in `longerIDs`.
    var ids: (Int32, Int32, Int32) = (0, 0, 0)
    var count: Int32 = 0
}

/// Where encoded ids go: into an array, or nowhere if only their number is asked for.
struct IDSink {
    private(set) var ids: [Int32] = []
    private(set) var count = 0
    private let keeps: Bool

    /// - Parameter expected: about how many bytes will come; they are some four for each id.
    init(keeping: Bool, bytes expected: Int) {
        keeps = keeping
        if keeping { ids.reserveCapacity(expected / 3 + 16) }
    }

    mutating func append(_ id: Int32) {
        count += 1
        if keeps { ids.append(id) }
    }

    mutating func append(_ staged: UnsafePointer<Int32>, count more: Int) {
        count += more
        if keeps { ids.append(contentsOf: UnsafeBufferPointer(start: staged, count: more)) }
    }
}
