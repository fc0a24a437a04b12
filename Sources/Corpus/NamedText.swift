import Files

/// A text, or the token ids of one, with its name.
public struct NamedText: Sendable {
    public let name: String
    /// Empty if only the tokens are known.
    public let text: String
    /// The token ids of a text that another program encoded.
    public let tokens: [Int32]?
    /// The SHA-256 of the file with the tokens.
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

    /// The SHA-256 of the text in UTF-8, or of the file with the tokens.
    package var sha256: String { digest ?? SHA256.hexDigest(of: text.utf8) }
}
