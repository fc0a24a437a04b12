/// Converts text to a sequence of integer ids and back.
///
/// Each token is a sequence of bytes. Decoding joins the bytes of all tokens to a text in UTF-8, which is the same for every
/// kind of tokenizer. A kind of tokenizer defines the bytes of each id, and how a text is split into tokens. The bytes of a token
/// can depend on whether it is the first of a text: WordPiece writes a space before each word except the first.
///
/// Texts are processed as bytes or Unicode scalars, never as `Character`, because CR and LF, or a letter and its accent, are a
/// single `Character`.
///
/// A conforming type implements `kind`, `vocabularySize`, `endOfText`, `encode` and `bytes(of:)`; everything else has a
/// default.
public protocol Tokenizer: Sendable {
    /// The kind of vocabulary in words, such as "characters".
    var kind: String { get }

    /// The unit that one token represents: "character", "byte" or "token".
    var unit: String { get }

    /// The number of ids, which run from 0 to one less.
    var vocabularySize: Int { get }

    /// The id of `<|endoftext|>`, which separates texts; `nil` if the vocabulary has none. Ordinary text never encodes to it,
    /// not even if it contains those letters.
    var endOfText: Int32? { get }

    /// The tokens that ordinary text never encodes to, in the order of their ids.
    var specialTokens: [SpecialToken] { get }

    /// The ids that the model expects before and after a whole text.
    var template: TokenTemplate { get }

    /// The characters that can be encoded; `nil` if every text can be encoded.
    var supportedCharacters: [Unicode.Scalar]? { get }

    /// Which of the tokenizers of this module it is, for file formats that represent them differently.
    var form: TokenizerForm { get }

    /// The ids of a text.
    ///
    /// - Parameters:
    ///   - text: any text.
    ///   - special: how special tokens that occur in the text are encoded.
    ///   - addingSpecialTokens: whether the ids of `template` are added before and after, as Hugging Face's
    ///     `add_special_tokens` does.
    ///   - unknown: replaces characters that the vocabulary has no token for; with `nil` they are an error.
    /// - Throws: `TokenizerError`.
    func encode(
        _ text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool, replacing unknown: Unicode.Scalar?
    ) throws -> [Int32]

    /// The number of ids of a text; see `encode`.
    func count(_ text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool) throws -> Int

    /// The ids of a text in which special tokens are plain text (tiktoken's `encode_ordinary`). Training texts, test texts and
    /// prompts are encoded this way.
    ///
    /// - Parameters:
    ///   - text: any text.
    ///   - unknown: replaces characters that the vocabulary has no token for; with `nil` they are an error.
    ///   - loop: encodes parts of a long text concurrently; `nil` encodes it as a whole. The ids are the same.
    /// - Throws: `TokenizerError`.
    func encodeOrdinary(
        _ text: String, replacing unknown: Unicode.Scalar?, concurrently loop: ParallelLoop?
    ) throws -> [Int32]

    /// A position near the end of `bytes` at which a text that begins with them can be split in two that encode to the ids of
    /// the whole; `nil` if there is none.
    func splitPoint(in bytes: UnsafeBufferPointer<UInt8>) -> Int?

    /// A position near the end of `bytes` at which a text that begins with them can be split in two that `encodeOrdinary`
    /// encodes to the ids of the whole; `nil` if there is none.
    func ordinarySplitPoint(in bytes: UnsafeBufferPointer<UInt8>) -> Int?

    /// The bytes of an id: empty for `endOfText`, and for a number that is not an id.
    func bytes(of id: Int32) -> [UInt8]

    /// The bytes that an id adds to a decoded text; `nil` if it is left out or is not an id.
    /// - Parameters:
    ///   - id: the id.
    ///   - isFirst: whether no id before it added any.
    ///   - spellingSpecialTokens: whether tokens such as `<|endoftext|>` are decoded to their names, rather than left out.
    func decodedBytes(of id: Int32, isFirst: Bool, spellingSpecialTokens: Bool) -> [UInt8]?

    /// The special token with this id; `nil` if it is not the id of one.
    func specialToken(_ id: Int32) -> SpecialToken?

    /// The first special token that a text spells; `nil` if it spells none.
    func firstSpecialToken(in text: String) -> SpecialToken?

    /// The ids below `vocabularySize` that have no token, in ascending order.
    var unassignedIDs: [Int32] { get }
}

