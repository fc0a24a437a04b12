/// The pre-tokens of a text while they are merged: the pairs of adjacent tokens, their counts and their positions.
///
/// `symbols` contains all pre-tokens in a row, with a boundary before and after each. Every position belongs to at most one
/// pair, of the token that starts there and the next one. The positions of a pair are a doubly linked list through the arrays
/// `next` and `previous`, so a position moves to another pair in constant time and a list is always exact (the data structure of
/// Larsson and Moffat, "Off-line dictionary-based compression", 2000). Lists are in the order of the text: they are built so,
/// and a merge, which follows its list from left to right, appends to others in that order.
///
/// All positions of a pair are added in one step, the merge that creates its newer token; after that they are only removed. So
/// each pair is pushed on the heap once, and a count there that has become too high is corrected when it reaches the top. If
/// the count is still right, so is the first position.
struct PairIndex {
    struct Pair: Equatable {
        var left: Int32
        var right: Int32
    }

    /// The id of a token at the position of its first unit, which is a byte or, for WordPiece, a character. At the last unit of a
    /// token of several units, its negative length, with which the token before a position is found.
    private var symbols: [Int32] = []
    private static let boundary = Int32.min

    /// The next and the previous position of the same pair; 0 for none, because position 0 is a boundary.
    private var next: [UInt32] = []
    private var previous: [UInt32] = []

    /// The number of units of each token.
    private var lengths: [Int32]

    /// Pre-tokens are sorted by their counts, in groups of equal counts: where each group begins, and its count. A text has few
    /// distinct counts, so this takes less memory than a count for each position. With `prefersFirst` pre-tokens are in the
    /// order of the text, and there are more groups.
    private var groupStarts: [UInt32] = []
    private var groupCounts: [Int] = []

    /// Whether equally frequent pairs are ordered by their first positions, rather than by their tokens.
    private let prefersFirst: Bool

    private var table = PairCounts()
    private var heap = BinaryHeap<Candidate>()

    /// A pair on the heap.
    private struct Candidate: Comparable {
        var count: Int
        /// The order among equal counts, the least first.
        var order: UInt64
        var key: UInt64

        @inline(__always)
        static func < (one: Candidate, other: Candidate) -> Bool {
            one.count != other.count ? one.count > other.count : one.order < other.order
        }
    }

    /// - Parameters:
    ///   - pretokens: the counted pre-tokens.
    ///   - alphabet: the number of ids before the first merge.
    ///   - prefersFirst: whether equally frequent pairs are ordered by their first positions.
    ///   - appendUnits: appends the ids of the units of a pre-token, at most one for each byte.
    init(
        _ pretokens: PretokenCounter, alphabet: Int, prefersFirst: Bool,
        appendUnits: (ArraySlice<UInt8>, inout [Int32]) -> Void
    ) throws(TokenizerError) {
        self.prefersFirst = prefersFirst
        // The lengths of special tokens are never used.
        lengths = [Int32](repeating: 1, count: alphabet)
        let size = pretokens.bytes.count + pretokens.count + 1
        guard size < Int(Int32.max) else {
            throw .training(
                "the text has \(pretokens.count) distinct pre-tokens with \(pretokens.bytes.count) bytes in total, more than the "
                    + "maximum of \(Int32.max); give a shorter text")
        }
        symbols.reserveCapacity(size)
        symbols.append(Self.boundary)
        let numbers = Array(pretokens.counts.indices)
        for number in prefersFirst ? numbers : numbers.sorted(by: { pretokens.counts[$0] > pretokens.counts[$1] }) {
            let (bytes, count) = pretokens[number]
            if groupCounts.last != count {
                groupStarts.append(UInt32(symbols.count))
                groupCounts.append(count)
            }
            appendUnits(bytes, &symbols)
            symbols.append(Self.boundary)
        }
        next = [UInt32](repeating: 0, count: symbols.count)
        previous = [UInt32](repeating: 0, count: symbols.count)
        for position in symbols.indices.dropLast() where symbols[position] >= 0 && symbols[position + 1] >= 0 {
            append(
                position, to: Pair(left: symbols[position], right: symbols[position + 1]), count: count(at: position))
        }
        pushNewPairs()
    }

