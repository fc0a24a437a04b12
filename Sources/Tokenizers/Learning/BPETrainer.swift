/// Trains a byte-level byte-pair encoding on a text.
///
/// At first every byte is a token. Then the pair of adjacent tokens that occurs most often is replaced by a new token
/// everywhere, until the vocabulary has the requested size (Sennrich, Haddow and Birch, "Neural machine translation of rare
/// words with subword units", 2016; over bytes as in Radford et al., 2019). Pairs are counted within pre-tokens, so no token
/// joins the end of a word to the beginning of the next.
///
/// The merges are exactly those of a published trainer, which requires two rules:
///
/// - The pair with the highest count is merged next. Ties are common: nearly all of the last merges of a small text are. Of
///   equal counts the pair with the smallest (left id, right id) is chosen, in the numbering of the trainer; in minbpe, the
///   pair that occurs first in the text as merged so far.
/// - Overlapping pairs count (`aaa` contains (a, a) twice), and are merged from left to right without overlap.
///
/// Memory is proportional to the distinct pre-tokens of the text rather than to its length, and time to the number of
/// occurrences that are merged: counts and positions of pairs are updated, not recomputed (`PairIndex`).
public struct BPETrainer: Sendable {
    /// The trainer that determines the numbering of tokens and the choice between equally frequent pairs.
    public enum Convention: String, Sendable, CaseIterable {
        /// Hugging Face's tokenizers: special tokens, then the bytes in the order of GPT-2's visible characters for them
        /// (`!` first), then merged tokens.
        case huggingFace = "hf"
        /// rustbpe, of nanochat: the bytes by their values, then merged tokens, then special tokens.
        case rustbpe
        /// minbpe (its `RegexTokenizer`), with the numbering of rustbpe. It counts pairs in the order of the text, and merges the
        /// first of the most frequent ones.
        case minbpe

        /// Whether special tokens have the last ids, after the merged tokens, rather than the first.
        package var putsSpecialTokensLast: Bool { self != .huggingFace }

        /// Whether the first of equally frequent pairs in the text is merged, rather than the one with the smallest ids.
        package var prefersFirstPair: Bool { self == .minbpe }
    }

    /// A trained vocabulary and its merges.
    public struct Result: Sendable {
        /// The bytes of each token by id; empty for the id of a special token.
        public let tokens: [[UInt8]]
        /// The merges in the order in which they were chosen.
        public let merges: [Merge]
        /// How often the pair of each merge occurred when it was chosen.
        public let counts: [Int]
        /// The special tokens and their ids.
        public let specialTokens: [SpecialToken]

        /// The tokenizer of this vocabulary, for the pattern that the training text was split by.
        /// - Throws: `TokenizerError.vocabulary`, as `BPETokenizer`.
        public func tokenizer(splitBy pattern: SplitPattern) throws(TokenizerError) -> BPETokenizer {
            try BPETokenizer(
                BPEVocabulary(tokens: tokens, merges: merges), pattern: pattern, specialTokens: specialTokens)
        }
    }

    /// The number of tokens at which training stops, including special tokens.
    public let vocabularySize: Int
    /// The trainer whose merges and ids are reproduced.
    public let convention: Convention
    /// Pairs that occur less often are not merged.
    public let minimumFrequency: Int
    /// The texts of the special tokens.
    public let specialTokens: [String]

    /// The maximum of `vocabularySize`.
    public static let greatestVocabulary = BPEVocabulary.greatestIDCount

