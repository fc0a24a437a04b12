/// How special tokens that are spelled out in a text are encoded.
///
/// If `<|endoftext|>` in a prompt became that token, whoever writes the prompt could end the text for the model. So texts of
/// unknown origin are encoded with `refused` or `plainText`, and only texts that a program has composed itself with `allowed`.
public struct SpecialTokenPolicy: Sendable, Hashable {
    /// A set of special tokens.
    public enum Selection: Sendable, Hashable {
        /// Every special token.
        case all
        /// No special token.
        case none
        /// Those with these texts.
        case some(Set<String>)

        func contains(_ text: String) -> Bool {
            switch self {
            case .all: true
            case .none: false
            // Compared as bytes: a `Set` considers strings equal that differ in Unicode normalization.
            case .some(let texts): texts.contains { $0.utf8.elementsEqual(text.utf8) }
            }
        }
    }

    /// The tokens that are encoded as their ids.
    public let allowed: Selection

    /// The tokens that are an error, unless they are allowed. All others are encoded as plain text.
    public let refused: Selection

    /// The policy with these allowed and refused tokens.
    public init(allowed: Selection, refused: Selection) {
        self.allowed = allowed
        self.refused = refused
    }

    /// A special token in a text is an error.
    public static let refused = SpecialTokenPolicy(allowed: .none, refused: .all)

    /// Special tokens are encoded as their ids.
    public static let allowed = SpecialTokenPolicy(allowed: .all, refused: .none)

    /// Special tokens are encoded like any other text (tiktoken's `encode_ordinary`).
    public static let plainText = SpecialTokenPolicy(allowed: .none, refused: .none)

    /// How the policy treats a token.
    func treatment(of token: SpecialToken) -> Treatment {
        if allowed.contains(token.text) { return .allowed }
        return refused.contains(token.text) ? .refused : .plainText
    }

    enum Treatment { case allowed, refused, plainText }
}
