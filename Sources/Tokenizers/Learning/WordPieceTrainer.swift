/// Trains a WordPiece vocabulary on a text, as Hugging Face's `WordPieceTrainer` does.
///
/// At first every character is two tokens: one for the beginning of a word, and one with the prefix `##` for the rest. Then the
/// pair of adjacent tokens that occurs most often in the words becomes a new token, as in a byte-pair encoding (`BPETrainer`),
/// until the vocabulary has the requested size. The words are those that the tokenizer splits a normalized text into.
///
/// The ids are those of the special tokens, of all characters by code point, of the characters with the prefix by code point,
/// and of the merged tokens in their order. Of equally frequent pairs the one with the smallest ids is merged. Hugging Face's
/// trainer numbers the characters with the prefix at random, anew in each process, and therefore breaks some ties at random;
/// everything else is the same.
public struct WordPieceTrainer: Sendable {
    /// A trained vocabulary.
    public struct Result: Sendable {
        /// The tokens by id.
        public let tokens: [String]
        /// The number of tokens that were merged from others.
        public let mergeCount: Int
        /// How often the pair of the last merge occurred; `nil` without merges.
        public let lastCount: Int?
        /// The normalization of the texts.
        public let normalization: BertNormalization

        /// The tokenizer of this vocabulary, with the special tokens and the template of BERT.
        /// - Throws: `TokenizerError.vocabulary`, as `WordPieceTokenizer`.
        public func tokenizer() throws(TokenizerError) -> WordPieceTokenizer {
            let names = WordPieceTrainer.specialTokens
            return try WordPieceTokenizer(
                WordPieceVocabulary(tokens: tokens), normalization: normalization,
                specialTokens: names.enumerated().map { SpecialToken($1, id: Int32($0)) },
                template: .bert(classification: 2, separator: 3))
        }
    }

    /// The tokens with the first ids.
    public static let specialTokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

    /// The number of tokens at which training stops, including special tokens.
    public let vocabularySize: Int
    /// Pairs that occur less often are not merged.
    public let minimumFrequency: Int
    /// How texts are normalized.
    public let normalization: BertNormalization

    private static let prefix = "##"

    /// A trainer with these settings.
    /// - Throws: `TokenizerError.training` if the vocabulary size is too small for the special tokens or too large, or if the
    ///   minimum frequency is negative.
    public init(
        vocabularySize: Int, minimumFrequency: Int = 0, normalization: BertNormalization = BertNormalization()
    ) throws(TokenizerError) {
        guard Self.sizes.contains(vocabularySize) else {
            throw .training(
                "the vocabulary size \(vocabularySize) is not between \(Self.sizes.lowerBound) and \(Self.sizes.upperBound)"
            )
        }
        guard minimumFrequency >= 0 else {
            throw .training("the minimum frequency is \(minimumFrequency); it must be 0 or more")
        }
        self.vocabularySize = vocabularySize
        self.minimumFrequency = minimumFrequency
        self.normalization = normalization
    }

    /// The valid sizes of a vocabulary. How many tokens a text needs at least depends on its characters.
    public static let sizes = specialTokens.count + 1...BPEVocabulary.greatestIDCount

    /// Trains on the words of a text.
    ///
    /// The vocabulary is smaller than requested if no pair of the text is frequent enough any more.
    /// - Parameters:
    ///   - words: the counted words (`PretokenCounter.add(wordsOf:normalization:)`).
    ///   - progress: called with every new token and the count of its pair; training stops if it returns false.
    /// - Returns: the vocabulary; `nil` if `progress` stopped the training.
    /// - Throws: `TokenizerError.training` if there are too many words, or more characters than tokens.
    public func train(
        _ words: PretokenCounter, progress: (_ id: Int32, _ count: Int) -> Bool = { _, _ in true }
    ) throws(TokenizerError) -> Result? {
        let alphabet = Alphabet(words, firstID: Self.specialTokens.count)
        var tokens = Self.specialTokens + alphabet.tokens(prefix: Self.prefix)
        guard tokens.count <= vocabularySize else {
            throw .training(
                "the vocabulary size \(vocabularySize) is below \(tokens.count), which the special tokens and the characters of the "
                    + "text need")
        }
        var pairs = try PairIndex(words, alphabet: tokens.count, prefersFirst: false) { word, units in
            word.withUnsafeBufferPointer { alphabet.append(TextBytes($0), to: &units) }
        }
        let first = tokens.count
        var lastCount: Int?
        while tokens.count < vocabularySize, let next = pairs.removeMostFrequent(),
            next.count >= max(1, minimumFrequency)
        {
            let id = Int32(tokens.count)
            pairs.merge(next.pair, into: id)
            // The right part always continues a word.
            tokens.append(
                tokens[Int(next.pair.left)]
                    + String(tokens[Int(next.pair.right)].unicodeScalars.dropFirst(Self.prefix.count)))
            lastCount = next.count
            guard progress(id, next.count) else { return nil }
        }
        return Result(
            tokens: tokens, mergeCount: tokens.count - first, lastCount: lastCount, normalization: normalization)
    }
}

/// The characters of words, and the ids of their tokens.
private struct Alphabet {
    /// The characters by code point, and those of them that occur within words.
    private var characters: [UInt32] = []
    private var continuing: [UInt32] = []
    private var ids: [UInt32: Int32] = [:]
    private var continuingIDs: [UInt32: Int32] = [:]

    init(_ words: PretokenCounter, firstID: Int) {
        var occurring = Set<UInt32>(), within = Set<UInt32>()
        for number in 0..<words.count {
            words[number].bytes.withUnsafeBufferPointer { bytes in
                TextBytes(bytes).forEachScalar { point, isFirst in
                    occurring.insert(point)
                    if !isFirst { within.insert(point) }
                }
            }
        }
        characters = occurring.sorted()
        continuing = within.sorted()
        for (index, point) in characters.enumerated() { ids[point] = Int32(firstID + index) }
        for (index, point) in continuing.enumerated() {
            continuingIDs[point] = Int32(firstID + characters.count + index)
        }
    }

    /// The tokens in the order of their ids.
    func tokens(prefix: String) -> [String] {
        func spelled(_ point: UInt32) -> String { Unicode.Scalar(point).map { String($0) } ?? "" }
        return characters.map(spelled) + continuing.map { prefix + spelled($0) }
    }

    /// Appends the ids of the characters of a word.
    func append(_ word: TextBytes, to units: inout [Int32]) {
        word.forEachScalar { point, isFirst in
            if let id = isFirst ? ids[point] : continuingIDs[point] { units.append(id) }
        }
    }
}

extension TextBytes {
    /// Calls `body` with each code point, and whether it is the first.
    fileprivate func forEachScalar(_ body: (_ point: UInt32, _ isFirst: Bool) -> Void) {
        var position = 0
        while position < count {
            let (point, length) = scalar(at: position)
            if length > 0 { body(point, position == 0) }
            position += max(1, length)
        }
    }
}

extension PretokenCounter {
    /// Counts the words and punctuation that WordPiece splits a text into.
    public mutating func add(wordsOf text: String, normalization: BertNormalization) {
        var text = text
        text.withUTF8 { bytes in
            var splitter = WordSplitter(normalization)
            splitter.forEachWord(of: bytes) { add($0) }
        }
    }
}