    /// A trainer with these settings.
    /// - Throws: `TokenizerError.training` if the vocabulary size is too small for the bytes and special tokens or too large, if
    ///   the minimum frequency is negative, or if a special token is empty or occurs twice.
    public init(
        vocabularySize: Int, convention: Convention = .huggingFace, minimumFrequency: Int = 0,
        specialTokens: [String] = []
    ) throws(TokenizerError) {
        let least = 256 + specialTokens.count
        guard (least...Self.greatestVocabulary).contains(vocabularySize) else {
            let special = specialTokens.isEmpty ? "" : " and the \(specialTokens.count) special tokens"
            throw .training(
                "the vocabulary size \(vocabularySize) is not between \(least), the number of bytes\(special), and "
                    + "\(Self.greatestVocabulary)")
        }
        guard minimumFrequency >= 0 else {
            throw .training("the minimum frequency is \(minimumFrequency); it must be 0 or more")
        }
        try checkSpecialTokenNames(specialTokens)
        self.vocabularySize = vocabularySize
        self.convention = convention
        self.minimumFrequency = minimumFrequency
        self.specialTokens = specialTokens
    }

    /// Trains on the pre-tokens of a text.
    ///
    /// The vocabulary is smaller than requested if no pair of the text is frequent enough any more.
    /// - Parameters:
    ///   - pretokens: the counted pre-tokens.
    ///   - progress: called with every merge and the count of its pair; training stops if it returns false.
    /// - Returns: the vocabulary; `nil` if `progress` stopped the training.
    /// - Throws: `TokenizerError.training` if there are too many pre-tokens, or a special token is also a merged token.
    public func train(
        _ pretokens: PretokenCounter, progress: (Merge, _ count: Int) -> Bool = { _, _ in true }
    ) throws(TokenizerError) -> Result? {
        var tokens = alphabet
        var idOfByte = [Int32](repeating: 0, count: 256)
        for (id, token) in tokens.enumerated() where !token.isEmpty { idOfByte[Int(token[0])] = Int32(id) }
        let specialAfterMerges = convention.putsSpecialTokensLast ? specialTokens.count : 0
        let mostMerges = vocabularySize - tokens.count - specialAfterMerges

        var pairs = try PairIndex(
            pretokens, alphabet: tokens.count, prefersFirst: convention.prefersFirstPair
        ) { bytes, units in
            for byte in bytes { units.append(idOfByte[Int(byte)]) }
        }
        var merges: [Merge] = []
        var counts: [Int] = []
        while merges.count < mostMerges, let next = pairs.removeMostFrequent(), next.count >= max(1, minimumFrequency) {
            let merge = Merge(left: next.pair.left, right: next.pair.right, result: Int32(tokens.count))
            pairs.merge(next.pair, into: merge.result)
            tokens.append(tokens[Int(merge.left)] + tokens[Int(merge.right)])
            merges.append(merge)
            counts.append(next.count)
            guard progress(merge, next.count) else { return nil }
        }

        try checkSpecialTokens(against: tokens)
        let firstSpecial = convention.putsSpecialTokensLast ? tokens.count : 0
        let special = specialTokens.enumerated().map { SpecialToken($1, id: Int32(firstSpecial + $0)) }
        return Result(tokens: tokens, merges: merges, counts: counts, specialTokens: special)
    }

    /// The tokens before the first merge; empty for a special token.
    private var alphabet: [[UInt8]] {
        switch convention {
        case .rustbpe, .minbpe: (UInt8.min...UInt8.max).map { [$0] }
        case .huggingFace:
            specialTokens.map { _ in [] }
                + ByteSymbols.bytesBySymbol.map { [$0] }
        }
    }

    /// Throws if a special token has the same text as a trained token: readers of a vocabulary file could not distinguish them.
    private func checkSpecialTokens(against tokens: [[UInt8]]) throws(TokenizerError) {
        guard !specialTokens.isEmpty else { return }
        let names = Set(specialTokens.map { Array($0.utf8) })
        if let token = tokens.first(where: names.contains) {
            throw .training(
                "the special token \(String(decoding: token, as: UTF8.self)) also occurs as a word in the text: "
                    + "choose a name that no text contains")
        }
    }
}

/// Throws if a special token is empty or given twice.
func checkSpecialTokenNames(_ specialTokens: [String]) throws(TokenizerError) {
    for (number, name) in specialTokens.enumerated() {
        if name.isEmpty { throw .training("a special token is empty") }
        if specialTokens[..<number].contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
            throw .training("the special token \(name) is given twice")
        }
    }
}
