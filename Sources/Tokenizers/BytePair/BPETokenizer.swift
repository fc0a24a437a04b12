import Synchronization

/// A byte-level byte-pair encoding: a text is cut into pieces by a pattern, and the bytes of each piece are merged into
/// tokens. Ids are those of tiktoken and of Hugging Face's tokenizers for the same vocabulary, for every text.
///
/// One tokenizer may be used from many threads at once.
public final class BPETokenizer: Tokenizer {
    /// What it is called, such as "cl100k_base", where it is one that has a name.
    public let name: String?

    public let vocabulary: BPEVocabulary

    /// How texts are cut before merging.
    public let pattern: SplitPattern

    /// The tokens that no merging makes, in the order of their ids.
    public let specialTokens: [SpecialToken]

    /// What is done to a text before all else.
    public let normalization: Normalization

    /// The ids that are put around a text if asked for.
    public let template: TokenTemplate

    /// Whether a piece that is a token becomes it, even where its merges would make something else.
    public let ignoresMerges: Bool

    /// Which form of the Unicode standard texts are brought into.
    public enum Normalization: Sendable {
        case none
        /// Composed characters (Unicode Standard Annex 15).
        case nfc
    }

    /// `nil` for an id that is no special token's.
    private let specialTokensByID: [Int32: SpecialToken]

    /// Those looked for before normalization, and after it.
    let matchers: (raw: SpecialTokenMatcher, normalized: SpecialTokenMatcher)

    private let idleWorkspaces = Mutex<[EncodingWorkspace]>([])

    /// Throws where a special token has the id of a token with other bytes, or two have one text.
    /// Two may have one id: both become it, and it decodes to the first of them.
    public init(
        _ vocabulary: BPEVocabulary, pattern: SplitPattern, specialTokens: [SpecialToken] = [],
        name: String? = nil, normalization: Normalization = .none, template: TokenTemplate = TokenTemplate(),
        ignoresMerges: Bool? = nil
    ) throws(TokenizerError) {
        _ = UnicodeClasses.shared  // made now, and not when the first text comes
        self.vocabulary = vocabulary
        self.pattern = pattern
        self.specialTokens = specialTokens.sorted { $0.id < $1.id }
        self.name = name
        self.normalization = normalization
        self.template = template
        if case .joinedBytes = vocabulary.rules {
            self.ignoresMerges = ignoresMerges ?? true
        } else {
            self.ignoresMerges = ignoresMerges ?? false
        }
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
            // Where two texts stand for one id, it decodes to the first.
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

    /// Every character has tokens, so none is replaced.
    public func encode(
        _ text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool, replacing unknown: Unicode.Scalar?
    ) throws -> [Int32] {
        try encode(text, special: special, addingSpecialTokens: addingSpecialTokens)
    }

    /// The bytes an id stands for: none for special tokens that are not text, nor for a number that is no id.
    public func bytes(of id: Int32) -> [UInt8] {
        if let special = specialTokensByID[id] { return special.isControl ? [] : Array(special.text.utf8) }
        return vocabulary.bytes(of: id)
    }

    /// The special token with this id.
    public func specialToken(_ id: Int32) -> SpecialToken? { specialTokensByID[id] }

    // MARK: Working memory

    /// Calls `body` with working memory that nobody else has: one that was used before, if there is one.
    func withWorkspace<Result>(_ body: (EncodingWorkspace) throws -> Result) rethrows -> Result {
        let memory = idleWorkspaces.withLock { $0.popLast() } ?? EncodingWorkspace()
        defer { idleWorkspaces.withLock { $0.append(memory) } }
        return try body(memory)
    }
}
