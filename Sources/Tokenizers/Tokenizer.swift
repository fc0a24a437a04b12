/// A text as a sequence of small integers, and back.
///
/// A model knows its text only through one of these. Every token stands for a sequence of bytes, and a text is the
/// UTF-8 its tokens spell one after another, so that decoding is the same for every kind: a kind says which bytes an id
/// stands for, and how a text is cut. Texts are taken as bytes or scalars, never as `Character`, which would join
/// CR and LF, or a letter and its accent, into one.
public protocol Tokenizer: Sendable {
    /// The name of the kind as people read it, such as "characters".
    var kind: String { get }

    /// The number of ids: they run from 0 to one less.
    var vocabularySize: Int { get }

    /// The id of `<|endoftext|>`, which stands between texts and for no character of one; `nil` where none is reserved.
    /// No text encodes to it, not even one in which those letters stand.
    var endOfText: Int32? { get }

    /// The ids of a text. Throws `TokenizerError` where the vocabulary has no word for some of it.
    func encode(_ text: String) throws -> [Int32]

    /// The ids of a text, with `unknown` in place of every character the vocabulary has no word for.
    func encode(_ text: String, replacing unknown: Unicode.Scalar?) throws -> [Int32]

    /// The bytes an id stands for: none for `endOfText`, nor for a number that is no id.
    func bytes(of id: Int32) -> [UInt8]
}

extension Tokenizer {
    /// For vocabularies that have a word for everything.
    public func encode(_ text: String, replacing unknown: Unicode.Scalar?) throws -> [Int32] { try encode(text) }

    /// The text of `ids`. Bytes that are not valid UTF-8 become U+FFFD, one for each maximal part of a character
    /// (Unicode 16.0, section 3.9.6), as everywhere in the field.
    public func decode(_ ids: some Sequence<Int32>) -> String {
        var joined: [UInt8] = []
        joined.reserveCapacity(ids.underestimatedCount)
        for id in ids { joined.append(contentsOf: bytes(of: id)) }
        return String(decoding: joined, as: UTF8.self)
    }
}

/// How `<|endoftext|>` is spelled in files and shown to people.
public let endOfTextSpelling = "<|endoftext|>"