/// The tokenizers of this module.
public enum TokenizerForm: Sendable {
    /// One token for each character of an alphabet.
    case characters(CharacterTokenizer)
    /// One token for each byte.
    case bytes(ByteTokenizer)
    /// A byte-level byte-pair encoding.
    case bytePairs(BPETokenizer)
    /// WordPiece, as BERT has it.
    case wordPiece(WordPieceTokenizer)
    /// A tokenizer of another module.
    case other
}

/// Calls a body for each number below a count, on one thread or several.
public typealias ParallelLoop = (_ count: Int, _ body: @escaping @Sendable (Int) -> Void) -> Void

/// The text of the token `<|endoftext|>`, in files and in messages.
public let endOfTextSpelling = "<|endoftext|>"

// MARK: - Defaults

extension Tokenizer {
    public var unit: String { "token" }

    public var specialTokens: [SpecialToken] { endOfText.map { [SpecialToken(endOfTextSpelling, id: $0)] } ?? [] }

    public var template: TokenTemplate { TokenTemplate() }

    public var supportedCharacters: [Unicode.Scalar]? { nil }

    public var form: TokenizerForm { .other }

    public func count(_ text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool) throws -> Int {
        try encode(text, special: special, addingSpecialTokens: addingSpecialTokens, replacing: nil).count
    }

    public func encodeOrdinary(
        _ text: String, replacing unknown: Unicode.Scalar?, concurrently loop: ParallelLoop?
    ) throws -> [Int32] {
        try encode(text, special: .plainText, addingSpecialTokens: false, replacing: unknown)
    }

    /// For tokens of at most one character: after the last ASCII character.
    public func splitPoint(in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        bytes.lastIndex { $0 < 0x80 }.map { $0 + 1 }
    }

    public func ordinarySplitPoint(in bytes: UnsafeBufferPointer<UInt8>) -> Int? { splitPoint(in: bytes) }

    public func decodedBytes(of id: Int32, isFirst: Bool, spellingSpecialTokens: Bool) -> [UInt8]? {
        if spellingSpecialTokens, let special = specialToken(id) { return Array(special.text.utf8) }
        let bytes = bytes(of: id)
        return bytes.isEmpty ? nil : bytes
    }

    public func specialToken(_ id: Int32) -> SpecialToken? { specialTokens.first { $0.id == id } }

    public func firstSpecialToken(in text: String) -> SpecialToken? {
        guard let matcher = try? SpecialTokenMatcher(specialTokens) else { return nil }
        return matcher.firstToken(in: text)
    }

    public var unassignedIDs: [Int32] { [] }
}

// MARK: - Shorter forms

extension Tokenizer {
    /// The ids of a text; a special token in it is an error (see `SpecialTokenPolicy`).
    public func encode(_ text: String) throws -> [Int32] { try encode(text, special: .refused) }

    /// The ids of a text.
    public func encode(
        _ text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool = false
    ) throws -> [Int32] {
        try encode(text, special: special, addingSpecialTokens: addingSpecialTokens, replacing: nil)
    }

    /// The ids of a text in which `unknown` replaces every character that the vocabulary has no token for.
    public func encode(_ text: String, replacing unknown: Unicode.Scalar?) throws -> [Int32] {
        try encode(text, special: .refused, addingSpecialTokens: false, replacing: unknown)
    }

    /// The ids of a text in which special tokens are spelled like any other word.
    public func encodeOrdinary(_ text: String, replacing unknown: Unicode.Scalar? = nil) throws -> [Int32] {
        try encodeOrdinary(text, replacing: unknown, concurrently: nil)
    }

    /// The number of ids of a text.
    public func count(_ text: String, special: SpecialTokenPolicy) throws -> Int {
        try count(text, special: special, addingSpecialTokens: false)
    }

    /// The ids that ordinary text never encodes to.
    public var specialTokenIDs: [Int32] { specialTokens.map(\.id) }

    /// The text of `ids`. Bytes that are not valid UTF-8 become U+FFFD, one for each maximal subpart of a character (Unicode
    /// 16.0, section 3.9.6).
    /// - Parameters:
    ///   - ids: the ids.
    ///   - spellingSpecialTokens: whether tokens such as `<|endoftext|>` are decoded to their names, rather than left out.
    public func decode(_ ids: some Sequence<Int32>, spellingSpecialTokens: Bool = false) -> String {
        var joined: [UInt8] = []
        joined.reserveCapacity(ids.underestimatedCount)
        var isFirst = true
        for id in ids {
            guard
                let bytes = decodedBytes(of: id, isFirst: isFirst, spellingSpecialTokens: spellingSpecialTokens)
            else { continue }
            joined += bytes
            isFirst = false
        }
        return String(decoding: joined, as: UTF8.self)
    }
}
