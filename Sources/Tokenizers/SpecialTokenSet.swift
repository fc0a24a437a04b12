/// The special tokens that a kind of model needs in its vocabulary, and the template of its texts.
public struct SpecialTokenSet: Sendable {
    /// The tokens as they are spelled, in the order in which they are added.
    public let texts: [String]

    /// The template, made of the ids of the tokens in the order of `texts`.
    private let makeTemplate: @Sendable ([Int32]) -> TokenTemplate

    /// - Parameters:
    ///   - texts: the tokens, all different.
    ///   - template: the template for the ids of the tokens, which come in the order of `texts`.
    public init(_ texts: [String], template: @escaping @Sendable ([Int32]) -> TokenTemplate) {
        self.texts = texts
        makeTemplate = template
    }

    func template(_ ids: [Int32]) -> TokenTemplate { makeTemplate(ids) }

    /// BERT's: `[PAD]`, `[CLS]`, `[SEP]` and `[MASK]`, with the template `[CLS] A [SEP]`, and `[CLS] A [SEP] B [SEP]` for a pair.
    public static let bert = SpecialTokenSet(["[PAD]", "[CLS]", "[SEP]", "[MASK]"]) {
        .bert(classification: $0[1], separator: $0[2])
    }

    /// Marian's: `<pad>`, which also begins a target, and `</s>`, with the template `A </s>`.
    public static let marian = SpecialTokenSet(["<pad>", "</s>"]) { TokenTemplate(after: [$0[1]]) }
}

extension Tokenizer {
    /// A tokenizer with the same ordinary tokens, with the special tokens of a set at the end of its vocabulary, and with the
    /// template of the set. A token that the vocabulary already has keeps its id.
    ///
    /// A byte vocabulary becomes byte pairs without merges, with the same ids.
    /// - Throws: `TokenizerError.vocabulary` if a token of the set cannot be added, such as a character of an alphabet;
    ///   `TokenizerError.unrepresentable` for a tokenizer of another module.
    public func adding(_ set: SpecialTokenSet) throws(TokenizerError) -> any Tokenizer {
        switch form {
        case .characters(let tokenizer):
            let (tokens, ids) = tokenizer.specialTokens(adding: set) { _ in nil }
            return try CharacterTokenizer(
                distinct: tokenizer.alphabet, specialTokens: tokens, template: set.template(ids))
        case .bytes(let tokenizer): return try tokenizer.bytePairs().adding(set)
        case .bytePairs(let tokenizer):
            let (tokens, ids) = tokenizer.specialTokens(adding: set) { tokenizer.vocabulary.id(of: $0.utf8) }
            return try BPETokenizer(
                tokenizer.vocabulary, pattern: tokenizer.pattern, specialTokens: tokens,
                name: tokens == tokenizer.specialTokens ? tokenizer.name : nil,
                normalization: tokenizer.normalization, template: set.template(ids),
                ignoresMerges: tokenizer.ignoresMerges, prefixSpace: tokenizer.prefixSpace,
                unknownToken: tokenizer.unknownToken)
        case .wordPiece(let tokenizer):
            let (tokens, ids) = tokenizer.specialTokens(adding: set) { tokenizer.vocabulary.id(of: $0) }
            return try WordPieceTokenizer(
                tokenizer.vocabulary, normalization: tokenizer.normalization,
                unknownToken: tokenizer.unknownToken.text, greatestWordLength: tokenizer.greatestWordLength,
                specialTokens: tokens, template: set.template(ids), decoding: tokenizer.decoding)
        case .other:
            throw .unrepresentable("special tokens cannot be added to a tokenizer of \(kind)")
        }
    }

    /// The special tokens with those of a set, and the ids of those.
    /// - Parameter id: the id of an ordinary token that is spelled so.
    private func specialTokens(
        adding set: SpecialTokenSet, ordinary id: (String) -> Int32?
    ) -> (tokens: [SpecialToken], ids: [Int32]) {
        var tokens = specialTokens, next = Int32(vocabularySize)
        let ids = set.texts.map { text in
            if let known = tokens.first(where: { $0.text.utf8.elementsEqual(text.utf8) }) { return known.id }
            let known = id(text)
            tokens.append(SpecialToken(text, id: known ?? next))
            if known == nil { next += 1 }
            return known ?? next - 1
        }
        return (tokens, ids)
    }
}

extension ByteTokenizer {
    /// The same tokens as a byte-pair encoding without merges.
    fileprivate func bytePairs() throws(TokenizerError) -> BPETokenizer {
        try BPETokenizer(
            BPEVocabulary(tokens: (UInt8.min...UInt8.max).map { [$0] }, merges: []), pattern: .whole,
            specialTokens: specialTokens)
    }
}
