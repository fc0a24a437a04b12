import Models
import Tokenizers

extension TokenRoles {
    /// The ids from which a text without a prompt is generated: the template of the tokenizer, the token before a text, or a
    /// newline, as if a new line began. If the vocabulary has no newline, it is token 0.
    /// - Parameters:
    ///   - tokenizer: the tokenizer of the model.
    ///   - withTemplate: whether the template is used.
    package func start(for tokenizer: any Tokenizer, withTemplate: Bool = true) -> [Int32] {
        let template = tokenizer.template.before + tokenizer.template.after
        if withTemplate, !template.isEmpty { return template }
        if let beginning, Int(beginning) < tokenizer.vocabularySize { return [beginning] }
        let newline = (try? tokenizer.encode("\n")) ?? []
        return newline.isEmpty ? [0] : newline
    }

    /// The token that marks the end of a document in the texts of a training: `endOfText`, unless the model ends texts with other
    /// tokens only; nil if there is none.
    package func documentEnd(of tokenizer: any Tokenizer) -> Int32? {
        let ends = ends.filter { Int($0) < tokenizer.vocabularySize }
        guard let first = ends.first else { return tokenizer.endOfText }
        return tokenizer.endOfText.flatMap { ends.contains($0) ? $0 : nil } ?? first
    }

    /// The ids that are never generated: those that the model was not trained with, and rows of the model without a token.
    /// - Parameters:
    ///   - tokenizer: the tokenizer of the model; nil if it has none.
    ///   - rows: V, the number of rows of the model.
    package func neverGenerated(by tokenizer: (any Tokenizer)?, rows: Int) -> [Int32] {
        let suppressed = suppressed.filter { Int($0) < rows }
        guard let tokenizer else { return suppressed }
        return suppressed + tokenizer.unassignedIDs + (Int32(min(rows, tokenizer.vocabularySize))..<Int32(rows))
    }
}
