extension BPETokenizer {
    /// The bytes that ids spell, special tokens included if `spellingSpecialTokens`.
    ///
    /// Throws `TokenizerError.unknownID` for a number that is no id.
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

    /// The text that ids spell, special tokens included if `spellingSpecialTokens`. Bytes that are not valid UTF-8
    /// become U+FFFD, as Python's `decode(errors="replace")` has it.
    ///
    /// Throws `TokenizerError.unknownID` for a number that is no id.
    public func text(of ids: some Sequence<Int32>, spellingSpecialTokens: Bool = true) throws(TokenizerError) -> String
    {
        String(decoding: try bytes(of: ids, spellingSpecialTokens: spellingSpecialTokens), as: UTF8.self)
    }

    /// Where each token stands in the text that the ids spell, special tokens included. A token that ends within a
    /// character shares it with the next: their ranges of scalars overlap.
    ///
    /// Throws `TokenizerError.unknownID` for a number that is no id.
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

    /// The ids of a text and where each stands in it; see `encode(_:special:addingSpecialTokens:)`. Where the text is normalized,
    /// what a changed stretch became stands for all of that stretch. The ids of `template` stand nowhere: at the ends.
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
                        var sink = IDSink(keeping: true, bytes: bytes.count)
                        encodeText(bytes, into: &sink)
                        var start = 0
                        for id in sink.ids {
                            let end = start + vocabulary.table.length(id)
                            ranges.append((id, origin.range(start..<end)))
                            start = end
                        }
                    }
                }
                if addingSpecialTokens { ranges += template.after.map { ($0, bytes.count..<bytes.count) } }
                return TokenOffsets.located(ranges, in: bytes)
            }
        }
        return try result.get()
    }
}

/// An id and where its token stands in a text.
public struct TokenOffsets: Sendable, Hashable {
    public let id: Int32

    /// Its bytes in the UTF-8 of the text.
    public let bytes: Range<Int>

    /// The Unicode scalars that these bytes belong to.
    public let scalars: Range<Int>

    /// Finds the scalars of ranges of bytes. A byte that is no part of valid UTF-8 counts as they do where it is
    /// replaced: the scalars are those of `String(decoding:as:)`.
    static func located(
        _ tokens: [(id: Int32, bytes: Range<Int>)], in bytes: UnsafeBufferPointer<UInt8>
    ) -> [TokenOffsets] {
        // Neither the beginnings nor the ends of tokens ever go back, so that two passes over the text find all: though tokens
        // that were made of the same characters share them, however many these are.
        var first = ScalarCursor(bytes)
        var last = ScalarCursor(bytes)
        return tokens.map { token in
            let begin = first.index(at: token.bytes.lowerBound)
            let end = token.bytes.isEmpty ? begin : last.index(at: token.bytes.upperBound - 1) + 1
            return TokenOffsets(id: token.id, bytes: token.bytes, scalars: begin..<end)
        }
    }
}

/// Counts scalars up to places in a text, each not before the last.
private struct ScalarCursor {
    private let text: TextBytes
    /// The scalar with the number `index` begins here, and has so many bytes: 0 before the first and behind the last.
    private var start = 0
    private var index = 0
    private var length = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) { text = TextBytes(bytes) }

    /// The number of the scalar that holds `position`.
    mutating func index(at position: Int) -> Int {
        while start + length <= position, start < text.count {
            if length > 0 {
                start += length
                index += 1
            }
            length = start < text.count ? text.lengthOfReplaceable(at: start) : 0
        }
        return index
    }
}

extension TextBytes {
    /// The length of the scalar at `position`, or of the bytes that one U+FFFD replaces: as much as begins a scalar
    /// (Unicode 16.0, section 3.9.6).
    fileprivate func lengthOfReplaceable(at position: Int) -> Int {
        let length = scalar(at: position).length
        if length > 0 { return length }
        let lead = self[position]
        let second: ClosedRange<UInt8>
        switch lead {
        case 0xE0: second = 0xA0...0xBF
        case 0xED: second = 0x80...0x9F
        case 0xF0: second = 0x90...0xBF
        case 0xF4: second = 0x80...0x8F
        case 0xE1..<0xF4: second = 0x80...0xBF
        default: return 1
        }
        guard position + 1 < count, second.contains(self[position + 1]) else { return 1 }
        guard lead >= 0xF0, position + 2 < count, self[position + 2] & 0xC0 == 0x80 else { return 2 }
        return 3
    }
}
