/// A byte-level byte-pair encoding: a pattern splits a text into pre-tokens, and the bytes of each are merged into tokens. For
/// every text the ids are those of tiktoken and of Hugging Face's tokenizers with the same vocabulary.
///
/// A tokenizer can be used by several threads at once.
public final class BPETokenizer: Tokenizer {
    /// The name of a published encoding, such as "cl100k_base"; `nil` for other vocabularies.
    public let name: String?

    /// The tokens and their merges.
    public let vocabulary: BPEVocabulary

    /// How texts are split into pre-tokens.
    public let pattern: SplitPattern

    /// The tokens that no merge produces, in the order of their ids.
    public let specialTokens: [SpecialToken]

    /// How a text is normalized before it is split.
    public let normalization: Normalization

    /// The ids before and after a text that is encoded with `addingSpecialTokens`.
    public let template: TokenTemplate

    /// Whether a pre-token that is a token gets that token's id, even if its merges would produce other tokens (Hugging Face's
    /// `ignore_merges`).
    public let ignoresMerges: Bool

    /// Where a space is put that a text does not have.
    public let prefixSpace: PrefixSpace

    /// The name of the token for unknown text in a file (`unk_token`). No text is encoded as it, because every byte is a token.
    public let unknownToken: String?

    /// Where a space is put, so that the first word of a text is encoded like any other (Hugging Face's `add_prefix_space`).
    /// Decoding does not remove it.
    public enum PrefixSpace: Sendable {
        /// Nowhere.
        case none
        /// Before each text between special tokens that does not begin with a space.
        case texts
        /// Before each pre-token that does not begin with a space.
        case pretokens
    }

    /// A normalization form of Unicode.
    public enum Normalization: Sendable {
        /// The text as it is.
        case none
        /// Composed characters, NFC (Unicode Standard Annex 15).
        case nfc
    }

    /// The special tokens by id. If two have the same id, the first.
    private let specialTokensByID: [Int32: SpecialToken]

    /// The special tokens that are searched for before normalization, and after it.
    let matchers: (raw: SpecialTokenMatcher, normalized: SpecialTokenMatcher)

    private let workspaces = WorkspaceStore()

    /// A tokenizer with these parts.
    ///
    /// Two special tokens may have the same id: both are encoded as it, and it decodes to the first of them.
    /// - Parameters:
    ///   - vocabulary: the tokens and their merges.
    ///   - pattern: how texts are split into pre-tokens.
    ///   - specialTokens: the tokens that no merge produces, in any order.
    ///   - name: the name of a published encoding.
    ///   - normalization: how a text is normalized before it is split.
    ///   - template: the ids before and after a text that is encoded with `addingSpecialTokens`.
    ///   - ignoresMerges: whether a pre-token that is a token is not merged; `nil` for true with tiktoken's merge rule only.
    ///   - prefixSpace: where a space is put that a text does not have.
    ///   - unknownToken: the name of the token for unknown text in a file.
    /// - Throws: `TokenizerError.vocabulary` if a special token has the id of a token with other bytes, or the text of another
    ///   special token.
    public init(
        _ vocabulary: BPEVocabulary, pattern: SplitPattern, specialTokens: [SpecialToken] = [],
        name: String? = nil, normalization: Normalization = .none, template: TokenTemplate = TokenTemplate(),
        ignoresMerges: Bool? = nil, prefixSpace: PrefixSpace = .none, unknownToken: String? = nil
    ) throws(TokenizerError) {
        _ = UnicodeClasses.shared  // initialized now rather than during the first encoding
        self.vocabulary = vocabulary
        self.pattern = pattern
        self.specialTokens = specialTokens.sorted { $0.id < $1.id }
        self.name = name
        self.normalization = normalization
        self.template = template
        self.ignoresMerges = ignoresMerges ?? vocabulary.mergesByRank
        self.prefixSpace = prefixSpace
        self.unknownToken = unknownToken
        var byID: [Int32: SpecialToken] = [:]
        for token in specialTokens {
            guard token.id >= 0, token.id < BPEVocabulary.greatestIDCount else {
                throw .vocabulary("the special token \(quoted(token.text)) has the invalid id \(token.id)")
            }
            let bytes = vocabulary.bytes(of: token.id)
            guard bytes.isEmpty || bytes.elementsEqual(token.text.utf8) else {
                throw .vocabulary(
                    "the special token \(quoted(token.text)) has the id \(token.id), which is that of another token")
            }
            if byID[token.id] == nil { byID[token.id] = token }
        }
        specialTokensByID = byID
        matchers = (
            try SpecialTokenMatcher(specialTokens.filter { !$0.isNormalized }),
            try SpecialTokenMatcher(specialTokens.filter(\.isNormalized))
        )
        vocabularySize = max(vocabulary.idCount, Int(self.specialTokens.last?.id ?? -1) + 1)
        endOfText =
            ["<|endoftext|>", "<|end_of_text|>"].lazy.compactMap { spelling in
                specialTokens.first { $0.text.utf8.elementsEqual(spelling.utf8) }?.id
            }.first
    }

    // MARK: Tokenizer

    public var kind: String { name.map { "the tokens of \($0)" } ?? "byte pairs" }

    public let vocabularySize: Int

    public let endOfText: Int32?

    public var form: TokenizerForm { .bytePairs(self) }

    /// The ids of a text. Every character can be encoded, so `unknown` is never used.
    public func encode(
        _ text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool, replacing unknown: Unicode.Scalar?
    ) throws -> [Int32] {
        try encode(text, special: special, addingSpecialTokens: addingSpecialTokens)
    }

    /// The bytes of an id: empty for a special token that is a control token, and for a number that is not an id.
    public func bytes(of id: Int32) -> [UInt8] {
        if let special = specialTokensByID[id] { return special.isControl ? [] : Array(special.text.utf8) }
        return vocabulary.bytes(of: id)
    }

    /// The special token with this id; `nil` if it is not the id of one.
    public func specialToken(_ id: Int32) -> SpecialToken? { specialTokensByID[id] }

    /// The first special token that a text spells; `nil` if it spells none.
    public func firstSpecialToken(in text: String) -> SpecialToken? {
        matchers.raw.firstToken(in: text) ?? matchers.normalized.firstToken(in: text)
    }

    /// The ids without a token: gaps in the numbering of a vocabulary.
    public var unassignedIDs: [Int32] {
        (0..<Int32(vocabularySize)).filter { !vocabulary.hasToken($0) && specialTokensByID[$0] == nil }
    }

    // MARK: Working memory

    /// Calls `body` with a workspace that no other call uses: one of an earlier call, if one is free.
    func withWorkspace<Result>(_ body: (EncodingWorkspace) throws -> Result) rethrows -> Result {
        try workspaces.withWorkspace(body)
    }
}
