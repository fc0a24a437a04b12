/// Encodes the pre-tokens of a text: splits the text, looks each pre-token up in the cache, and merges those not found.
///
/// A class, so that calls between its methods pass one pointer.
final class BPEEncoder<Rules: MergeRules>: Sendable {
    let tokens: TokenTable
    let rules: Rules

    /// The pairs of bytes that are adjacent in some token.
    let adjacentBytes: AdjacentByteSet

    /// The id of each byte.
    let byteIDs: [Int32]

    /// Whether a pre-token that is a token gets that token's id, even if its merges would produce other tokens.
    let ignoresMerges: Bool

    init(tokens: TokenTable, rules: Rules, adjacentBytes: AdjacentByteSet, byteIDs: [Int32], ignoresMerges: Bool) {
        self.tokens = tokens
        self.rules = rules
        self.adjacentBytes = adjacentBytes
        self.byteIDs = byteIDs
        self.ignoresMerges = ignoresMerges
    }

    /// Appends the ids of a text without special tokens to `sink`.
    func encode(
        _ bytes: UnsafeBufferPointer<UInt8>, splitBy pattern: SplitPattern, with workspace: EncodingWorkspace,
        into sink: inout IDSink
    ) {
        let text = TextBytes(bytes)
        switch pattern {
        case .gpt2: encode(GPT2Pretokenizer(text), with: workspace, into: &sink)
        case .cl100k, .llama3, .qwen2: encode(CL100KPretokenizer(text, pattern: pattern), with: workspace, into: &sink)
        case .o200k: encode(O200KPretokenizer(text), with: workspace, into: &sink)
        case .whole: encode(WholeTextPretokenizer(text), with: workspace, into: &sink)
        }
    }

    /// The loop in which all time is spent. A cached pre-token costs the search for its end, a hash, and one line of the
    /// cache; up to three ids are copied unconditionally, without a branch on their number.
    @inline(__always)
    private func encode(
        _ pretokenizer: some Pretokenizer, with workspace: EncodingWorkspace, into sink: inout IDSink
    ) {
        let text = pretokenizer.text
        var staged = StagedIDs(workspace)
        var start = 0
        while start < text.count {
            let end = pretokenizer.endOfPretoken(from: start)
            let length = end &- start
            if length <= EncodingWorkspace.greatestCachedLength {
                var key = workspace.key(text.base + start, length, readable: text.count &- start)
                key.high |= UInt64(truncatingIfNeeded: length) << 56
                let slots = workspace.slots(for: key)
                let found = EncodingWorkspace.slot(of: key, among: slots)
                if found.pointee.key == key, found.pointee.count <= 3 {
                    let ids = found.pointee.ids
                    staged.end[0] = ids.0
                    staged.end[1] = ids.1
                    staged.end[2] = ids.2
                    staged.count &+= Int(found.pointee.count)
                } else {
                    staged.count &+= encodeShort(key, length, slots, workspace, isSegment: false, into: staged.end)
                }
            } else if length <= EncodingWorkspace.greatestShortLength {
                workspace.bytes.update(from: text.base + start, count: length)
                staged.count &+= encodeCopied(length, workspace, into: staged.end)
            } else {
                staged.flush(into: &sink)
                encodeLong(text.base + start, length, readable: text.count &- start, workspace, into: &sink)
            }
            staged.flushIfFull(into: &sink)
            start = end
        }
        staged.flush(into: &sink)
    }

    /// Encodes a short pre-token that is not cached, or has more than three ids. Returns the number of ids.
    /// - Parameter isSegment: whether it is a segment of a longer pre-token, and so is merged even if it is a token.
    @inline(never)
    private func encodeShort(
        _ key: ShortKey, _ length: Int, _ slots: UnsafeMutablePointer<CachedPretoken>, _ workspace: EncodingWorkspace,
        isSegment: Bool, into ids: UnsafeMutablePointer<Int32>
    ) -> Int {
        let found = EncodingWorkspace.slot(of: key, among: slots)
        if found.pointee.key == key {
            let count = Int(found.pointee.count)
            ids.update(from: workspace.longerIDs + Int(found.pointee.ids.0), count: count)
            return count
        }
        // The bytes after those of the pre-token are never used.
        let bytes = UnsafeMutableRawPointer(workspace.bytes)
        bytes.storeBytes(of: key.low.littleEndian, as: UInt64.self)
        bytes.storeBytes(of: key.high.littleEndian, toByteOffset: 8, as: UInt64.self)
        let count =
            isSegment ? scanMerge(length, workspace, into: ids) : encodeCopied(length, workspace, into: ids)
        workspace.cache(key, ids, count, in: slots)
        return count
    }

