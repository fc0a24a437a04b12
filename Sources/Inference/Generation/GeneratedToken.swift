/// A token that a model generated, the text that it completes, and, if requested, how probable the model considered it.
public struct GeneratedToken: Sendable, Equatable {
    /// The number of the sequence that the token belongs to, from 0; always 0 unless several are generated side by side.
    public let sequence: Int
    public let id: Int32
    /// The text that can be shown now that this token is known: always whole characters, and never a part of a stop string.
    /// It is empty while a character is incomplete or a stop string may have begun. The texts of all tokens of a sequence
    /// make up its whole text.
    public let text: String
    /// log p of the token in nats, where log probabilities were requested (`GenerationRequest.topLogProbabilities`).
    public let logProbability: Double?
    /// The most probable tokens at this position, in descending order, as many as were requested. The token itself is among
    /// them only if it is one of the most probable.
    public let alternatives: [TokenLogProbability]
    /// Why the sequence ends with this token; nil if it goes on.
    public let finishReason: FinishReason?
}

/// Why a generated sequence ended.
public enum FinishReason: Sendable, Equatable {
    /// The model generated a token that ends a text (`TokenRoles.ends`).
    case endOfText
    /// The text reached this stop string, which is not part of it.
    case stopString(String)
    /// The sequence has as many tokens as were requested.
    case length
}
