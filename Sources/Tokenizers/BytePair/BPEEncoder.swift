/// Encodes the pieces of texts: cut, look up, and merge what has not been met before.
///
/// A class, so that the calls between its parts hand on one pointer.
final class BPEEncoder<Rules: MergeRules>: Sendable {
    let tokens: TokenTable
    let rules: Rules

    /// Which bytes stand side by side in some token.
    let neighbours: AdjacentByteSet

    /// The id of each byte.
    let byteIDs: [Int32]

    /// Whether a piece that is a token becomes it, even where merging would not make it.
    let ignoresMerges: Bool

    init(tokens: TokenTable, rules: Rules, neighbours: AdjacentByteSet, byteIDs: [Int32], ignoresMerges: Bool) {
        self.tokens = tokens
        self.rules = rules
        self.neighbours = neighbours
        self.byteIDs = byteIDs
        self.ignoresMerges = ignoresMerges
    }

    func encode(
        _ bytes: UnsafeBufferPointer<UInt8>, splitBy pattern: SplitPattern, with memory: EncodingWorkspace,
        into sink: inout IDSink
    ) {
        let text = TextBytes(bytes)
        switch pattern {
        case .gpt2: encode(GPT2Pretokenizer(text), with: memory, into: &sink)
        case .cl100k, .llama3, .qwen2: encode(CL100KPretokenizer(text, pattern: pattern), with: memory, into: &sink)
        case .o200k: encode(O200KPretokenizer(text), with: memory, into: &sink)
        case .whole: encode(WholeTextPretokenizer(text), with: memory, into: &sink)
        }
    }

    /// The loop that all time is spent in. A piece met before costs finding its end, a hash, and one line of the cache;
    /// its ids, up to three, are copied without asking how many they are.
    @inline(__always)
    private func encode(_ scanner: some Pretokenizer, with memory: EncodingWorkspace, into sink: inout IDSink) {
        let text = scanner.text
        let staged = memory.staged
        var stagedCount = 0
        var start = 0
        while start < text.count {
            let end = scanner.endOfPretoken(from: start)
            let length = end &- start
            if length <= EncodingWorkspace.greatestCachedLength {
                var key: ShortKey
                if start &+ 16 <= text.count {
                    key = ShortKey(text.base + start, length)
                } else {
                    memory.piece.update(from: text.base + start, count: length)
                    key = ShortKey(memory.piece, length)
                }
                key.high |= UInt64(truncatingIfNeeded: length) << 56
                let places = memory.places(of: key)
                let found = EncodingWorkspace.place(of: key, among: places)
                if found.pointee.key == key, found.pointee.count <= 3 {
                    let ids = found.pointee.ids
                    staged[stagedCount] = ids.0
                    staged[stagedCount &+ 1] = ids.1
                    staged[stagedCount &+ 2] = ids.2
                    stagedCount &+= Int(found.pointee.count)
                } else {
                    stagedCount &+= encodeShort(
                        key, length, places, memory, isStretch: false, into: staged + stagedCount)
                }
            } else if length <= EncodingWorkspace.greatestShortLength {
                memory.piece.update(from: text.base + start, count: length)
                stagedCount &+= encodeCopied(length, memory, into: staged + stagedCount)
            } else {
                sink.append(staged, count: stagedCount)
                stagedCount = 0
                encodeLong(text.base + start, length, readable: text.count &- start, memory, into: &sink)
            }
            if stagedCount >= EncodingWorkspace.stagedCount {
                sink.append(staged, count: stagedCount)
                stagedCount = 0
            }
            start = end
        }
        sink.append(staged, count: stagedCount)
    }

    /// A short piece that is not in the cache, or has many ids there. Answers with the number of ids.
    /// - Parameter isStretch: whether it is part of a longer piece, and so merged even if it is a token.
    @inline(never)
    private func encodeShort(
        _ key: ShortKey, _ length: Int, _ places: UnsafeMutablePointer<CachedPretoken>, _ memory: EncodingWorkspace,
        isStretch: Bool, into ids: UnsafeMutablePointer<Int32>
    ) -> Int {
        let found = EncodingWorkspace.place(of: key, among: places)
        if found.pointee.key == key {
            let count = Int(found.pointee.count)
            ids.update(from: memory.longerIDs + Int(found.pointee.ids.0), count: count)
            return count
        }
        // The bytes behind those of the piece matter to no one.
        let piece = UnsafeMutableRawPointer(memory.piece)
        piece.storeBytes(of: key.low.littleEndian, as: UInt64.self)
        piece.storeBytes(of: key.high.littleEndian, toByteOffset: 8, as: UInt64.self)
        let count =
            isStretch ? scanMerge(length, memory, into: ids) : encodeCopied(length, memory, into: ids)
        memory.remember(key, ids, count, in: places)
        return count
    }

    /// The piece of up to `greatestShortLength` bytes that was copied to `memory.piece`.
    @inline(never)
    private func encodeCopied(
        _ length: Int, _ memory: EncodingWorkspace, into ids: UnsafeMutablePointer<Int32>
    ) -> Int {
        if ignoresMerges, length <= tokens.greatestLength {
            let id = tokens.id(memory.piece, length)
            if id >= 0 {
                ids[0] = id
                return 1
            }
        }
        return scanMerge(length, memory, into: ids)
    }

