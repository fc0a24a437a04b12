/// Encodes texts without special tokens: normalizes and splits them, looks words up in a cache, and cuts those not found into
/// tokens.
///
/// Nearly all words are ASCII letters between white space and punctuation. They are found eight bytes at a time, become lower
/// case in two registers, and are looked up. Any other word goes through arrays of code points (`BertNormalization.append`),
/// unless it is in the cache as it was written.
final class WordPieceEncoder {
    /// What a byte is.
    enum ByteKind: UInt8 {
        /// Part of a word, as it is or in lower case.
        case word
        case whitespace, punctuation
        /// A control character, or not ASCII: normalization decides.
        case other
    }

    /// The kinds of all bytes.
    static func byteKinds(cleaning: Bool) -> [ByteKind] {
        (0..<256).map { (byte: UInt32) in
            if byte >= 0x80 { return .other }
            let properties = BertCharacters.shared.properties(byte)
            if cleaning, properties.contains(.removed) { return .other }
            if properties.contains(.whitespace) { return .whitespace }
            return properties.contains(.punctuation) ? .punctuation : .word
        }
    }

    private let vocabulary: WordPieceVocabulary
    private let lowercases: Bool
    private let unknownID: Int32
    private let greatestWordLength: Int
    private let kinds: [ByteKind]
    private let workspace: EncodingWorkspace

    /// The ids of the word that was last cut.
    private var pieces: [Int32] = []
    private var splitter: WordSplitter
    /// A word, after which `TokenTable.padding` bytes can be read.
    private var word: [UInt8] = []

    init(_ tokenizer: WordPieceTokenizer, _ workspace: EncodingWorkspace) {
        vocabulary = tokenizer.vocabulary
        let normalization = tokenizer.normalization ?? .none
        lowercases = normalization.lowercases
        splitter = WordSplitter(normalization)
        unknownID = tokenizer.unknownToken.id
        greatestWordLength = tokenizer.greatestWordLength
        kinds = tokenizer.byteKinds
        self.workspace = workspace
    }

    /// Appends the ids of a text to `sink`.
    func append(_ bytes: UnsafeBufferPointer<UInt8>, to sink: inout IDSink) {
        let text = TextBytes(bytes)
        var staged = StagedIDs(workspace)
        kinds.withUnsafeBufferPointer { kinds in
            var position = 0
            while position < text.count {
                let start = position
                position = endOfWord(in: text, from: start, kinds)
                if position < text.count, kinds[Int(text[position])] == .other {
                    while position < text.count {
                        let kind = kinds[Int(text[position])]
                        if kind == .whitespace || kind == .punctuation { break }
                        position &+= 1
                    }
                    append(text, start..<position, isASCII: false, &staged, &sink)
                } else if position > start {
                    append(text, start..<position, isASCII: true, &staged, &sink)
                }
                if position < text.count {
                    if kinds[Int(text[position])] == .punctuation {
                        append(text, position..<position &+ 1, isASCII: true, &staged, &sink)
                    }
                    position &+= 1
                }
            }
        }
        staged.flush(into: &sink)
    }

    @inline(__always)
    private func endOfWord(in text: TextBytes, from start: Int, _ kinds: UnsafeBufferPointer<ByteKind>) -> Int {
        var position = start
        while position &+ 8 <= text.count {
            let others = othersThanLetters(text.word(at: position))
            if others == 0 {
                position &+= 8
                continue
            }
            position &+= others.trailingZeroBitCount >> 3
            if kinds[Int(text[position])] != .word { return position }
            position &+= 1
        }
        while position < text.count, kinds[Int(text[position])] == .word { position &+= 1 }
        return position
    }

