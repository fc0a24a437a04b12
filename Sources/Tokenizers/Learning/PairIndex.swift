/// The pieces of a text while they are merged: which pairs of tokens there are, how often, and where.
///
/// All pieces lie one after another in `symbols`, a boundary before and after each. Every place belongs to at most one pair,
/// that of the token which starts there and the next one; the places of a pair are a doubly linked list through the arrays
/// `following` and `preceding`, so that a place changes its pair in constant time and a list is always exact (the
/// structure of Larsson and Moffat, "Off-line dictionary-based compression", 2000). Lists are in the order of the text: they
/// are made so, and a merge, which goes through its list from the left, appends to others in that order too.
///
/// All places of a pair come to be in one step, that of its newer token; after it they only become fewer. So each pair is put
/// on the heap once, and a count there that is too high is noticed when it comes to the top. A count that is right says that
/// the pair's first place is still where it was, too.
struct PairIndex {
    struct Pair: Equatable {
        var left: Int32
        var right: Int32
    }

    /// A token at its first byte. At the last byte of a longer one, its length as a negative number, by which the token
    /// before a place is found.
    private var symbols: [Int32] = []
    private static let boundary = Int32.min

    /// The places of the same pair to the right and to the left; 0 for none, as the first place is a boundary.
    private var following: [UInt32] = []
    private var preceding: [UInt32] = []

    /// How many bytes each token has.
    private var lengths: [Int32]

    /// Pieces are in the order of their counts. Here is where those of each count begin: a text has few different counts, so
    /// that this takes less memory than a count at each place. Where it matters which pair comes first they are in the order
    /// of the text, and these groups more.
    private var groupStarts: [UInt32] = []
    private var groupCounts: [Int] = []

    /// Whether equally frequent pairs are ordered by their first places, and not by their tokens.
    private let prefersFirst: Bool

    private var table = PairCounts()
    private var heap = BinaryHeap<Candidate>()

    /// A pair on the heap.
    private struct Candidate: Comparable {
        var count: Int
        /// The least of it goes first among equal counts.
        var order: UInt64
        var key: UInt64

        @inline(__always)
        static func < (one: Candidate, other: Candidate) -> Bool {
            one.count != other.count ? one.count > other.count : one.order < other.order
        }
    }

    init(
        _ pieces: PretokenCounter, idOfByte: [Int32], alphabet: Int, prefersFirst: Bool
    ) throws(TokenizerError) {
        self.prefersFirst = prefersFirst
        // The lengths of special tokens are never asked for.
        lengths = [Int32](repeating: 1, count: alphabet)
        let size = pieces.bytes.count + pieces.count + 1
        guard size < Int(Int32.max) else {
            throw .training(
                "the text has \(pieces.count) distinct pre-tokens with \(pieces.bytes.count) bytes in total, more than the "
                    + "maximum of \(Int32.max); give a shorter text")
        }
        symbols.reserveCapacity(size)
        symbols.append(Self.boundary)
        let numbers = Array(pieces.counts.indices)
        for number in prefersFirst ? numbers : numbers.sorted(by: { pieces.counts[$0] > pieces.counts[$1] }) {
            let (bytes, count) = pieces[number]
            if groupCounts.last != count {
                groupStarts.append(UInt32(symbols.count))
                groupCounts.append(count)
            }
            for byte in bytes { symbols.append(idOfByte[Int(byte)]) }
            symbols.append(Self.boundary)
        }
        following = [UInt32](repeating: 0, count: symbols.count)
        preceding = [UInt32](repeating: 0, count: symbols.count)
        for place in symbols.indices.dropLast() where symbols[place] >= 0 && symbols[place + 1] >= 0 {
            append(place, to: Pair(left: symbols[place], right: symbols[place + 1]), count: count(at: place))
        }
        pushNewPairs()
    }

    /// The pair that is next, and how often it occurs; nil if there is none. It is off the heap then.
    mutating func mostFrequent() -> (pair: Pair, count: Int)? {
        while let top = heap.removeLeast() {
            let count = table.count(of: top.key)
            if count == top.count { return (Self.pair(top.key), count) }
            push(top.key, count)
        }
        return nil
    }

    private mutating func push(_ key: UInt64, _ count: Int) {
        guard count > 0 else { return }
        let order = prefersFirst ? UInt64(table.firstPlace(of: key) ?? 0) : key
        heap.insert(Candidate(count: count, order: order, key: key))
    }

    /// Puts `token` in the place of every occurrence of a pair.
    mutating func merge(_ pair: Pair, into token: Int32) {
        let leftLength = Int(lengths[Int(pair.left)]), rightLength = Int(lengths[Int(pair.right)])
        lengths.append(Int32(leftLength + rightLength))
        let key = Self.key(pair)
        while let place = table.firstPlace(of: key) {
            let count = count(at: place)
            let second = place + leftLength
            let end = second + rightLength
            let before = tokenBefore(place)
            let after = symbols[end]

            remove(place, from: pair, count: count)
            // Of (a, a) in aaa this removes the second occurrence, which overlaps the one that is merged.
            if after >= 0 { remove(second, from: Pair(left: pair.right, right: after), count: count) }
            if let before { remove(before, from: Pair(left: symbols[before], right: pair.left), count: count) }

            symbols[place] = token
            symbols[end - 1] = Int32(place - end)
            if let before { append(before, to: Pair(left: symbols[before], right: token), count: count) }
            if after >= 0 { append(place, to: Pair(left: token, right: after), count: count) }
        }
        pushNewPairs()
        if heap.count > 4 * table.liveCount + 1024 { heap.keep { table.count(of: $0.key) > 0 } }
    }

    private mutating func pushNewPairs() {
        for key in table.takeNewKeys() { push(key, table.count(of: key)) }
    }

    // MARK: Places

    /// Where the token before the one at `place` starts; nil at the beginning of a piece.
    @inline(__always)
    private func tokenBefore(_ place: Int) -> Int? {
        let last = symbols[place - 1]
        if last >= 0 { return place - 1 }
        return last == Self.boundary ? nil : place + Int(last)
    }

    /// How often the piece around `place` occurs.
    @inline(__always)
    private func count(at place: Int) -> Int {
        var low = 0, high = groupStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if Int(groupStarts[middle]) <= place { low = middle } else { high = middle }
        }
        return groupCounts[low]
    }

    @inline(__always)
    private mutating func append(_ place: Int, to pair: Pair, count: Int) {
        let last = table.append(UInt32(place), to: Self.key(pair), count: count)
        preceding[place] = last
        following[place] = 0
        if last != 0 { following[Int(last)] = UInt32(place) }
    }

    @inline(__always)
    private mutating func remove(_ place: Int, from pair: Pair, count: Int) {
        let before = preceding[place], after = following[place]
        if before != 0 { following[Int(before)] = after }
        if after != 0 { preceding[Int(after)] = before }
        table.remove(UInt32(place), from: Self.key(pair), count: count, before: before, after: after)
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
