/// A text as a sequence of small integers, and back.
///
/// A model reads and writes text only through a tokenizer. Every token stands for a sequence of bytes, and a text is the
/// UTF-8 that its tokens spell one after another, so decoding is the same for every kind of tokenizer: a kind defines which
/// bytes an id stands for, and how a text is split. Texts are processed as bytes or Unicode scalars, never as `Character`,
/// which would join CR and LF, or a letter and its accent, into one.
///
/// A conforming type implements `kind`, `vocabularySize`, `endOfText`, `encode` and `bytes(of:)`; everything else has a
/// default.
public protocol Tokenizer: Sendable {
    /// The name of the kind as people read it, such as "characters".
    var kind: String { get }

    /// What one token is, in a word: "character", "byte" or "token".
    var unit: String { get }

    /// The number of ids: they run from 0 to one less.
    var vocabularySize: Int { get }

    /// The id of `<|endoftext|>`, which stands between texts and for no character of one; `nil` where none is reserved.
    /// Ordinary text never encodes to it, not even one in which those letters stand.
    var endOfText: Int32? { get }

    /// The tokens that ordinary text never encodes to, in the order of their ids.
    var specialTokens: [SpecialToken] { get }

    /// The ids that the model expects before and after a whole text.
    var template: TokenTemplate { get }

    /// The characters that can be encoded; `nil` where every text can be encoded.
    var supportedCharacters: [Unicode.Scalar]? { get }

    /// Which of the tokenizers of this module it is, for file formats that write each in its own way.
    var form: TokenizerForm { get }

    /// The ids of a text.
    ///
    /// - Parameters:
    ///   - text: any.
    ///   - special: what becomes of special tokens that the text spells.
    ///   - addingSpecialTokens: whether the ids of `template` are put around the text, as Hugging Face's
    ///     `add_special_tokens` does.
    ///   - unknown: takes the place of characters that the vocabulary has no token for; `nil` makes them an error.
    /// - Throws: `TokenizerError`.
    func encode(
        _ text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool, replacing unknown: Unicode.Scalar?
    ) throws -> [Int32]

    /// How many ids a text has; see `encode`.
    func count(_ text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool) throws -> Int

    /// The ids of a text in which special tokens are spelled like any other word (tiktoken's `encode_ordinary`): the
    /// encoding of everything that a model learns from, is tested on or continues.
    ///
    /// - Parameters:
    ///   - text: any.
    ///   - unknown: takes the place of characters that the vocabulary has no token for.
    ///   - loop: encodes parts of a long text at the same time; `nil` encodes it as a whole. The ids are the same.
    func encodeOrdinary(
        _ text: String, replacing unknown: Unicode.Scalar?, concurrently loop: ParallelLoop?
    ) throws -> [Int32]

    /// Where a text that begins with `bytes` can be split in two that encode to the ids of the whole, near the end of
    /// `bytes`; `nil` where there is no such position.
    func splitPoint(in bytes: UnsafeBufferPointer<UInt8>) -> Int?

    /// The bytes an id stands for: none for `endOfText`, nor for a number that is no id.
    func bytes(of id: Int32) -> [UInt8]

    /// The special token with this id, if it is one.
    func specialToken(_ id: Int32) -> SpecialToken?
}

/// The tokenizers of this module.
public enum TokenizerForm: Sendable {
    case characters(CharacterTokenizer)
    case bytes(ByteTokenizer)
    case bytePairs(BPETokenizer)
    /// A tokenizer of another module.
    case other
}

/// Ids that a model expects before and after a whole text, such as that of `<|begin_of_text|>` (Hugging Face's
/// `TemplateProcessing`).
public struct TokenTemplate: Sendable, Hashable {
    public var before: [Int32]
    public var after: [Int32]

    public init(before: [Int32] = [], after: [Int32] = []) {
        self.before = before
        self.after = after
    }
}

/// Calls a body for each number below a count, on one thread or several.
public typealias ParallelLoop = (_ count: Int, _ body: @escaping @Sendable (Int) -> Void) -> Void

/// How `<|endoftext|>` is spelled in files and shown to people.
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

    /// For tokens of at most a character: after any letter of ASCII.
    public func splitPoint(in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        bytes.lastIndex { $0 < 0x80 }.map { $0 + 1 }
    }

    public func specialToken(_ id: Int32) -> SpecialToken? { specialTokens.first { $0.id == id } }
}

// MARK: - Shorter forms

extension Tokenizer {
    /// The ids of a text; a special token that it spells is an error (see `SpecialTokenPolicy`).
    public func encode(_ text: String) throws -> [Int32] { try encode(text, special: .refused) }

    /// The ids of a text.
    public func encode(
        _ text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool = false
    ) throws -> [Int32] {
        try encode(text, special: special, addingSpecialTokens: addingSpecialTokens, replacing: nil)
    }

    /// The ids of a text, with `unknown` in place of every character that the vocabulary has no token for.
    public func encode(_ text: String, replacing unknown: Unicode.Scalar?) throws -> [Int32] {
        try encode(text, special: .refused, addingSpecialTokens: false, replacing: unknown)
    }

    /// The ids of a text in which special tokens are spelled like any other word.
    public func encodeOrdinary(_ text: String, replacing unknown: Unicode.Scalar? = nil) throws -> [Int32] {
        try encodeOrdinary(text, replacing: unknown, concurrently: nil)
    }

    /// How many ids a text has.
    public func count(_ text: String, special: SpecialTokenPolicy) throws -> Int {
        try count(text, special: special, addingSpecialTokens: false)
    }

    /// The ids that ordinary text never encodes to.
    public var specialTokenIDs: [Int32] { specialTokens.map(\.id) }

    /// The text of `ids`. Bytes that are not valid UTF-8 become U+FFFD, one for each maximal part of a character
    /// (Unicode 16.0, section 3.9.6), as everywhere in the field.
    public func decode(_ ids: some Sequence<Int32>) -> String {
        var joined: [UInt8] = []
        joined.reserveCapacity(ids.underestimatedCount)
        for id in ids { joined.append(contentsOf: bytes(of: id)) }
        return String(decoding: joined, as: UTF8.self)
    }
}