    /// Appends the ids of a part of the text without ASCII white space, and of no more than one word if it is ASCII.
    @inline(__always)
    private func append(
        _ text: TextBytes, _ range: Range<Int>, isASCII: Bool, _ staged: inout StagedIDs, _ sink: inout IDSink
    ) {
        let length = range.count
        guard length <= EncodingWorkspace.greatestCachedLength else {
            cut(text, range, isASCII: isASCII)
            return emit(&staged, &sink)
        }
        var key = workspace.key(text.base + range.lowerBound, length, readable: text.count &- range.lowerBound)
        if isASCII, lowercases {
            key.low = lowercased(key.low)
            key.high = lowercased(key.high)
        }
        // The highest bit distinguishes text that is not normalized.
        key.high |= UInt64(truncatingIfNeeded: length | (isASCII ? 0 : 0x80)) << 56
        let slots = workspace.slots(for: key)
        let found = EncodingWorkspace.slot(of: key, among: slots)
        if found.pointee.key == key, found.pointee.count <= 3 {
            let ids = found.pointee.ids
            staged.end[0] = ids.0
            staged.end[1] = ids.1
            staged.end[2] = ids.2
            staged.count &+= Int(found.pointee.count)
            staged.flushIfFull(into: &sink)
        } else if found.pointee.key == key {
            let count = Int(found.pointee.count)
            staged.end.update(from: workspace.longerIDs + Int(found.pointee.ids.0), count: count)
            staged.count &+= count
            staged.flushIfFull(into: &sink)
        } else {
            cut(text, range, isASCII: isASCII)
            pieces.withUnsafeBufferPointer { pieces in
                // Nothing is left of a text of control characters.
                if let start = pieces.baseAddress, 1...EncodingWorkspace.greatestShortLength ~= pieces.count {
                    workspace.cache(key, start, pieces.count, in: slots)
                }
            }
            emit(&staged, &sink)
        }
    }

    /// Appends the ids of the last cut.
    private func emit(_ staged: inout StagedIDs, _ sink: inout IDSink) {
        staged.flush(into: &sink)
        pieces.withUnsafeBufferPointer { pieces in
            if let start = pieces.baseAddress { sink.append(start, count: pieces.count) }
        }
    }

    // MARK: Words that are not cached

    /// Sets `pieces` to the ids of a part of the text.
    @inline(never)
    private func cut(_ text: TextBytes, _ range: Range<Int>, isASCII: Bool) {
        pieces.removeAll(keepingCapacity: true)
        guard isASCII else {
            return splitter.forEachWord(of: text, range) { word, characters in
                if characters > greatestWordLength { pieces.append(unknownID) } else { cut(&word) }
            }
        }
        guard range.count <= greatestWordLength else { return pieces.append(unknownID) }
        word.removeAll(keepingCapacity: true)
        for position in range {
            let byte = text[position]
            word.append(lowercases && (0x41...0x5A).contains(byte) ? byte | 0x20 : byte)
        }
        cut(&word)
    }

    /// Appends the ids of a word to `pieces`: of the longest token that it begins with, then of the longest piece that its rest
    /// begins with, and so on. If there is none somewhere, the whole word is unknown.
    private func cut(_ word: inout [UInt8]) {
        let length = word.count
        let before = pieces.count
        for _ in 0..<TokenTable.padding { word.append(0) }
        let isCut = word.withUnsafeBufferPointer { word in
            guard let base = word.baseAddress else { return false }
            var start = 0
            while start < length {
                let table = start == 0 ? vocabulary.table : vocabulary.continuing
                var end = min(length, start + table.greatestLength)
                var id: Int32 = -1
                while end > start {
                    // Only whole characters; after the word there are zeros.
                    if word[end] & 0xC0 != 0x80 {
                        id = table.id(base + start, end - start)
                        if id >= 0 { break }
                    }
                    end -= 1
                }
                if id < 0 { return false }
                pieces.append(id)
                start = end
            }
            return true
        }
        if !isCut {
            pieces.removeSubrange(before...)
            pieces.append(unknownID)
        }
    }
}

/// Eight ASCII bytes in lower case.
@inline(__always)
private func lowercased(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let fromA = word &+ ones &* (0x80 - 0x41)
    let beyondZ = word &+ ones &* (0x80 - 0x5B)
    return word | (fromA & ~beyondZ & ones &* 0x80) >> 2
}
