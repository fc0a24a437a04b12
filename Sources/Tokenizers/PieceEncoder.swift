/// Encodes the pieces of texts: cut, look up, and merge what has not been met before.
struct PieceEncoder<Rules: MergeRules>: Sendable {
    let tokens: TokenTable
    let rules: Rules

    /// The id of each byte.
    let byteIDs: [Int32]

    /// Whether a piece that is a token becomes it, even where merging would not make it.
    let findsWholePieces: Bool

    func encode(
        _ bytes: UnsafeBufferPointer<UInt8>, cutBy pattern: SplitPattern, with memory: EncoderMemory,
        into sink: inout IDSink
    ) {
        let text = TextBytes(bytes)
        switch pattern {
        case .gpt2: encode(GPT2Scanner(text), with: memory, into: &sink)
        case .cl100k, .llama3, .qwen2: encode(CL100KScanner(text, pattern: pattern), with: memory, into: &sink)
        case .o200k: encode(O200KScanner(text), with: memory, into: &sink)
        case .whole: encode(WholeScanner(text), with: memory, into: &sink)
        }
    }

    /// The loop that all time is spent in. A piece met before costs finding its end, a hash, and one line of the cache;
    /// its ids, up to three, are copied without asking how many they are.
    @inline(__always)
    private func encode(_ scanner: some PieceScanner, with memory: EncoderMemory, into sink: inout IDSink) {
        let text = scanner.text
        let cache = memory.cache
        let staged = memory.staged
        var stagedCount = 0
        var start = 0
        while start < text.count {
            let end = scanner.endOfPiece(from: start)
            let length = end &- start
            if length <= EncoderMemory.greatestCachedLength {
                var key: ShortKey
                if start &+ 16 <= text.count {
                    key = ShortKey(text.base + start, length)
                } else {
                    memory.piece.update(from: text.base + start, count: length)
                    key = ShortKey(memory.piece, length)
                }
                key.high |= UInt64(truncatingIfNeeded: length) << 56
                let place = Int(truncatingIfNeeded: mixed(key.low, key.high) >> UInt64(64 - EncoderMemory.cacheBits))
                let found = cache + place
                if found.pointee.key == key, found.pointee.count <= 3 {
                    let ids = found.pointee.ids
                    staged[stagedCount] = ids.0
                    staged[stagedCount &+ 1] = ids.1
                    staged[stagedCount &+ 2] = ids.2
                    stagedCount &+= Int(found.pointee.count)
                } else {
                    stagedCount &+= encodeShort(key, length, place, memory, into: staged + stagedCount)
                }
            } else if length <= EncoderMemory.greatestShortLength {
                memory.piece.update(from: text.base + start, count: length)
                stagedCount &+= encodeCopied(length, memory, into: staged + stagedCount)
            } else {
                sink.append(staged, count: stagedCount)
                stagedCount = 0
                encodeLong(text.base + start, length, memory, into: &sink)
            }
            if stagedCount >= EncoderMemory.stagedCount {
                sink.append(staged, count: stagedCount)
                stagedCount = 0
            }
            start = end
        }
        sink.append(staged, count: stagedCount)
    }

    /// A short piece that is not in the cache, or has many ids there. Answers with the number of ids.
    @inline(never)
    private func encodeShort(
        _ key: ShortKey, _ length: Int, _ place: Int, _ memory: EncoderMemory, into ids: UnsafeMutablePointer<Int32>
    ) -> Int {
        let found = memory.cache[place]
        if found.key == key {
            let count = Int(found.count)
            ids.update(from: memory.longerIDs + Int(found.ids.0), count: count)
            return count
        }
        // The bytes behind those of the piece matter to no one.
        let piece = UnsafeMutableRawPointer(memory.piece)
        piece.storeBytes(of: key.low.littleEndian, as: UInt64.self)
        piece.storeBytes(of: key.high.littleEndian, toByteOffset: 8, as: UInt64.self)
        let count = encodeCopied(length, memory, into: ids)
        memory.remember(key, ids, count, in: place)
        return count
    }

    /// The piece of up to `greatestShortLength` bytes that was copied to `memory.piece`.
    @inline(never)
    private func encodeCopied(
        _ length: Int, _ memory: EncoderMemory, into ids: UnsafeMutablePointer<Int32>
    ) -> Int {
        if findsWholePieces, length <= tokens.greatestLength {
            let id = tokens.id(memory.piece, length)
            if id >= 0 {
                ids[0] = id
                return 1
            }
        }
        return mergeShort(length, memory, into: ids)
    }

    /// Merges the pair with the lowest rank, the leftmost first, until none is left.
    private func mergeShort(
        _ length: Int, _ memory: EncoderMemory, into ids: UnsafeMutablePointer<Int32>
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

    @inline(never)
    private func encodeLong(
        _ start: UnsafePointer<UInt8>, _ length: Int, _ memory: EncoderMemory, into sink: inout IDSink
    ) {
        let piece = UnsafeMutablePointer<UInt8>.allocate(capacity: length + TokenTable.padding)
        defer { piece.deallocate() }
        piece.initialize(from: start, count: length)
        (piece + length).initialize(repeating: 0, count: TokenTable.padding)
        if findsWholePieces, length <= tokens.greatestLength {
            let id = tokens.id(piece, length)
            if id >= 0 { return sink.append(id) }
        }
        let merger = memory.longPieceMerger(rankCount: rules.rankCount)
        merger.merge(piece, length, rules: rules, byteIDs: byteIDs, staging: memory.staged, into: &sink)
    }
}
