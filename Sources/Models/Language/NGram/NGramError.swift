/// Why an n-gram model cannot be created; the description is one line.
public enum NGramError: Error, Equatable, CustomStringConvertible {
    /// The order is not between 1 and ``NGramModel/maximumOrder``.
    case order(Int)
    /// The vocabulary is empty or has more ids than fit in an Int32.
    case vocabularySize(Int)
    /// A document has an id outside the vocabulary.
    case token(Int32, document: Int, position: Int, vocabularySize: Int)
    /// The tokens of the text, or its n-grams, are more than fit in an Int32.
    case tooLarge(order: Int, tokens: Int)
    /// The model would need more memory than the limit.
    case memory(order: Int, bytes: Int, limit: Int)
    /// A stored model is inconsistent.
    case damaged(String)

    public var description: String {
        switch self {
        case .order(let order):
            "n-gram order \(order) is out of range: choose one from 1 to \(NGramModel.maximumOrder)"
        case .vocabularySize(let size):
            "n-gram vocabulary of \(size) ids is out of range: it must have from 1 to \(Int32.max)"
        case .token(let token, let document, let position, let size):
            "token \(token) at position \(position) of document \(document) is outside the vocabulary of \(size): "
                + "encode the text with the model's own tokenizer"
        case .tooLarge(let order, let tokens):
            "\(tokens) tokens have too many n-grams up to order \(order): "
                + "choose a lower order or a shorter text"
        case .memory(let order, let bytes, let limit):
            "n-grams up to order \(order) of this text need \(bytes >> 20) MiB, more than the limit of \(limit >> 20) MiB: "
                + "choose a lower order or a shorter text"
        case .damaged(let what):
            "n-gram model is damaged: \(what); train it again or restore the file"
        }
    }
}
