/// Learns a vocabulary of byte pairs from a text.
///
/// Every byte is a token at first. The pair of neighbouring tokens that occurs most often becomes a token of its own,
/// everywhere, and so on until there are as many tokens as were asked for (Sennrich, Haddow and Birch, "Neural machine
/// translation of rare words with subword units", 2016; over bytes as in Radford et al., 2019). Pairs lie within a piece:
/// the text was cut before, so that no token joins the end of a word to the beginning of the next.
///
/// The result is that of a published trainer, merge by merge, which takes two rules:
///
/// - The pair with the highest count is next. Ties are common: of the last merges of a small text nearly all are. Of equal
///   counts it is the pair with the smallest (left id, right id) in the numbering of the trainer that is followed; as minbpe
///   has it, the pair that comes first in the text as it is merged so far.
/// - Overlapping pairs count (`aaa` holds (a, a) twice), and are merged from left to right without overlap.
///
/// Memory follows the different pieces of a text rather than its length, and time the number of places where something is
/// merged: pairs, their counts and their places are kept up to date, never counted again (`PairIndex`).
public struct BPETrainer: Sendable {
    /// Whose numbering of tokens is followed, and whose choice between equally frequent pairs.
    public enum Convention: String, Sendable, CaseIterable {
        /// Hugging Face's tokenizers: special tokens, then the bytes in the order of GPT-2's visible characters for them
        /// (`!` first), then merges.
        case huggingFace = "hf"
        /// rustbpe, of nanochat: the bytes by their values, then merges, then special tokens.
        case rustbpe
        /// minbpe (its `RegexTokenizer`): numbered as rustbpe's. It counts pairs piece by piece in the order of the text, and
        /// takes the first of those that occur most often.
        case minbpe

        /// Whether special tokens have the last ids, behind the merges, and not the first.
        package var putsSpecialTokensLast: Bool { self != .huggingFace }

        /// Whether of pairs that occur equally often the one met first is merged, and not that with the smallest ids.
        package var prefersFirstPair: Bool { self == .minbpe }
    }

    /// What was learnt: the tokens by id, and how they came about.
    public struct Result: Sendable {
        /// The bytes of each token; none where the id is a special token's.
        public let tokens: [[UInt8]]
        public let merges: [Merge]
        /// How often each pair occurred when it was chosen.
        public let counts: [Int]
        public let specialTokens: [SpecialToken]

        /// The tokenizer, for texts that are cut as the pieces were.
        public func tokenizer(splitBy pattern: SplitPattern) throws(TokenizerError) -> BPETokenizer {
            try BPETokenizer(
                BPEVocabulary(tokens: tokens, merges: merges), pattern: pattern, specialTokens: specialTokens)
        }
    }

    /// The number of tokens at which to stop, special tokens included.
    public let vocabularySize: Int
    public let convention: Convention
    /// Pairs that occur less often are not merged.
    public let minimumFrequency: Int
    /// Tokens that no text encodes to by itself.
    public let specialTokens: [String]

    /// The largest vocabulary.
    public static let greatestVocabulary = BPEVocabulary.greatestIDCount

    /// - Throws: `TokenizerError.training` where the vocabulary has no room for the bytes, or a special token is no name.
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
        for (number, name) in specialTokens.enumerated() {
            if name.isEmpty { throw .training("a special token is empty") }
            if specialTokens[..<number].contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
                throw .training("the special token \(name) is given twice")
            }
        }
        self.vocabularySize = vocabularySize
        self.convention = convention
        self.minimumFrequency = minimumFrequency
        self.specialTokens = specialTokens
    }

    /// Learns from the pieces of a text.
    ///
    /// Fewer tokens than were asked for come out where the text runs out of pairs that are frequent enough.
    /// - Parameters:
    ///   - pieces: what the text was cut into, counted.
    ///   - progress: told of every merge and how often its pair occurred; returns false to give up.
    /// - Returns: nil if it was given up.
    /// - Throws: `TokenizerError.training` where there are too many pieces, or a special token is also learnt.
    public func train(
        _ pieces: PretokenCounter, progress: (Merge, _ count: Int) -> Bool = { _, _ in true }
    ) throws(TokenizerError) -> Result? {
        var tokens = alphabet
        var idOfByte = [Int32](repeating: 0, count: 256)
        for (id, token) in tokens.enumerated() where !token.isEmpty { idOfByte[Int(token[0])] = Int32(id) }
        let afterMerges = convention.putsSpecialTokensLast ? specialTokens.count : 0
        let mostMerges = vocabularySize - tokens.count - afterMerges

        var pairs = try PairIndex(
            pieces, idOfByte: idOfByte, alphabet: tokens.count, prefersFirst: convention.prefersFirstPair)
        var merges: [Merge] = []
        var counts: [Int] = []
        while merges.count < mostMerges, let next = pairs.mostFrequent(), next.count >= max(1, minimumFrequency) {
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

    /// The tokens before the first merge; without bytes where a special token is.
    private var alphabet: [[UInt8]] {
        switch convention {
        case .rustbpe, .minbpe: (UInt8.min...UInt8.max).map { [$0] }
        case .huggingFace:
            specialTokens.map { _ in [] }
                + ByteSymbols.bytesBySymbol.map { [$0] }
        }
    }

    /// A special token whose letters were also learnt as an ordinary one would be the same word to every reader of the
    /// file.
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
