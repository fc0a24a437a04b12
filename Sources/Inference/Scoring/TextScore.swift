import Models
import Platform

/// How well a model predicts a text.
///
/// The loss is the mean of -log p over the predicted tokens, in nats: all tokens but the first, which nothing precedes. A
/// token stands for another amount of text in each vocabulary, so models with different tokenizers are compared by bits per
/// byte or per character:
///
///     perplexity         = exp(loss)
///     bits per token     = loss / log 2
///     bits per byte      = loss / log 2 * tokens / bytes
///     bits per character = loss / log 2 * tokens / characters
///
/// where bytes (of UTF-8) and characters (Unicode scalars) are those of the predicted tokens.
public struct TextScore: Sendable, Equatable {
    /// The sum of -log p over the tokens that were scored, and their number.
    public let evaluation: Evaluation
    /// The number of predicted tokens of the text, all of which were scored unless the evaluation was of a sample.
    public let tokens: Int
    /// The number of Unicode scalars of the predicted tokens.
    public let characters: Int
    /// The number of bytes of UTF-8 of the predicted tokens.
    public let bytes: Int

    /// - Parameters:
    ///   - evaluation: the losses of the tokens that were scored.
    ///   - tokens: the number of predicted tokens of the text that `characters` and `bytes` are of; nil if all were scored.
    ///   - characters: the Unicode scalars of the predicted tokens; counted as 1 if there are none.
    ///   - bytes: the bytes of UTF-8 of the predicted tokens; counted as 1 if there are none.
    public init(_ evaluation: Evaluation, tokens: Int? = nil, characters: Int, bytes: Int) {
        self.evaluation = evaluation
        self.tokens = tokens ?? evaluation.count
        self.characters = max(1, characters)
        self.bytes = max(1, bytes)
    }

    /// Nats per token.
    public var loss: Double { evaluation.loss }

    /// exp(loss): the number of equally probable tokens among which the choice would be as uncertain.
    public var perplexity: Double { exp(loss) }

    public var bitsPerToken: Double { Self.bits(loss) }
    public var bitsPerCharacter: Double { Self.bits(total) / Double(characters) }
    public var bitsPerByte: Double { Self.bits(total) / Double(bytes) }

    /// The sum of the losses of all predicted tokens, in nats, estimated from their mean if only a sample was scored.
    private var total: Double { evaluation.count == tokens ? evaluation.total : loss * Double(tokens) }

    /// An amount of information in bits, given in nats: divided by log 2.
    public static func bits(_ nats: Double) -> Double { nats / 0x1.62e42fefa39efp-1 }
}

/// Why a text cannot be scored, in one line.
public enum ScoringError: Error, Equatable, CustomStringConvertible {
    /// The text has no token that another precedes.
    case tooShort(tokens: Int)
    /// The ids are more than the context of the model.
    case tooLong(tokens: Int, contextLength: Int)

    public var description: String {
        switch self {
        case .tooShort(let tokens):
            "the text is too short: it has \(tokens) \(tokens == 1 ? "token" : "tokens"), and evaluation needs at least 2; "
                + "give a longer text"
        case .tooLong(let tokens, let contextLength):
            "the text has \(tokens) tokens, more than the model's context of \(contextLength); give a shorter text"
        }
    }
}