    /// Removes the most frequent pair from the heap. Returns it and its count; `nil` if there is none.
    mutating func removeMostFrequent() -> (pair: Pair, count: Int)? {
        while let top = heap.removeLeast() {
            let count = table.count(of: top.key)
            if count == top.count { return (Self.pair(top.key), count) }
            push(top.key, count)
        }
        return nil
    }

    private mutating func push(_ key: UInt64, _ count: Int) {
        guard count > 0 else { return }
        let order = prefersFirst ? UInt64(table.firstPosition(of: key) ?? 0) : key
        heap.insert(Candidate(count: count, order: order, key: key))
    }

    /// Replaces every occurrence of a pair by `token`.
    mutating func merge(_ pair: Pair, into token: Int32) {
        let leftLength = Int(lengths[Int(pair.left)]), rightLength = Int(lengths[Int(pair.right)])
        lengths.append(Int32(leftLength + rightLength))
        let key = Self.key(pair)
        while let position = table.firstPosition(of: key) {
            let count = count(at: position)
            let second = position + leftLength
            let end = second + rightLength
            let before = tokenBefore(position)
            let after = symbols[end]

            remove(position, from: pair, count: count)
            // Of (a, a) in aaa this removes the second occurrence, which overlaps the one that is merged.
            if after >= 0 { remove(second, from: Pair(left: pair.right, right: after), count: count) }
            if let before { remove(before, from: Pair(left: symbols[before], right: pair.left), count: count) }

            symbols[position] = token
            symbols[end - 1] = Int32(position - end)
            if let before { append(before, to: Pair(left: symbols[before], right: token), count: count) }
            if after >= 0 { append(position, to: Pair(left: token, right: after), count: count) }
        }
        pushNewPairs()
        if heap.count > 4 * table.liveCount + 1024 { heap.keep { table.count(of: $0.key) > 0 } }
    }

    private mutating func pushNewPairs() {
        for key in table.takeNewKeys() { push(key, table.count(of: key)) }
    }

    // MARK: Positions

    /// The start of the token before the one at `position`; `nil` at the beginning of a pre-token.
    @inline(__always)
    private func tokenBefore(_ position: Int) -> Int? {
        let last = symbols[position - 1]
        if last >= 0 { return position - 1 }
        return last == Self.boundary ? nil : position + Int(last)
    }

    /// How often the pre-token that contains `position` occurs.
    @inline(__always)
    private func count(at position: Int) -> Int {
        var low = 0, high = groupStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if Int(groupStarts[middle]) <= position { low = middle } else { high = middle }
        }
        return groupCounts[low]
    }

    @inline(__always)
    private mutating func append(_ position: Int, to pair: Pair, count: Int) {
        let last = table.append(UInt32(position), to: Self.key(pair), count: count)
        previous[position] = last
        next[position] = 0
        if last != 0 { next[Int(last)] = UInt32(position) }
    }

    @inline(__always)
    private mutating func remove(_ position: Int, from pair: Pair, count: Int) {
        let before = previous[position], after = next[position]
        if before != 0 { next[Int(before)] = after }
        if after != 0 { previous[Int(after)] = before }
        table.remove(UInt32(position), from: Self.key(pair), count: count, before: before, after: after)
    }

    // MARK: Keys

    /// A pair as one number; keys compare as (left, right) do.
    @inline(__always)
    private static func key(_ pair: Pair) -> UInt64 {
        UInt64(UInt32(bitPattern: pair.left)) << 32 | UInt64(UInt32(bitPattern: pair.right))
    }

    private static func pair(_ key: UInt64) -> Pair {
        Pair(left: Int32(truncatingIfNeeded: key >> 32), right: Int32(truncatingIfNeeded: key))
    }
}
