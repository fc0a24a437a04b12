/// One token for each of the 256 bytes, its id the byte itself, and `<|endoftext|>` as the last: 257.
///
/// It has a word for every text, and for half a character too.
public struct ByteTokenizer: Tokenizer {
    public init() {}

    public var kind: String { "bytes" }

    public var unit: String { "byte" }

    public var form: TokenizerForm { .bytes(self) }

    public var vocabularySize: Int { 257 }

    public var endOfText: Int32? { 256 }

    /// The bytes of the UTF-8 of `text`; no text is refused.
    public func encode(_ text: String) -> [Int32] { text.utf8.map(Int32.init) }

    /// The same: no text spells a special token, and no character is unknown.
    public func encode(
        _ text: String, special: SpecialTokenPolicy, addingSpecialTokens: Bool, replacing unknown: Unicode.Scalar?
    ) -> [Int32] {
        encode(text)
    }

    public func bytes(of id: Int32) -> [UInt8] { UInt8(exactly: id).map { [$0] } ?? [] }
}
