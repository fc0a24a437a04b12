import Synchronization

/// The workspaces of a tokenizer that no call uses.
final class WorkspaceStore: Sendable {
    private let idle = Mutex<[IdleWorkspace]>([])

    /// Calls `body` with a workspace that no other call uses: one of an earlier call, if one is free.
    func withWorkspace<Result>(_ body: (EncodingWorkspace) throws -> Result) rethrows -> Result {
        let workspace = idle.withLock { $0.popLast() }?.workspace ?? EncodingWorkspace()
        let idleAgain = IdleWorkspace(workspace: workspace)
        defer { idle.withLock { $0.append(idleAgain) } }
        return try body(workspace)
    }
}

/// A workspace that no call uses, in the store of a tokenizer.
private struct IdleWorkspace: Sendable {
    // Unsafe because it passes from one thread to another: a call removes a workspace from the store under a lock and returns it
    // at its end, so no two calls use the same one.
    nonisolated(unsafe) let workspace: EncodingWorkspace
}

/// The working memory of one call that encodes: a cache of the ids of short pre-tokens, and buffers for merging.
///
/// A tokenizer keeps its workspaces between calls (`IdleWorkspace`), so that a later text finds the pre-tokens of earlier ones.
final class EncodingWorkspace {
    /// Pre-tokens of up to this many bytes are cached: their bytes and length fill two 64-bit integers.
    static let greatestCachedLength = 15

    /// Pre-tokens of up to this many bytes are merged by scanning all pairs for the lowest rank, longer ones with a queue.
    static let greatestShortLength = 64

    /// This many ids are staged before they are appended to a sink, so that they stay in the first level of caches.
    static let stagedCount = 4096

    /// The slots of the cache, two for each hash of a pre-token's bytes, side by side in one cache line: the newest entry
    /// is in the first slot, the one before it in the second. Tiny Shakespeare has 15,000 distinct pre-tokens; with 2^14
    /// pairs of slots, a megabyte, 99 % of repeated pre-tokens are found, with half as many single slots 94 %.
    private let slots: UnsafeMutablePointer<CachedPretoken>
    private static let pairBits = 14

    /// The ids of cached pre-tokens that have more than fit into a `CachedPretoken`.
    let longerIDs: UnsafeMutablePointer<Int32>
    private var longerIDCount = 0
    private static let longerIDCapacity = 1 << 16

    /// The buffer of `StagedIDs`.
    fileprivate let staged: UnsafeMutablePointer<Int32>

    /// A copy of a short pre-token or segment, after which `TokenTable.padding` bytes can be read.
    let bytes: UnsafeMutablePointer<UInt8>

    /// Where each part of a short pre-token starts, and the rank of merging it with the next part.
    let starts: UnsafeMutablePointer<Int32>
    let ranks: UnsafeMutablePointer<UInt32>

    private var merger: PriorityMerger?

    init() {
        let capacity = Self.greatestShortLength + 2
        let size = MemoryLayout<CachedPretoken>.stride << (Self.pairBits + 1)
        slots = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 2 * MemoryLayout<CachedPretoken>.stride)
            .initializeMemory(as: CachedPretoken.self, repeating: CachedPretoken(), count: 2 << Self.pairBits)
        longerIDs = .allocate(capacity: Self.longerIDCapacity)
        // The ids of one short pre-token may exceed the count at which they are flushed.
        staged = .allocate(capacity: Self.stagedCount + capacity)
        bytes = .allocate(capacity: capacity + TokenTable.padding)
        bytes.initialize(repeating: 0, count: capacity + TokenTable.padding)
        starts = .allocate(capacity: capacity)
        ranks = .allocate(capacity: capacity)
    }

    deinit {
        slots.deallocate()
        longerIDs.deallocate()
        staged.deallocate()
        bytes.deallocate()
        starts.deallocate()
        ranks.deallocate()
    }

    /// The queue for long pre-tokens, allocated at its first use.
    func priorityMerger(rankCount: Int) -> PriorityMerger {
        if let merger { return merger }
        let merger = PriorityMerger(rankCount: rankCount)
        self.merger = merger
        return merger
    }

    /// The `length` bytes at `start` as a key, without their length.
    /// - Parameter readable: how many bytes can be read at `start`; fewer than 16 are copied first.
    @inline(__always)
    func key(_ start: UnsafePointer<UInt8>, _ length: Int, readable: Int) -> ShortKey {
        if readable >= 16 { return ShortKey(start, length) }
        bytes.update(from: start, count: length)
        return ShortKey(bytes, length)
    }

    /// The pair of slots for a key.
    @inline(__always)
    func slots(for key: ShortKey) -> UnsafeMutablePointer<CachedPretoken> {
        slots + Int(truncatingIfNeeded: mixed(key.low, key.high) >> UInt64(64 - Self.pairBits)) &* 2
    }

    /// The slot that holds the key if it is cached. Which of the two is computed without a branch, because no branch
    /// predictor could guess it.
    @inline(__always)
    static func slot(of key: ShortKey, among slots: UnsafeMutablePointer<CachedPretoken>)
        -> UnsafeMutablePointer<CachedPretoken>
    {
        slots + (slots[1].key == key ? 1 : 0)
    }

    /// Stores the ids of a short pre-token in the first of its `slots`.
    func cache(
        _ key: ShortKey, _ ids: UnsafePointer<Int32>, _ count: Int, in slots: UnsafeMutablePointer<CachedPretoken>
    ) {
        if count > 3, longerIDCount + count > Self.longerIDCapacity {
            self.slots.update(repeating: CachedPretoken(), count: 2 << Self.pairBits)
            longerIDCount = 0
        }
        slots[1] = slots[0]
        guard count > 3 else {
            let second = count > 1 ? ids[1] : 0
            slots[0] = CachedPretoken(key: key, ids: (ids[0], second, count > 2 ? ids[2] : 0), count: Int32(count))
            return
        }
        (longerIDs + longerIDCount).update(from: ids, count: count)
        slots[0] = CachedPretoken(key: key, ids: (Int32(longerIDCount), 0, 0), count: Int32(count))
        longerIDCount += count
    }
}

/// A short pre-token and its ids: half a cache line.
struct CachedPretoken {
    /// The bytes, and their number in the highest byte, whose highest bit is set for a segment of a longer pre-token. All
    /// zero in an empty slot.
    var key = ShortKey()
    /// Up to three ids; if there are more, the position of the first in `longerIDs`.
    var ids: (Int32, Int32, Int32) = (0, 0, 0)
    var count: Int32 = 0
}

/// Ids that are collected in a workspace's buffer before they are appended to a sink together. At most one is in use at a
/// time.
struct StagedIDs {
    private let buffer: UnsafeMutablePointer<Int32>

    /// The number of ids in the buffer.
    var count = 0

    @inline(__always)
    init(_ workspace: EncodingWorkspace) { buffer = workspace.staged }

    /// Where the next ids are written. There is space for those of one short pre-token, if `count` is below
    /// `EncodingWorkspace.stagedCount`.
    @inline(__always)
    var end: UnsafeMutablePointer<Int32> { buffer + count }

    /// Appends the ids to `sink` and empties the buffer.
    @inline(__always)
    mutating func flush(into sink: inout IDSink) {
        sink.append(buffer, count: count)
        count = 0
    }

    /// The same, if there are `EncodingWorkspace.stagedCount` ids or more.
    @inline(__always)
    mutating func flushIfFull(into sink: inout IDSink) {
        if count >= EncodingWorkspace.stagedCount { flush(into: &sink) }
    }
}
