extension BPETokenizer {
    /// The ids of a text.
    ///
    /// - Parameters:
    ///   - text: any text; its UTF-8 is encoded.
    ///   - special: how special tokens that occur in the text are encoded.
    ///   - addingSpecialTokens: whether the ids of `template` are added before and after, as Hugging Face's `encode` does.
    /// - Throws: `TokenizerError.specialToken` if the text contains one that is refused, `tooLong` from 2 GiB on.
    public func encode(_ text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool = false)
        throws(TokenizerError)
        -> [Int32]
    {
        try withUTF8(of: text) { bytes throws(TokenizerError) in
            try encode(bytes, special: special, addingSpecialTokens: addingSpecialTokens, keeping: true)
        }.ids
    }

    /// The ids of any bytes: those that are not valid UTF-8 are split like punctuation. Decoding returns the same bytes.
    public func encode(bytes: [UInt8], special: SpecialTokenPolicy) throws(TokenizerError) -> [Int32] {
        let result = bytes.withUnsafeBufferPointer { bytes in
            Result { () throws(TokenizerError) in
                try encode(bytes, special: special, addingSpecialTokens: false, keeping: true).ids
            }
        }
        return try result.get()
    }

    /// The ids of bytes in memory, such as a part of a mapped file.
    package func encode(bytes: UnsafeBufferPointer<UInt8>, special: SpecialTokenPolicy) throws(TokenizerError)
        -> [Int32]
    {
        try encode(bytes, special: special, addingSpecialTokens: false, keeping: true).ids
    }

    /// The number of ids of a text. They are not stored, so the memory needed does not depend on the length of the text.
    public func count(_ text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool) throws(TokenizerError)
        -> Int
    {
        try withUTF8(of: text) { bytes throws(TokenizerError) in
            try encode(bytes, special: special, addingSpecialTokens: addingSpecialTokens, keeping: false)
        }.count
    }

    private func withUTF8(
        of text: String, _ body: (UnsafeBufferPointer<UInt8>) throws(TokenizerError) -> IDSink
    ) throws(TokenizerError) -> IDSink {
        var text = text
        let result = text.withUTF8 { bytes in
            Result { () throws(TokenizerError) in try body(bytes) }
        }
        return try result.get()
    }

    private func encode(
        _ bytes: UnsafeBufferPointer<UInt8>, special: SpecialTokenPolicy, addingSpecialTokens: Bool, keeping: Bool
    ) throws(TokenizerError) -> IDSink {
        var sink = IDSink(keeping: keeping, bytes: bytes.count)
        if addingSpecialTokens { for id in template.before { sink.append(id) } }
        try forEachSegment(of: bytes, special: special) { segment in
            switch segment {
            case .special(let token, _): sink.append(token.id)
            case .text(let bytes, _): encodeText(bytes, into: &sink)
            }
        }
        if addingSpecialTokens { for id in template.after { sink.append(id) } }
        return sink
    }

    /// Appends the ids of a normalized text without special tokens to `sink`.
    func encodeText(_ bytes: UnsafeBufferPointer<UInt8>, into sink: inout IDSink) {
        if prefixSpace == .none { return encode(bytes, splitBy: pattern, into: &sink) }
        forEachPart(of: bytes) { encode($0, into: &sink) }
    }

    private func encode(
        _ bytes: UnsafeBufferPointer<UInt8>, splitBy pattern: SplitPattern, into sink: inout IDSink
    ) {
        withWorkspace { workspace in
            switch vocabulary.rules {
            case .ranks(let rules): encoder(rules).encode(bytes, splitBy: pattern, with: workspace, into: &sink)
            case .mergeList(let rules, _): encoder(rules).encode(bytes, splitBy: pattern, with: workspace, into: &sink)
            }
        }
    }

    private func encoder<Rules>(_ rules: Rules) -> BPEEncoder<Rules> {
        BPEEncoder(
            tokens: vocabulary.table, rules: rules, adjacentBytes: vocabulary.adjacentBytes,
            byteIDs: vocabulary.byteIDs,
            ignoresMerges: ignoresMerges)
    }

    // MARK: Prefix spaces

    /// A part of a text that a space may be put before.
    struct Part {
        /// Its bytes in the text.
        let range: Range<Int>
        /// Whether a space is put before it.
        let isPrefixed: Bool
        fileprivate let bytes: UnsafeBufferPointer<UInt8>
    }

    /// Calls `body` with the parts of a normalized text without special tokens that `prefixSpace` concerns, in order.
    func forEachPart(of bytes: UnsafeBufferPointer<UInt8>, _ body: (Part) -> Void) {
        func call(_ range: Range<Int>) {
            let isPrefixed = prefixSpace != .none && bytes[range.lowerBound] != UInt8(ascii: " ")
            body(Part(range: range, isPrefixed: isPrefixed, bytes: UnsafeBufferPointer(rebasing: bytes[range])))
        }
        if prefixSpace == .pretokens { return pattern.forEachPretoken(of: bytes, call) }
        if !bytes.isEmpty { call(0..<bytes.count) }
    }

    /// Appends the ids of a part to `sink`.
    func encode(_ part: Part, into sink: inout IDSink) {
        let pattern = prefixSpace == .pretokens ? .whole : pattern
        guard part.isPrefixed else { return encode(part.bytes, splitBy: pattern, into: &sink) }
        let prefixed = [UInt8(ascii: " ")] + part.bytes
        prefixed.withUnsafeBufferPointer { encode($0, splitBy: pattern, into: &sink) }
    }

    // MARK: Special tokens

    /// A segment of a text: a special token, or the text between two.
    enum Segment {
        /// A token, and its bytes in the original text.
        case special(SpecialToken, Range<Int>)
        /// Normalized bytes, and their origin in the original text.
        case text(UnsafeBufferPointer<UInt8>, origin: NormalizedText.Origin)
    }

    /// Calls `body` with each segment of `bytes`, in order.
    func forEachSegment(
        of bytes: UnsafeBufferPointer<UInt8>, special: SpecialTokenPolicy, _ body: (Segment) -> Void
    ) throws(TokenizerError) {
        guard bytes.count < Int(Int32.max) else { throw .tooLong }
        try matchers.raw.split(bytes, special) { part throws(TokenizerError) in
            switch part {
            case .token(let token, let range): body(.special(token, range))
            case .text(let range):
                let between = UnsafeBufferPointer(rebasing: bytes[range])
                guard normalization == .nfc, let composed = NormalizedText(nfc: between) else {
                    try forEachSegment(ofNormalized: between, .same(offset: range.lowerBound), special, body)
                    return
                }
                let result = composed.bytes.withUnsafeBufferPointer { bytes in
                    Result { () throws(TokenizerError) in
                        try forEachSegment(
                            ofNormalized: bytes, .changed(composed, offset: range.lowerBound), special, body)
                    }
                }
                try result.get()
            }
        }
    }

    private func forEachSegment(
        ofNormalized bytes: UnsafeBufferPointer<UInt8>, _ origin: NormalizedText.Origin,
        _ special: SpecialTokenPolicy, _ body: (Segment) -> Void
    ) throws(TokenizerError) {
        if matchers.normalized.isEmpty { return body(.text(bytes, origin: origin)) }
        try matchers.normalized.split(bytes, special) { part throws(TokenizerError) in
            switch part {
            case .token(let token, let range): body(.special(token, origin.range(range)))
            case .text(let range):
                body(.text(UnsafeBufferPointer(rebasing: bytes[range]), origin: origin.advanced(by: range.lowerBound)))
            }
        }
    }
}
