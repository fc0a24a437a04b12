import Layers

/// The shape of an encoder: a transformer whose positions attend to all positions of their sequence.
///
/// The arithmetic, the parameters and the form on disk are those of BERT (Devlin et al., 2019) in Hugging Face's
/// transformers: learned positions, token types, and post-norm blocks.
public struct EncoderConfiguration: Sendable, Hashable {
    /// What the hidden vectors are used for.
    public enum Head: Sendable, Hashable {
        /// Nothing: the hidden vectors are the result (`BertModel`), with a pooler if `hasPooler`.
        case none(hasPooler: Bool)
        /// A classifier of whole sequences (`BertForSequenceClassification`), with the names of the labels.
        case classifier(labels: [String])
        /// The logits of masked tokens (`BertForMaskedLM`).
        case maskedTokens
    }

    /// V, the number of token ids.
    public var vocabularySize: Int
    /// The longest sequence, which is the number of learned positions.
    public var contextLength: Int
    /// The number of token types: 2 for pairs of texts.
    public var tokenTypes: Int
    /// The number of blocks.
    public var layers: Int
    /// The number of attention heads of each block.
    public var heads: Int
    /// C, the length of the hidden vectors.
    public var width: Int
    /// F, the width of the hidden layer of the feed-forward network.
    public var feedForwardWidth: Int
    public var feedForward: FeedForwardKind
    /// Added to the variance in norms.
    public var normEpsilon: Double
    public var head: Head

    /// - Parameters:
    ///   - vocabularySize: V.
    ///   - contextLength: the longest sequence.
    ///   - tokenTypes: the number of token types.
    ///   - layers: the number of blocks.
    ///   - heads: the number of attention heads.
    ///   - width: C.
    ///   - feedForwardWidth: F; by default four times the width.
    ///   - feedForward: the kind of feed-forward network, one without a gate.
    ///   - normEpsilon: added to the variance in norms.
    ///   - head: what the hidden vectors are used for.
    public init(
        vocabularySize: Int = ModelSpecification.unknownVocabularySize, contextLength: Int, tokenTypes: Int = 2,
        layers: Int, heads: Int, width: Int, feedForwardWidth: Int? = nil, feedForward: FeedForwardKind = .exactGELU,
        normEpsilon: Double = 1e-12, head: Head
    ) {
        self.vocabularySize = vocabularySize
        self.contextLength = contextLength
        self.tokenTypes = tokenTypes
        self.layers = layers
        self.heads = heads
        self.width = width
        self.feedForwardWidth = feedForwardWidth ?? 4 &* width
        self.feedForward = feedForward
        self.normEpsilon = normEpsilon
        self.head = head
    }

    /// The model with other sizes. The width of the feed-forward network changes with that of the model.
    public func with(_ options: TransformerOptions) -> EncoderConfiguration {
        var changed = self
        if let layers = options.layers { changed.layers = layers }
        if let heads = options.heads { changed.heads = heads }
        if let width = options.width {
            changed.width = width
            changed.feedForwardWidth = 4 &* width
        }
        return changed
    }

    /// The names of the labels; none without a classifier.
    public var labels: [String] {
        if case .classifier(let labels) = head { labels } else { [] }
    }

    /// Whether the first hidden vector of each sequence passes through a linear layer and tanh: the pooler.
    public var hasPooler: Bool {
        switch head {
        case .none(let hasPooler): hasPooler
        case .classifier: true
        case .maskedTokens: false
        }
    }

    /// An error message of one line, if the shape is invalid.
    public var problem: String? {
        for (name, value, limit) in [
            ("vocabulary", vocabularySize, 1 << 24), ("context", contextLength, 1 << 24), ("width", width, 1 << 20),
            ("number of token types", tokenTypes, 1 << 10), ("number of heads", heads, 1 << 20),
            ("feed-forward width", feedForwardWidth, 1 << 22), ("number of layers", layers, 4096),
        ] where value < 1 || value > limit {
            return "the \(name) is \(value), which is not between 1 and \(limit)"
        }
        if width % heads != 0 { return "the width \(width) is not a multiple of the number of heads \(heads)" }
        if feedForward.isGated { return "the feed-forward network of an encoder has no gate" }
        if case .classifier(let labels) = head {
            if labels.count < 2 || labels.count > 1 << 20 {
                return "the number of labels is \(labels.count), which is not between 2 and \(1 << 20)"
            }
            if Set(labels).count != labels.count { return "two labels have the same name" }
        }
        guard normEpsilon > 0, normEpsilon < 1 else {
            return "the epsilon of the norms is \(normEpsilon), not between 0 and 1"
        }
        return nil
    }

    /// The number of parameters of a model of this shape, in a number type that can be a `Double` for shapes too large for
    /// an `Int`.
    package func parameterCount<Number: Numeric>(in number: (Int) -> Number) -> Number {
        let (V, C, F) = (number(vocabularySize), number(width), number(feedForwardWidth))
        let square = C * C + C, norm = number(2) * C
        let block = number(4) * square + number(2) * C * F + F + C + norm + norm
        let embeddings = (V + number(contextLength) + number(tokenTypes)) * C + norm
        let headCount: Number =
            switch head {
            case .none: number(0)
            case .classifier(let labels): number(labels.count) * (C + number(1))
            case .maskedTokens: square + norm + V
            }
        return embeddings + number(layers) * block + (hasPooler ? square : number(0)) + headCount
    }
}
