import Tokenizers

/// How the texts of a pair become ids: with the tokens of the tokenizer's template, such as the end token. Special tokens that
/// occur in a text are encoded as such, as transformers does it.
package struct PairEncoder: Sendable {
    private let tokenizer: any Tokenizer
    private let end: Int32

    /// - Parameters:
    ///   - tokenizer: the tokenizer of sources and targets.
    ///   - end: the token that ends a target. A text whose template does not end with it gets it as well.
    package init(_ tokenizer: any Tokenizer, end: Int32) {
        self.tokenizer = tokenizer
        self.end = end
    }

    /// The ids of a source or a target, at least one.
    /// - Parameters:
    ///   - text: the text.
    ///   - unknown: replaces characters that the vocabulary has no token for; with nil they are an error.
    /// - Throws: `TokenizerError`.
    package func ids(of text: String, replacing unknown: Unicode.Scalar? = nil) throws -> [Int32] {
        let ids = try tokenizer.encode(text, special: .allowed, addingSpecialTokens: true, replacing: unknown)
        return ids.last == end ? ids : ids + [end]
    }
}
