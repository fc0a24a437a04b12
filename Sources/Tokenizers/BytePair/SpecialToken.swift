/// A token that no merge produces, such as `<|endoftext|>`: a string that is encoded as one id.
public struct SpecialToken: Sendable, Hashable {
    /// The string, as it is spelled in a text.
    public let text: String

    /// Its id.
    public let id: Int32

    /// Whether it is an instruction to the model rather than text. Decoding leaves such tokens out by default.
    public var isControl = true

    /// Whether white space before it belongs to it (`lstrip` of Hugging Face's tokenizers).
    public var stripsLeft = false

    /// Whether white space after it belongs to it (`rstrip`).
    public var stripsRight = false

    /// Whether it is found only where no letter, digit or other word character (`\w`) is next to it (`single_word`).
    public var isWholeWord = false

    /// Whether it is searched for in the normalized text, rather than in the original.
    public var isNormalized = false

    /// A control token that strips no white space and is searched for in the original text.
    public init(_ text: String, id: Int32) {
        self.text = text
        self.id = id
    }
}
