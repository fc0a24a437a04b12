/// A tokenizer with one token for each of the 256 bytes, whose id is the byte itself, and `<|endoftext|>` with the id 256.
///
/// It encodes every text, and also bytes that are only part of a character.
public struct ByteTokenizer: Tokenizer {
    /// The tokenizer: there is only one.
    public init() {}

    public var kind: String { "bytes" }

    public var unit: String { "byte" }

    public var form: TokenizerForm { .bytes(self) }

    public var vocabularySize: Int { 257 }

    public var endOfText: Int32? { 256 }

    /// The bytes of the UTF-8 of `text`. Every text can be encoded.
    public func encode(_ text: String) -> [Int32] { text.utf8.map(Int32.init) }

    /// The same, with the id of `<|endoftext|>` where `special` allows it. No character is unknown.
    public func encode(
        _ text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool, replacing unknown: Unicode.Scalar?
    ) -> [Int32] {
        guard special.allowed.contains(endOfTextSpelling) else { return encode(text) }
        var ids: [Int32] = [], rest = text[...]
        while let range = rest.utf8.firstRange(of: endOfTextSpelling.utf8) {
            ids += rest[..<range.lowerBound].utf8.map(Int32.init)
            ids.append(256)
            rest = rest[range.upperBound...]
        }
        return ids + rest.utf8.map(Int32.init)
    }

    public func bytes(of id: Int32) -> [UInt8] { UInt8(exactly: id).map { [$0] } ?? [] }
}
