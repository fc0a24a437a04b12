extension BPETokenizer {
    /// The bytes of ids, including special tokens that are control tokens if `spellingSpecialTokens`.
    /// - Throws: `TokenizerError.unknownID` for a number that is not an id.
    public func bytes(of ids: some Sequence<Int32>, spellingSpecialTokens: Bool = true) throws(TokenizerError)
        -> [UInt8]
    {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 * ids.underestimatedCount)
        for id in ids {
            if let special = specialToken(id) {
                if spellingSpecialTokens || !special.isControl { bytes += special.text.utf8 }
                continue
            }
            let token = vocabulary.table.token(id)
            guard !token.isEmpty else { throw .unknownID(id, vocabularySize: vocabularySize) }
            bytes += token
        }
        return bytes
    }

    /// The text of ids, including special tokens that are control tokens if `spellingSpecialTokens`. Bytes that are not
    /// valid UTF-8 become U+FFFD, as in Python's `decode(errors="replace")`.
    /// - Throws: `TokenizerError.unknownID` for a number that is not an id.
    public func text(of ids: some Sequence<Int32>, spellingSpecialTokens: Bool = true) throws(TokenizerError) -> String
    {
        String(decoding: try bytes(of: ids, spellingSpecialTokens: spellingSpecialTokens), as: UTF8.self)
    }

    /// The positions of each token in the decoded text, which includes special tokens. If a token ends within a character,
    /// the next one begins within it: their ranges of scalars overlap.
    /// - Throws: `TokenizerError.unknownID` for a number that is not an id.
    public func offsets(of ids: some Sequence<Int32>) throws(TokenizerError) -> [TokenOffsets] {
        var ranges: [(id: Int32, bytes: Range<Int>)] = []
        var bytes: [UInt8] = []
        for id in ids {
            let start = bytes.count
            bytes += try self.bytes(of: CollectionOfOne(id))
            ranges.append((id, start..<bytes.count))
        }
        return bytes.withUnsafeBufferPointer { TokenOffsets.located(ranges, in: $0) }
    }

    /// The ids of a text and the position of each in it; see `encode(_:special:addingSpecialTokens:)`. If normalization changed
    /// a segment of the text, each token in it has the positions of the whole segment. A token that consists of an added space
    /// (`prefixSpace`) has the positions of the character after it. The ids of `template` have empty ranges at the start and
    /// the end.
    public func encodeWithOffsets(_ text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool = false)
        throws(TokenizerError) -> [TokenOffsets]
    {
        var text = text
        let result = text.withUTF8 { bytes in
            Result { () throws(TokenizerError) in
                var ranges: [(id: Int32, bytes: Range<Int>)] = []
                if addingSpecialTokens { ranges += template.before.map { ($0, 0..<0) } }
                try forEachSegment(of: bytes, special: special) { segment in
                    switch segment {
                    case .special(let token, let range): ranges.append((token.id, range))
                    case .text(let bytes, let origin):
                        forEachPart(of: bytes) { part in
                            var sink = IDSink(keeping: true, bytes: part.range.count)
                            encode(part, into: &sink)
                            let first = part.range.lowerBound
                            var start = part.isPrefixed ? first - 1 : first
                            for id in sink.ids {
                                let end = start + vocabulary.table.length(id)
                                let isAdded = end == first
                                let upper = isAdded ? first + TextBytes(bytes).character(at: first).length : end
                                ranges.append((id, origin.range(max(start, first)..<upper)))
                                start = end
                            }
                        }
                    }
                }
                if addingSpecialTokens { ranges += template.after.map { ($0, bytes.count..<bytes.count) } }
                return TokenOffsets.located(ranges, in: bytes)
            }
        }
        return try result.get()
    }

    /// A token as it is spelled in the vocabulary of a `tokenizer.json`: its bytes as visible characters, such as `Ġthe`.
    public func symbols(of id: Int32) -> String {
        specialToken(id)?.text ?? ByteSymbols.symbols(of: vocabulary.bytes(of: id))
    }
}
