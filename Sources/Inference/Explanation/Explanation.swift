import Models
import Tensors
import Tokenizers

/// What a model computes for a text: how probable each token is, what each block adds to the prediction, and which positions each
/// head attends to. An `Explainer` makes it.
public struct Explanation: Sendable {
    /// The models, by what they predict.
    public enum Kind: String, Sendable {
        /// The next token of a text.
        case decoder
        /// A masked token, from the tokens on both sides.
        case masked
        /// The label of a text.
        case classifier
        /// Nothing: an encoder whose result is its hidden vectors.
        case encoder
        /// The next token of the translation of a text.
        case translator
    }

    /// A token of a text, and how probable the model considered it.
    public struct Token: Sendable, Equatable {
        public let id: Int32
        /// The text of the token. Bytes that are no whole characters are written as `<0xE2>`, a token without text as its number.
        public let piece: String
        /// log p in nats: of a decoder given the tokens before it, so that the first token has none; of a masked language model
        /// given the whole text. nil for other models.
        public let logProbability: Double?
        /// The most probable tokens at this position, in descending order; none where there is no `logProbability`.
        public let alternatives: [TokenLogProbability]

        /// -log2 p: how surprising the token is, in bits.
        public var surprise: Double? { logProbability.map { TextScore.bits(-$0) } }
    }

    /// The residual stream of a network.
    public struct HiddenStates: Sendable {
        /// Which network.
        public let network: Network
        /// (1, T, C) after the embeddings and after each block: with `normalized` in place of the last, these are the
        /// `hidden_states` of Hugging Face's transformers.
        public let residuals: [Tensor]
        /// The final norm of the last (1, T, C), in a model that has one.
        public let normalized: Tensor?
    }

    /// The attention of one layer.
    public struct LayerAttention: Sendable {
        public let kind: AttentionKind
        public let layer: Int
        public let map: AttentionMap
    }

    public let kind: Kind
    /// The tokens of the text. Those of a source have no log probabilities.
    public let tokens: [Token]
    /// The start token and the tokens of the translation; empty for other models.
    public let target: [Token]
    /// The translation as a text; nil for other models, and without a tokenizer.
    public let translation: String?
    /// The most probable labels in descending order; none for other models.
    public let labels: [LabelProbability]
    /// The logit lens (nostalgebraist, 2020): for the residual stream x after the embeddings and after each block, and for each
    /// position, the most probable tokens of softmax(classifier(norm(x))). The last element has what the model itself predicts.
    /// A language model predicts the token after the position, a masked language model the token at it. Empty for models that
    /// predict no tokens.
    public let lens: [[[TokenLogProbability]]]
    /// The scores of all heads.
    public let heads: [HeadScores]
    /// The attention patterns; empty unless they were requested.
    public let attention: [LayerAttention]
    /// The residual streams; empty unless they were requested.
    public let hidden: [HiddenStates]

    let tokenizer: (any Tokenizer)?

    /// The tokens that the model predicts one by one: of a text, or of a translation.
    public var predicted: [Token] { kind == .translator ? target : tokens }

    /// The text of a token that is not the first, as in `Token.piece`.
    public func piece(_ id: Int32) -> String { tokenizer.piece(id, isFirst: false) }
}

/// A label and its probability.
public struct LabelProbability: Sendable, Equatable {
    public let label: String
    public let probability: Double
}

/// The networks that have blocks of their own.
public enum Network: Sendable, Hashable {
    /// The only one of the model.
    case whole
    /// The encoder of an encoder-decoder.
    case encoder
    /// The decoder of an encoder-decoder.
    case decoder
}

/// What attends to what.
public enum AttentionKind: String, Sendable, CaseIterable {
    /// A text to itself, in a model of one network.
    case own = "self"
    /// A source to itself, in an encoder-decoder.
    case encoder
    /// A target to itself, in an encoder-decoder.
    case decoder
    /// A target to its source.
    case cross
}

extension Tokenizer? {
    /// The text of a token, for people.
    func piece(_ id: Int32, isFirst: Bool) -> String {
        guard let bytes = self?.decodedBytes(of: id, isFirst: isFirst, spellingSpecialTokens: true), !bytes.isEmpty
        else { return "#\(id)" }
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return bytes.map { byte in
            byte < 0x80
                ? String(UnicodeScalar(byte))
                : "<0x" + String(byte, radix: 16, uppercase: true) + ">"
        }.joined()
    }
}
