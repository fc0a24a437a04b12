extension WordPieceTokenizer {
    /// The ids of a text. Every text can be encoded, so `unknown` is never used.
    public func encode(
        _ text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool, replacing unknown: Unicode.Scalar?
    ) throws -> [Int32] {
        try sink(of: text, special: special, addingSpecialTokens: addingSpecialTokens, keeping: true).ids
    }

    /// The number of ids of a text. They are not stored, so the memory needed does not depend on the length of the text.
    public func count(_ text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool) throws -> Int {
        try sink(of: text, special: special, addingSpecialTokens: addingSpecialTokens, keeping: false).count
    }

    public func encodeOrdinary(
        _ text: String, replacing unknown: Unicode.Scalar?, concurrently loop: ParallelLoop?
    ) throws -> [Int32] {
        guard let loop else { return try encode(text, special: .plainText) }
        return try encodeOrdinary(text, partLength: 1 << 20, concurrently: loop)
    }

    /// The ids of a text in which special tokens are plain text. Its parts are encoded concurrently; it is split at white
    /// space, so the ids are those of the whole text for any number of threads.
    ///
    /// - Parameters:
    ///   - text: any text.
    ///   - partLength: the approximate number of bytes of a part. A text that cannot be split is one part.
    ///   - loop: calls the encoding of each part.
    package func encodeOrdinary(_ text: String, partLength: Int, concurrently loop: ParallelLoop) throws -> [Int32] {
        try encodeInParts(of: text, partLength: partLength, concurrently: loop, partEnd: partEnd) { bytes in
            var sink = IDSink(keeping: true, bytes: bytes.count)
            self.append(bytes, to: &sink)
            return sink.ids
        }
    }

    public func splitPoint(in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        // A special token that contains white space could be split in two. White space that belongs to one has no ids.
        let couldSplit = specialTokens.contains { token in
            token.text.unicodeScalars.contains {
                BertCharacters.shared.properties($0.value).contains(.whitespace)
            }
        }
        return couldSplit ? nil : partEnd(in: bytes)
    }

    public func ordinarySplitPoint(in bytes: UnsafeBufferPointer<UInt8>) -> Int? { partEnd(in: bytes) }

    /// Where a text that begins with `bytes` can be split if it contains no special tokens. Byte pairs are split there as well,
    /// so that a text can be counted with several tokenizers at once.
    private func partEnd(in bytes: UnsafeBufferPointer<UInt8>) -> Int? { SplitPattern.gpt2.splitPoint(in: bytes) }

    private func sink(
        of text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool, keeping: Bool
    ) throws(TokenizerError) -> IDSink {
        var text = text
        let result = text.withUTF8 { bytes in
            Result { () throws(TokenizerError) in
                var sink = IDSink(keeping: keeping, bytes: bytes.count)
                if addingSpecialTokens { for id in template.before { sink.append(id) } }
                try append(bytes, special: special, to: &sink)
                if addingSpecialTokens { for id in template.after { sink.append(id) } }
                return sink
            }
        }
        return try result.get()
    }

    /// Appends the ids of a text to `sink`.
    private func append(
        _ bytes: UnsafeBufferPointer<UInt8>, special: SpecialTokenPolicy, to sink: inout IDSink
    ) throws(TokenizerError) {
        try matchers.raw.split(bytes, special) { stretch throws(TokenizerError) in
            switch stretch {
            case .token(let token, _): sink.append(token.id)
            case .text(let range):
                let text = UnsafeBufferPointer(rebasing: bytes[range])
                if matchers.normalized.isEmpty || special == .plainText {
                    append(text, to: &sink)
                } else {
                    try appendNormalized(text, special: special, at: range.lowerBound, to: &sink)
                }
            }
        }
    }

    /// Appends the ids of a text without special tokens that are found before normalization.
    /// - Parameter start: where it begins, for errors.
    private func appendNormalized(
        _ text: UnsafeBufferPointer<UInt8>, special: SpecialTokenPolicy, at start: Int, to sink: inout IDSink
    ) throws(TokenizerError) {
        let normalized = (normalization ?? .none).normalized(text)
        let result = normalized.withUnsafeBufferPointer { bytes in
            Result { () throws(TokenizerError) in
                var result = IDSink(keeping: true, bytes: bytes.count)
                try matchers.normalized.split(bytes, special) { stretch throws(TokenizerError) in
                    switch stretch {
                    case .token(let token, _): result.append(token.id)
                    // Normalizing again changes nothing but the number of spaces.
                    case .text(let range): append(UnsafeBufferPointer(rebasing: bytes[range]), to: &result)
                    }
                }
                return result.ids
            }
        }
        do {
            for id in try result.get() { sink.append(id) }
        } catch .specialToken(let token, let position) {
            // Approximate: normalization may have removed or added bytes before it.
            throw .specialToken(token, position: start + min(position, text.count))
        }
    }

    /// Appends the ids of a text in which special tokens are plain text.
    private func append(_ bytes: UnsafeBufferPointer<UInt8>, to sink: inout IDSink) {
        if bytes.isEmpty { return }
        workspaces.withWorkspace { workspace in
            WordPieceEncoder(self, workspace).append(bytes, to: &sink)
        }
    }
}
