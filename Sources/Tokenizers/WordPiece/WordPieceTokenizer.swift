/// WordPiece, the tokenizer of BERT: a text is normalized and split into words and punctuation, and each word into the longest
/// tokens from its beginning on. For every text the ids are those of Hugging Face's tokenizers with the same vocabulary.
///
/// The normalization may lose case, accents and white space, so decoding gives a readable text, but not the one that was
/// encoded. A word with a character that no token has is encoded as the token for unknown words.
///
/// A tokenizer can be used by several threads at once.
public final class WordPieceTokenizer: Tokenizer {
    /// The tokens.
    public let vocabulary: WordPieceVocabulary

    /// What happens to a text before it is split; `nil` for nothing.
    public let normalization: BertNormalization?

    /// How pieces become a text; `nil` if they are joined with spaces as they are spelled.
    public let decoding: WordPieceDecoding?

    /// The token for words that cannot be split into tokens, usually `[UNK]`, and its id.
    public let unknownToken: (text: String, id: Int32)

    /// Words with more characters are unknown (`max_input_chars_per_word`).
    public let greatestWordLength: Int

    /// The tokens that are found in a text before it is normalized and split, in the order of their ids.
    public let specialTokens: [SpecialToken]

    /// The ids around texts that are encoded with `addingSpecialTokens`.
    public let template: TokenTemplate

    private let specialTokensByID: [Int32: SpecialToken]

    /// The special tokens that are searched for before normalization, and after it.
    let matchers: (raw: SpecialTokenMatcher, normalized: SpecialTokenMatcher)

    /// What each byte of a text is to the encoder, if it is ASCII.
    let byteKinds: [WordPieceEncoder.ByteKind]

    let workspaces = WorkspaceStore()

    /// A tokenizer with these parts.
    /// - Parameters:
    ///   - vocabulary: the tokens.
    ///   - normalization: what happens to a text before it is split; `nil` for nothing.
    ///   - unknownToken: the token for words that cannot be split into tokens.
    ///   - greatestWordLength: words with more characters are unknown.
    ///   - specialTokens: the tokens that are found in a text before it is normalized and split, in any order.
    ///   - template: the ids around texts that are encoded with `addingSpecialTokens`.
    ///   - decoding: how pieces become a text; `nil` if they are joined with spaces as they are spelled.
    /// - Throws: `TokenizerError.vocabulary` if the token for unknown words is not in the vocabulary, or if a special token
    ///   contradicts the vocabulary or another special token.
    public init(
        _ vocabulary: WordPieceVocabulary, normalization: BertNormalization? = BertNormalization(),
        unknownToken: String = "[UNK]", greatestWordLength: Int = 100, specialTokens: [SpecialToken] = [],
        template: TokenTemplate = TokenTemplate(), decoding: WordPieceDecoding? = WordPieceDecoding()
    ) throws(TokenizerError) {
        guard let unknownID = vocabulary.id(of: unknownToken) else {
            throw .vocabulary("the token for unknown words, \(quoted(unknownToken)), is not in the vocabulary")
        }
        self.vocabulary = vocabulary
        self.normalization = normalization
        self.unknownToken = (unknownToken, unknownID)
        self.greatestWordLength = greatestWordLength
        self.specialTokens = specialTokens.sorted { $0.id < $1.id }
        self.template = template
        self.decoding = decoding
        specialTokensByID = try Self.specialTokensByID(specialTokens, vocabulary)
        matchers = try Self.matchers(specialTokens, normalization ?? .none)
        byteKinds = WordPieceEncoder.byteKinds(cleaning: normalization?.cleansText ?? false)
        vocabularySize = max(vocabulary.idCount, Int(self.specialTokens.last?.id ?? -1) + 1)
        endOfText =
            [endOfTextSpelling, "[SEP]"].lazy.compactMap { spelling in
                specialTokens.first { $0.text.utf8.elementsEqual(spelling.utf8) }?.id
            }.first
    }