    /// Encodes a pre-token of up to `greatestShortLength` bytes, which was copied to `workspace.bytes`.
    @inline(never)
    private func encodeCopied(
        _ length: Int, _ workspace: EncodingWorkspace, into ids: UnsafeMutablePointer<Int32>
    ) -> Int {
        if ignoresMerges, length <= tokens.greatestLength {
            let id = tokens.id(workspace.bytes, length)
            if id >= 0 {
                ids[0] = id
                return 1
            }
        }
        return scanMerge(length, workspace, into: ids)
    }

    /// Merges the pair with the lowest rank, the leftmost first, until no pair merges. Each step scans all ranks.
    private func scanMerge(
        _ length: Int, _ workspace: EncodingWorkspace, into ids: UnsafeMutablePointer<Int32>
    ) -> Int {
        let bytes = workspace.bytes
        let starts = workspace.starts
        let ranks = workspace.ranks
        rules.byteRanks.withUnsafeBufferPointer { byteRanks in
            for position in 0..<length {
                ids[position] = byteIDs[Int(bytes[position])]
                starts[position] = Int32(truncatingIfNeeded: position)
                ranks[position] = byteRanks[Int(bytes[position]) << 8 | Int(bytes[position &+ 1])]
            }
        }
        starts[length] = Int32(truncatingIfNeeded: length)
        ranks[length &- 1] = noRank

        @inline(__always) func rank(_ part: Int) -> UInt32 {
            let start = Int(starts[part])
            return rules.rank(ids[part], ids[part &+ 1], bytes + start, Int(starts[part &+ 2]) &- start)
        }
        var count = length
        while true {
            var lowest = noRank
            var part = 0
            for candidate in 0..<count where ranks[candidate] < lowest {
                lowest = ranks[candidate]
                part = candidate
            }
            if lowest == noRank { return count }
            count &-= 1
            ids[part] = rules.result(lowest)
            var next = part &+ 1
            while next < count {
                ids[next] = ids[next &+ 1]
                starts[next] = starts[next &+ 1]
                ranks[next] = ranks[next &+ 1]
                next &+= 1
            }
            starts[count] = Int32(truncatingIfNeeded: length)
            ranks[part] = part &+ 1 < count ? rank(part) : noRank
            if part > 0 { ranks[part &- 1] = rank(part &- 1) }
        }
    }

    // MARK: Long pre-tokens

    /// Encodes a long pre-token. Unless it is a token, it is split between any two bytes that are adjacent in no token:
    /// no merge crosses such a boundary, so each segment is merged on its own. A run of emoji, or of a script written
    /// without spaces, splits into its characters, which are looked up like short pre-tokens.
    @inline(never)
    private func encodeLong(
        _ start: UnsafePointer<UInt8>, _ length: Int, readable: Int, _ workspace: EncodingWorkspace,
        into sink: inout IDSink
    ) {
        if ignoresMerges, length <= tokens.greatestLength {
            let id = withPaddedCopy(start, length) { tokens.id($0, length) }
            if id >= 0 { return sink.append(id) }
        }
        var staged = StagedIDs(workspace)
        var position = 0
        while position < length {
            let end = adjacentBytes.endOfSegment(in: start, from: position, length)
            let size = end &- position
            if size <= EncodingWorkspace.greatestCachedLength {
                staged.count &+= encodeSegment(
                    start + position, size, readable: readable &- position, workspace, into: staged.end)
            } else if size <= EncodingWorkspace.greatestShortLength {
                workspace.bytes.update(from: start + position, count: size)
                staged.count &+= scanMerge(size, workspace, into: staged.end)
            } else {
                staged.flush(into: &sink)
                withPaddedCopy(start + position, size) { segment in
                    let merger = workspace.priorityMerger(rankCount: rules.rankCount)
                    merger.merge(
                        segment, size, rules: rules, byteIDs: byteIDs, staging: StagedIDs(workspace), into: &sink)
                }
            }
            staged.flushIfFull(into: &sink)
            position = end
        }
        staged.flush(into: &sink)
    }

    /// Encodes a short segment of a long pre-token. A segment is merged even if it is a token, so its key in the cache
    /// differs from that of a pre-token with the same bytes.
    @inline(__always)
    private func encodeSegment(
        _ start: UnsafePointer<UInt8>, _ length: Int, readable: Int, _ workspace: EncodingWorkspace,
        into ids: UnsafeMutablePointer<Int32>
    ) -> Int {
        var key = workspace.key(start, length, readable: readable)
        key.high |= UInt64(truncatingIfNeeded: length | 0x80) << 56
        let slots = workspace.slots(for: key)
        let found = EncodingWorkspace.slot(of: key, among: slots)
        if found.pointee.key == key, found.pointee.count <= 3 {
            (ids[0], ids[1], ids[2]) = found.pointee.ids
            return Int(found.pointee.count)
        }
        return encodeShort(key, length, slots, workspace, isSegment: true, into: ids)
    }

    /// Calls `body` with a copy of the bytes after which 16 more can be read.
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