    /// Merges the pair with the lowest rank, the leftmost first, until none is left.
    private func scanMerge(
        _ length: Int, _ memory: EncodingWorkspace, into ids: UnsafeMutablePointer<Int32>
    ) -> Int {
        let piece = memory.piece
        let starts = memory.starts
        let ranks = memory.ranks
        rules.byteRanks.withUnsafeBufferPointer { byteRanks in
            for position in 0..<length {
                ids[position] = byteIDs[Int(piece[position])]
                starts[position] = Int32(truncatingIfNeeded: position)
                ranks[position] = byteRanks[Int(piece[position]) << 8 | Int(piece[position &+ 1])]
            }
        }
        starts[length] = Int32(truncatingIfNeeded: length)
        ranks[length &- 1] = noRank

        @inline(__always) func rank(_ part: Int) -> UInt32 {
            let start = Int(starts[part])
            return rules.rank(ids[part], ids[part &+ 1], piece + start, Int(starts[part &+ 2]) &- start)
        }
        var count = length
        while true {
            var best = noRank
            var part = 0
            for candidate in 0..<count where ranks[candidate] < best {
                best = ranks[candidate]
                part = candidate
            }
            if best == noRank { return count }
            count &-= 1
            ids[part] = rules.result(best)
            var later = part &+ 1
            while later < count {
                ids[later] = ids[later &+ 1]
                starts[later] = starts[later &+ 1]
                ranks[later] = ranks[later &+ 1]
                later &+= 1
            }
            starts[count] = Int32(truncatingIfNeeded: length)
            ranks[part] = part &+ 1 < count ? rank(part) : noRank
            if part > 0 { ranks[part &- 1] = rank(part &- 1) }
        }
    }

    // MARK: Long pieces

    /// A piece that is no token is merged stretch by stretch, cut wherever no token has the two bytes side by side: no merge
    /// reaches over such a place, so that what happens on one side of it is nothing to the other. A run of emoji or of some
    /// script that is written without spaces falls apart into its characters, which are looked up like short pieces.
    @inline(never)
    private func encodeLong(
        _ start: UnsafePointer<UInt8>, _ length: Int, readable: Int, _ memory: EncodingWorkspace,
        into sink: inout IDSink
    ) {
        if ignoresMerges, length <= tokens.greatestLength {
            let id = withPaddedCopy(start, length) { tokens.id($0, length) }
            if id >= 0 { return sink.append(id) }
        }
        let staged = memory.staged
        var stagedCount = 0
        var begin = 0
        while begin < length {
            let end = neighbours.endOfSegment(in: start, from: begin, length)
            let size = end &- begin
            if size <= EncodingWorkspace.greatestCachedLength {
                stagedCount &+= encodeSegment(
                    start + begin, size, readable: readable &- begin, memory, into: staged + stagedCount)
            } else if size <= EncodingWorkspace.greatestShortLength {
                memory.piece.update(from: start + begin, count: size)
                stagedCount &+= scanMerge(size, memory, into: staged + stagedCount)
            } else {
                sink.append(staged, count: stagedCount)
                stagedCount = 0
                withPaddedCopy(start + begin, size) { piece in
                    let merger = memory.priorityMerger(rankCount: rules.rankCount)
                    merger.merge(piece, size, rules: rules, byteIDs: byteIDs, staging: staged, into: &sink)
                }
            }
            if stagedCount >= EncodingWorkspace.stagedCount {
                sink.append(staged, count: stagedCount)
                stagedCount = 0
            }
            begin = end
        }
        sink.append(staged, count: stagedCount)
    }

    /// A stretch of a piece, which is merged even where it is a token: in the cache it is another key than the piece that is
    /// spelled the same.
    @inline(__always)
    private func encodeSegment(
        _ start: UnsafePointer<UInt8>, _ length: Int, readable: Int, _ memory: EncodingWorkspace,
        into ids: UnsafeMutablePointer<Int32>
    ) -> Int {
        var key: ShortKey
        if readable >= 16 {
            key = ShortKey(start, length)
        } else {
            memory.piece.update(from: start, count: length)
            key = ShortKey(memory.piece, length)
        }
        key.high |= UInt64(truncatingIfNeeded: length | 0x80) << 56
        let places = memory.places(of: key)
        let found = EncodingWorkspace.place(of: key, among: places)
        if found.pointee.key == key, found.pointee.count <= 3 {
            (ids[0], ids[1], ids[2]) = found.pointee.ids
            return Int(found.pointee.count)
        }
        return encodeShort(key, length, places, memory, isStretch: true, into: ids)
    }

    /// Calls `body` with a copy of bytes behind which 16 more can be read.
    private func withPaddedCopy<Result>(
        _ start: UnsafePointer<UInt8>, _ length: Int, _ body: (UnsafePointer<UInt8>) -> Result
    ) -> Result {
        let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: length + TokenTable.padding)
        defer { copy.deallocate() }
        copy.initialize(from: start, count: length)
        (copy + length).initialize(repeating: 0, count: TokenTable.padding)
        return body(copy)
    }
}
