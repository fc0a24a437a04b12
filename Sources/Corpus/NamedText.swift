import Files

/// A text and the name that people know it by.
public struct NamedText: Sendable {
    public let name: String
    /// Empty where there are only its tokens.
    public let text: String
    /// The ids of a text that another program has encoded.
    public let tokens: [Int32]?
    /// That of the file the tokens came from.
    private let digest: String?

    public init(name: String, text: String) {
        self.name = name
        self.text = text
        tokens = nil
        digest = nil
    }

    package init(name: String, tokens: [Int32], sha256: String) {
        self.name = name
        text = ""
        self.tokens = tokens
        digest = sha256
    }

    /// The SHA-256 of the text's UTF-8, or of the file the tokens came from.
    package var sha256: String { digest ?? SHA256.hexDigest(of: text.utf8) }
}
