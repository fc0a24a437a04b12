import Models

/// What an explanation contains.
public struct ExplanationSettings: Sendable, Equatable {
    /// The attention patterns of an explanation. Those of all layers take 8 T^2 bytes for each head.
    public enum Patterns: Sendable, Equatable {
        case none
        case all
    }

    /// The number of probable tokens at each position.
    public var top: Int
    /// The number of probable tokens at each position of each layer of the logit lens.
    public var lensTop: Int
    public var patterns: Patterns
    /// Whether the residual streams are kept.
    public var keepsHidden: Bool
    /// The seed of the random tokens with which induction is measured.
    public var seed: UInt64

    /// - Parameters:
    ///   - top: the number of probable tokens at each position.
    ///   - lensTop: the number of probable tokens at each position of each layer of the logit lens.
    ///   - patterns: which attention patterns are kept.
    ///   - keepsHidden: whether the residual streams are kept.
    ///   - seed: of the random tokens with which induction is measured.
    public init(
        top: Int = 10, lensTop: Int = 5, patterns: Patterns = .none, keepsHidden: Bool = false, seed: UInt64 = 1
    ) {
        (self.top, self.lensTop, self.patterns, self.keepsHidden) = (top, lensTop, patterns, keepsHidden)
        self.seed = seed
    }
}

/// Why a text cannot be explained, in one line.
public enum ExplanationError: Error, Equatable, CustomStringConvertible {
    /// The model has no weights.
    case noWeights(modelType: String)
    /// A text was given, and the model has no tokenizer.
    case noTokenizer
    /// There are no tokens.
    case empty
    /// A number that is no id of the model.
    case unknownToken(Int32, vocabularySize: Int)
    /// More tokens than the context of the model.
    case tooLong(tokens: Int, contextLength: Int)
    /// The attention of a layer, or of all, does not fit into memory.
    case tooLarge(tokens: Int, megabytes: Int, available: Int)
    /// The results are infinite or not numbers.
    case notFinite
    /// A layer that the model does not have.
    case noLayer(Int, count: Int)
    /// A head that the layer does not have.
    case noHead(Int, count: Int)

    public var description: String {
        switch self {
        case .noWeights(let modelType):
            "a model of type '\(modelType)' has no weights and no layers to look into; give a model that was trained by gradient "
                + "descent"
        case .noTokenizer: "the model has no tokenizer; give token ids"
        case .empty: "there are no tokens; give a text"
        case .unknownToken(let id, let vocabularySize):
            "\(id) is not a token id of the model: its ids are 0 to \(vocabularySize - 1)"
        case .tooLong(let tokens, let contextLength):
            "the text has \(tokens) tokens, more than the model's context of \(contextLength); give a shorter text"
        case .tooLarge(let tokens, let megabytes, let available):
            "the attention of \(tokens) tokens takes about \(megabytes) MB of memory, and \(available) MB are available; give a "
                + "shorter text"
        case .notFinite:
            "the results of the model are infinite or not numbers: its weights are too large; train it again with a lower "
                + "learning rate"
        case .noLayer(let layer, let count):
            count == 0
                ? "the model has no layers of attention"
                : "layer \(layer) does not exist: the model has the layers 0 to \(count - 1)"
        case .noHead(let head, let count):
            "head \(head) does not exist: the layer has the heads 0 to \(count - 1)"
        }
    }
}
