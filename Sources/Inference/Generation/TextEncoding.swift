import Interchange
import Models
import Tensors
import Tokenizers

/// How the texts that people give become ids.
public struct TextEncoding: Sendable {
    /// The tokenizer of the model.
    public var tokenizer: any Tokenizer

    /// Which tokens begin and end a text.
    public var roles: TokenRoles

    /// How special tokens are encoded that a text spells, such as `<|im_start|>`. By default they are plain text, because
    /// whoever writes the text must not be able to end it, or to speak in another role.
    public var special = SpecialTokenPolicy.plainText

    /// Whether the ids of the tokenizer's template are added, such as that of `<|begin_of_text|>`: Hugging Face's
    /// `add_special_tokens`.
    public var addsTemplate = true

    /// - Parameters:
    ///   - tokenizer: the tokenizer of the model.
    ///   - roles: which tokens begin and end a text.
    public init(_ tokenizer: any Tokenizer, roles: TokenRoles) {
        self.tokenizer = tokenizer
        self.roles = roles
    }

    /// The ids of a text.
    /// - Parameters:
    ///   - text: any text.
    ///   - unknown: the character that replaces characters outside the vocabulary; nil makes them an error.
    /// - Throws: `TokenizerError`.
    public func ids(of text: String, replacing unknown: Unicode.Scalar? = nil) throws -> [Int32] {
        let ids =
            special == .plainText
            ? try tokenizer.encodeOrdinary(text, replacing: unknown, concurrently: Execution.parallelLoop)
            : try tokenizer.encode(text, special: special, addingSpecialTokens: false, replacing: unknown)
        let template = addsTemplate ? tokenizer.template : TokenTemplate()
        return template.before + ids + template.after
    }

    /// The ids of a prompt. An empty prompt becomes the ids of the template, or the token that begins a text; a model without
    /// either continues a newline, as if a new line began, or token 0 if its vocabulary has no newline.
    /// - Throws: `TokenizerError`.
    public func ids(ofPrompt prompt: String, replacing unknown: Unicode.Scalar? = nil) throws -> [Int32] {
        prompt.isEmpty
            ? roles.start(for: tokenizer, withTemplate: addsTemplate) : try ids(of: prompt, replacing: unknown)
    }
}
