import Models

/// The rungs of the ladder of models, each trained, tested and sampled by the same commands.
public enum ModelKind: String, Sendable, CaseIterable {
    /// Counting: interpolated modified Kneser-Ney.
    case ngram
    /// A trained table of what follows each token.
    case bigram
    /// One head of self-attention.
    case attention
    /// A transformer.
    case gpt
}

/// What kind of model to train and how large, but for the vocabulary, which the text decides.
public struct ModelShape: Sendable, Equatable {
    public var kind: ModelKind
    /// What a `gpt` is made of.
    public var family = TransformerConfiguration.Family.gpt2
    /// Heads of keys and values of a `gpt`; nil for as many as there are of queries.
    public var keyValueHeads: Int?
    /// How a `gpt` knows positions; nil for its family's way.
    public var positions: Positions.Kind?
    /// Blocks of a `gpt`.
    public var layers: Int
    /// Attention heads of each block of a `gpt`.
    public var heads: Int
    /// C, of a `gpt` or an `attention` model.
    public var width: Int
    /// T, the longest sequence; for a `bigram`, which has no limit, the length of what it is trained on.
    public var context: Int
    /// n, of an `ngram`.
    public var order: Int

    public init(kind: ModelKind = .gpt, layers: Int, heads: Int, width: Int, context: Int, order: Int = 7) {
        self.kind = kind
        self.layers = layers
        self.heads = heads
        self.width = width
        self.context = context
        self.order = order
    }

    /// The shape of a model that exists; nil for one of no kind here. A `bigram` does not tell its context.
    public init?(of model: any LanguageModel) {
        switch model {
        case let model as Transformer:
            let c = model.configuration
            self.init(layers: c.layers, heads: c.heads, width: c.width, context: c.contextLength)
            family = c.closestFamily
            keyValueHeads = c.keyValueHeads
            positions = c.positions.kind
        case let model as AttentionModel:
            let c = model.configuration
            self.init(kind: .attention, layers: 1, heads: 1, width: c.width, context: c.contextLength)
        case is BigramModel: self.init(kind: .bigram, layers: 1, heads: 1, width: 1, context: 64)
        case let model as NGramModel:
            self.init(kind: .ngram, layers: 1, heads: 1, width: 1, context: 1, order: model.order)
        default: return nil
        }
    }

    /// Whether a model is of this shape.
    func fits(_ model: any LanguageModel) -> Bool {
        guard let other = ModelShape(of: model), other.kind == kind else { return false }
        return switch kind {
        case .gpt:
            (layers, heads, width, context) == (other.layers, other.heads, other.width, other.context)
                && options == other.options
        case .attention: (width, context) == (other.width, other.context)
        case .bigram: true
        case .ngram: order == other.order
        }
    }

    /// The transformer of this shape.
    public func transformer(vocabularySize: Int) -> TransformerConfiguration {
        var configuration = TransformerConfiguration(
            family, vocabularySize: vocabularySize, contextLength: context, layers: layers, heads: heads, width: width,
            keyValueHeads: keyValueHeads)
        if let positions, positions != configuration.positions.kind { configuration.positions = Positions(positions) }
        return configuration
    }

    /// What distinguishes a `gpt` of this shape from others of its size, in words.
    var options: [String] {
        let configuration = transformer(vocabularySize: 1)
        return [family.rawValue, "\(configuration.keyValueHeads)", configuration.positions.kind.rawValue]
    }

    /// What is wrong with the shape, in one line, if anything is.
    public var problem: String? {
        switch kind {
        case .gpt: transformer(vocabularySize: 1).problem
        case .attention, .bigram:
            if !(1...1 << 24).contains(context) {
                "the context is \(context), which is not between 1 and \(1 << 24)"
            } else if kind == .attention, !(1...1 << 24).contains(width) {
                "the width is \(width), which is not between 1 and \(1 << 24)"
            } else {
                nil
            }
        case .ngram:
            (1...NGramModel.maximumOrder).contains(order)
                ? nil : "the order is \(order), which is not between 1 and \(NGramModel.maximumOrder)"
        }
    }

    /// A new model that learns by gradient descent; nil for one that counts.
    public func makeNeuralModel(vocabularySize: Int, seed: UInt64) -> (any NeuralLanguageModel)? {
        switch kind {
        case .ngram: nil
        case .bigram: BigramModel(vocabularySize: vocabularySize, seed: seed)
        case .attention:
            AttentionModel(
                .init(vocabularySize: vocabularySize, contextLength: context, width: width), seed: seed)
        case .gpt: Transformer(transformer(vocabularySize: vocabularySize), seed: seed)
        }
    }
}
