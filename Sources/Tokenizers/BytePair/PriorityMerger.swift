/// Merges pre-tokens of any length in time that grows linearly with it.
///
/// The pairs are in doubly linked lists, one for each rank, each in the order of the text; a hierarchy of bits gives the
/// lowest rank that has a pair. A merge removes up to three pairs from their lists and adds up to two. Nearly always a new
/// pair belongs at the end of its list; one that does not goes to a heap beside the lists.
final class PriorityMerger {
    /// A part of the pre-token, at the position of its first byte.
    private struct Part {
        var id: Int32
        /// Where the next part starts, and where the previous one does: -1 before the first.
        var next: Int32
        var previous: Int32
        /// The rank of merging this part with the next, and the neighbours of this pair in the list of that rank: -1 for
        /// none, `inHeap` for a pair in the heap.
        var rank = noRank
        var nextInList: Int32 = -1
        var previousInList: Int32 = -1
    }

    private static let inHeap: Int32 = -2

    /// The first and the last pair of each rank, -1 for none.
    private let firsts: UnsafeMutablePointer<Int32>
    private let lasts: UnsafeMutablePointer<Int32>
    /// The ranks whose lists are not empty.
    private var ranks: BitHierarchy
    /// Pairs that are in no list: the rank in the upper half, the position in the lower.
    private var heap = BinaryHeap<UInt64>()

    init(rankCount: Int) {
        firsts = .allocate(capacity: max(1, rankCount))
        firsts.initialize(repeating: -1, count: max(1, rankCount))
        lasts = .allocate(capacity: max(1, rankCount))
        lasts.initialize(repeating: -1, count: max(1, rankCount))
        ranks = BitHierarchy(count: rankCount)
    }

    deinit {
        firsts.deallocate()
        lasts.deallocate()
        ranks.deallocate()
    }

    /// Appends the ids of the `length` bytes at `bytes` to `sink`. 16 more bytes must be readable after them.
    /// - Parameter staged: an empty buffer, through which the ids are appended.
    func merge<Rules: MergeRules>(
        _ bytes: UnsafePointer<UInt8>, _ length: Int, rules: Rules, byteIDs: [Int32], staging staged: StagedIDs,
        into sink: inout IDSink
    ) {
        let parts = UnsafeMutablePointer<Part>.allocate(capacity: length)
        defer { parts.deallocate() }
        for position in 0..<length {
            let index = Int32(truncatingIfNeeded: position)
            (parts + position).initialize(
                to: Part(id: byteIDs[Int(bytes[position])], next: index &+ 1, previous: index &- 1))
        }
        rules.byteRanks.withUnsafeBufferPointer { byteRanks in
            for position in 0..<length &- 1 {
                insert(position, byteRanks[Int(bytes[position]) << 8 | Int(bytes[position &+ 1])], parts)
            }
        }

        while let left = removeLowest(parts) {
            let rank = parts[left].rank
            parts[left].rank = noRank
            let right = Int(parts[left].next)
            remove(right, parts)
            let end = Int(parts[right].next)
            parts[left].id = rules.result(rank)
            parts[left].next = Int32(truncatingIfNeeded: end)
            if end < length {
                parts[end].previous = Int32(truncatingIfNeeded: left)
                let size = Int(parts[end].next) &- left
                insert(left, rules.rank(parts[left].id, parts[end].id, bytes + left, size), parts)
            }
            let before = Int(parts[left].previous)
            if before >= 0 {
                remove(before, parts)
                insert(before, rules.rank(parts[before].id, parts[left].id, bytes + before, end &- before), parts)
            }
        }

        var staged = staged
        var position = 0
        while position < length {
            staged.end[0] = parts[position].id
            staged.count += 1
            position = Int(parts[position].next)
            staged.flushIfFull(into: &sink)
        }
        staged.flush(into: &sink)
    }