    private static func specialTokensByID(
        _ tokens: [SpecialToken], _ vocabulary: WordPieceVocabulary
    ) throws(TokenizerError) -> [Int32: SpecialToken] {
        var byID: [Int32: SpecialToken] = [:]
        for token in tokens {
            guard token.id >= 0, token.id < BPEVocabulary.greatestIDCount else {
                throw .vocabulary("the special token \(quoted(token.text)) has the invalid id \(token.id)")
            }
            if let bytes = vocabulary.bytes(of: token.id), !bytes.elementsEqual(token.text.utf8) {
                throw .vocabulary(
                    "the special token \(quoted(token.text)) has the id \(token.id), which is that of another token")
            }
            guard byID.updateValue(token, forKey: token.id) == nil else {
                throw .vocabulary("two special tokens have the id \(token.id)")
            }
        }
        return byID
    }

    /// Tokens that are searched for after normalization are searched for in their normalized form.
    private static func matchers(
        _ tokens: [SpecialToken], _ normalization: BertNormalization
    ) throws(TokenizerError) -> (SpecialTokenMatcher, SpecialTokenMatcher) {
        let normalized = tokens.filter(\.isNormalized)
        var spellings: [[UInt8]] = []
        for token in normalized {
            let spelling = Array(token.text.utf8).withUnsafeBufferPointer { normalization.normalized($0) }
            guard !spelling.isEmpty else {
                throw .vocabulary("normalization leaves nothing of the added token \(quoted(token.text))")
            }
            if let same = spellings.firstIndex(of: spelling) {
                throw .vocabulary(
                    "the added tokens \(quoted(normalized[same].text)) and \(quoted(token.text)) are the same after normalization"
                )
            }
            spellings.append(spelling)
        }
        return (
            try SpecialTokenMatcher(tokens.filter { !$0.isNormalized }),
            try SpecialTokenMatcher(normalized, spellings: spellings)
        )
    }

    // MARK: Tokenizer

    public var kind: String { "WordPiece" }

    public let vocabularySize: Int

    /// The id of `<|endoftext|>`; if there is none, that of `[SEP]`, which separates texts for BERT.
    public let endOfText: Int32?

    public var form: TokenizerForm { .wordPiece(self) }

    /// The bytes of an id as they follow those of another: with the space before a word. Empty for a control token, and for a
    /// number that is not an id.
    public func bytes(of id: Int32) -> [UInt8] {
        decodedBytes(of: id, isFirst: false, spellingSpecialTokens: false) ?? []
    }

    public func decodedBytes(of id: Int32, isFirst: Bool, spellingSpecialTokens: Bool) -> [UInt8]? {
        guard let decoding = decoding ?? (isFirst ? .asSpelled : nil) else {
            return decodedBytes(of: id, isFirst: true, spellingSpecialTokens: spellingSpecialTokens).map { [0x20] + $0 }
        }
        if let special = specialTokensByID[id] {
            if special.isControl, !spellingSpecialTokens { return nil }
            let text = Array(special.text.utf8)
            guard special.isNormalized else { return decoding.bytes(of: text, isFirst: isFirst) }
            // Hugging Face's tokenizers decode such a token to what is searched for.
            let normalized = text.withUnsafeBufferPointer { (normalization ?? .none).normalized($0) }
            return decoding.bytes(of: normalized, isFirst: isFirst)
        }
        return vocabulary.bytes(of: id).map { decoding.bytes(of: $0, isFirst: isFirst) }
    }

    public func specialToken(_ id: Int32) -> SpecialToken? { specialTokensByID[id] }

    public func firstSpecialToken(in text: String) -> SpecialToken? {
        if let token = matchers.raw.firstToken(in: text) { return token }
        if matchers.normalized.isEmpty { return nil }
        var text = text
        let normalized = text.withUTF8 { (normalization ?? .none).normalized($0) }
        return matchers.normalized.firstToken(in: String(decoding: normalized, as: UTF8.self))
    }

    /// The ids without a token: gaps in the numbering of a vocabulary.
    public var unassignedIDs: [Int32] {
        (0..<Int32(vocabularySize)).filter { vocabulary.bytes(of: $0) == nil && specialTokensByID[$0] == nil }
    }
}

extension WordPieceDecoding {
    /// The decoding of a first piece where there is none.
    fileprivate static let asSpelled = WordPieceDecoding(cleansUp: false)
}
