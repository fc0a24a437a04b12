/// Merges pieces of any length, in time that grows with it and no faster.
///
/// The pairs wait in lists, one for each rank, and each list is in the order of the text; a hierarchy of bits tells the
/// lowest rank that has any. A merge takes up to three pairs out of their lists and puts up to two in. Nearly always a
/// pair belongs at the end of its list; one that does not waits in a heap beside them.
final class PriorityMerger {
    /// A part of the piece, at the place of its first byte.
    private struct Part {
        var id: Int32
        /// Where the next part starts and where the one before does, -1 before the first.
        var next: Int32
        var previous: Int32
        /// The rank of merging this part with the next, and the neighbours in the list of that rank: -1 where there is
        /// none, -2 for a pair in the heap.
        var rank = noRank
        var nextInList: Int32 = -1
        var previousInList: Int32 = -1
    }

    private static let inHeap: Int32 = -2

    /// The first and last pair of each rank, -1 where there is none.
    private let firsts: UnsafeMutablePointer<Int32>
    private let lasts: UnsafeMutablePointer<Int32>
    private var waiting: BitHierarchy
    private var heap = BinaryHeap<UInt64>()

    init(rankCount: Int) {
        firsts = .allocate(capacity: max(1, rankCount))
        firsts.initialize(repeating: -1, count: max(1, rankCount))
        lasts = .allocate(capacity: max(1, rankCount))
        lasts.initialize(repeating: -1, count: max(1, rankCount))
        waiting = BitHierarchy(count: rankCount)
    }

    deinit {
        firsts.deallocate()
        lasts.deallocate()
        waiting.deallocate()
    }

    /// Appends the ids of the `length` bytes at `piece`, behind which 16 more can be read.
    func merge<Rules: MergeRules>(
        _ piece: UnsafePointer<UInt8>, _ length: Int, rules: Rules, byteIDs: [Int32],
        staging staged: UnsafeMutablePointer<Int32>, into sink: inout IDSink
    ) {
        let parts = UnsafeMutablePointer<Part>.allocate(capacity: length)
        defer { parts.deallocate() }
        for position in 0..<length {
            let place = Int32(truncatingIfNeeded: position)
            (parts + position).initialize(
                to: Part(id: byteIDs[Int(piece[position])], next: place &+ 1, previous: place &- 1))
        }
        rules.byteRanks.withUnsafeBufferPointer { byteRanks in
            for position in 0..<length &- 1 {
                enter(position, byteRanks[Int(piece[position]) << 8 | Int(piece[position &+ 1])], parts)
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
                enter(left, rules.rank(parts[left].id, parts[end].id, piece + left, size), parts)
            }
            let before = Int(parts[left].previous)
            if before >= 0 {
                remove(before, parts)
                enter(before, rules.rank(parts[before].id, parts[left].id, piece + before, end &- before), parts)
            }
        }

        var position = 0
        var count = 0
        while position < length {
            staged[count] = parts[position].id
            count += 1
            position = Int(parts[position].next)
            if count == EncodingWorkspace.stagedCount || position == length {
                sink.append(staged, count: count)
                count = 0
            }
        }
    }

    /// Puts the pair at `position` into the list of its rank.
    @inline(__always)
    private func enter(_ position: Int, _ rank: UInt32, _ parts: UnsafeMutablePointer<Part>) {
        if rank == noRank { return }
        let place = Int32(truncatingIfNeeded: position)
        let last = lasts[Int(rank)]
        parts[position].rank = rank
        if last > place {
            parts[position].previousInList = Self.inHeap
            heap.insert(UInt64(rank) << 32 | UInt64(position))
            return
        }
        parts[position].nextInList = -1
        parts[position].previousInList = last
        lasts[Int(rank)] = place
        if last < 0 {
            firsts[Int(rank)] = place
            waiting.insert(Int(rank))
        } else {
            parts[Int(last)].nextInList = place
        }
    }

    /// Takes the pair at `position`, if there is one, out of its list.
    @inline(__always)
    private func remove(_ position: Int, _ parts: UnsafeMutablePointer<Part>) {
        let part = parts[position]
        if part.rank == noRank { return }
        parts[position].rank = noRank
        // In the heap it is found to be gone when its turn comes.
        if part.previousInList == Self.inHeap { return }
        let rank = Int(part.rank)
        if part.previousInList < 0 {
            firsts[rank] = part.nextInList
            if part.nextInList < 0 { waiting.remove(rank) }
        } else {
            parts[Int(part.previousInList)].nextInList = part.nextInList
        }
        if part.nextInList < 0 {
            lasts[rank] = part.previousInList
        } else {
            parts[Int(part.nextInList)].previousInList = part.previousInList
        }
    }

    /// Takes the leftmost pair of the lowest rank out; its rank stays with the part.
    @inline(__always)
    private func removeLowest(_ parts: UnsafeMutablePointer<Part>) -> Int? {
        while let least = heap.least {
            let position = Int(least & 0xFFFF_FFFF)
            let part = parts[position]
            if UInt64(part.rank) == least >> 32, part.previousInList == Self.inHeap { break }
            heap.removeLeast()
        }
        guard let rank = waiting.least else {
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

/// A set of small integers that knows its least: a bit for each, and above each 64 bits one that says whether any is set.
private struct BitHierarchy {
    private let levels: (UnsafeMutablePointer<UInt64>, UnsafeMutablePointer<UInt64>, UnsafeMutablePointer<UInt64>)
    private let topCount: Int

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