    /// Inserts the pair at `position` into the list of its rank.
    @inline(__always)
    private func insert(_ position: Int, _ rank: UInt32, _ parts: UnsafeMutablePointer<Part>) {
        if rank == noRank { return }
        let index = Int32(truncatingIfNeeded: position)
        let last = lasts[Int(rank)]
        parts[position].rank = rank
        if last > index {
            parts[position].previousInList = Self.inHeap
            heap.insert(UInt64(rank) << 32 | UInt64(position))
            return
        }
        parts[position].nextInList = -1
        parts[position].previousInList = last
        lasts[Int(rank)] = index
        if last < 0 {
            firsts[Int(rank)] = index
            ranks.insert(Int(rank))
        } else {
            parts[Int(last)].nextInList = index
        }
    }

    /// Removes the pair at `position`, if there is one, from its list.
    @inline(__always)
    private func remove(_ position: Int, _ parts: UnsafeMutablePointer<Part>) {
        let part = parts[position]
        if part.rank == noRank { return }
        parts[position].rank = noRank
        // Its entry in the heap is discarded when it becomes the least.
        if part.previousInList == Self.inHeap { return }
        let rank = Int(part.rank)
        if part.previousInList < 0 {
            firsts[rank] = part.nextInList
            if part.nextInList < 0 { ranks.remove(rank) }
        } else {
            parts[Int(part.previousInList)].nextInList = part.nextInList
        }
        if part.nextInList < 0 {
            lasts[rank] = part.previousInList
        } else {
            parts[Int(part.nextInList)].previousInList = part.previousInList
        }
    }

    /// Removes the leftmost pair of the lowest rank and returns its position; the part keeps the rank.
    @inline(__always)
    private func removeLowest(_ parts: UnsafeMutablePointer<Part>) -> Int? {
        while let least = heap.least {
            let position = Int(least & 0xFFFF_FFFF)
            let part = parts[position]
            if UInt64(part.rank) == least >> 32, part.previousInList == Self.inHeap { break }
            heap.removeLeast()
        }
        guard let rank = ranks.least else {
            guard let least = heap.least else { return nil }
            heap.removeLeast()
            return Int(least & 0xFFFF_FFFF)
        }
        let first = Int(firsts[rank])
        if let least = heap.least, least < UInt64(rank) << 32 | UInt64(first) {
            heap.removeLeast()
            return Int(least & 0xFFFF_FFFF)
        }
        remove(first, parts)
        parts[first].rank = UInt32(truncatingIfNeeded: rank)
        return first
    }
}

/// A set of small integers whose least is found fast: a bit for each integer, and in two levels above, a bit for each 64 bits
/// below, which says whether any of them is set.
private struct BitHierarchy {
    private let levels: (UnsafeMutablePointer<UInt64>, UnsafeMutablePointer<UInt64>, UnsafeMutablePointer<UInt64>)
    private let topCount: Int

    /// - Parameter count: all integers are below it.
    init(count: Int) {
        func level(_ count: Int) -> UnsafeMutablePointer<UInt64> {
            let words = UnsafeMutablePointer<UInt64>.allocate(capacity: count >> 6 + 1)
            words.initialize(repeating: 0, count: count >> 6 + 1)
            return words
        }
        levels = (level(count), level(count >> 6), level(count >> 12))
        topCount = count >> 18 + 1
    }

    func deallocate() {
        levels.0.deallocate()
        levels.1.deallocate()
        levels.2.deallocate()
    }

    @inline(__always)
    func insert(_ value: Int) {
        levels.0[value >> 6] |= 1 << UInt64(value & 63)
        levels.1[value >> 12] |= 1 << UInt64(value >> 6 & 63)
        levels.2[value >> 18] |= 1 << UInt64(value >> 12 & 63)
    }

    @inline(__always)
    func remove(_ value: Int) {
        levels.0[value >> 6] &= ~(1 << UInt64(value & 63))
        if levels.0[value >> 6] != 0 { return }
        levels.1[value >> 12] &= ~(1 << UInt64(value >> 6 & 63))
        if levels.1[value >> 12] != 0 { return }
        levels.2[value >> 18] &= ~(1 << UInt64(value >> 12 & 63))
    }

    @inline(__always)
    var least: Int? {
        for top in 0..<topCount where levels.2[top] != 0 {
            let middle = top << 6 | levels.2[top].trailingZeroBitCount
            let bottom = middle << 6 | levels.1[middle].trailingZeroBitCount
            return bottom << 6 | levels.0[bottom].trailingZeroBitCount
        }
        return nil
    }
}
