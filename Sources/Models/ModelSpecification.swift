import Layers
import Tensors

/// What a model is: its kind, and everything that decides its parameters.
///
/// Whatever follows from that follows here, in exhaustive switches: sizes and limits in this file, arithmetic and memory in
/// `ModelSpecification+Cost.swift`, the description for people in `ModelSummary`; and config.json in the module
/// Interchange. So a new kind of model is one more case, and the compiler names every place that must treat it.
public enum ModelSpecification: Sendable, Hashable {
    /// Counts of n-grams with interpolated modified Kneser-Ney smoothing.
    case ngram(NGramModel.Configuration)
    /// A trained table of next-token logits.
    case bigram(BigramModel.Configuration)
    /// A single head of self-attention.
    case attention(AttentionModel.Configuration)
    /// A decoder-only transformer.
    case transformer(TransformerConfiguration)
    /// An encoder, which is no language model.
    case encoder(EncoderConfiguration)
    /// An encoder and a decoder that attends to its output.
    case encoderDecoder(EncoderDecoderConfiguration)

    /// The kinds of model, by the names that commands and files use.
    public enum Kind: String, Sendable, CaseIterable {
        case ngram, bigram, attention, gpt, encoder
        case encoderDecoder = "encoder-decoder"

        /// Whether models of this kind are trained by gradient descent.
        public var isTrained: Bool { self != .ngram }

        /// The kinds that predict the next token of a text.
        public static let languageModels = allCases.filter { ![.encoder, .encoderDecoder].contains($0) }
    }

    /// A decoder-only transformer of a family, whose other sizes are the usual ones.
    public static func gpt(
        _ family: TransformerConfiguration.Family = .llama, layers: Int, heads: Int, width: Int, context: Int,
        vocabularySize: Int = unknownVocabularySize
    ) -> ModelSpecification {
        .transformer(
            TransformerConfiguration(
                family, vocabularySize: vocabularySize, contextLength: context, layers: layers, heads: heads,
                width: width))
    }

    /// The vocabulary size of a specification that is made before the tokenizer is known.
    public static let unknownVocabularySize = 1

    /// How many tokens of a prompt a model without a context reads at a time.
    package static let promptChunkLength = 1024

    public var kind: Kind {
        switch self {
        case .ngram: .ngram
        case .bigram: .bigram
        case .attention: .attention
        case .transformer: .gpt
        case .encoder: .encoder
        case .encoderDecoder: .encoderDecoder
        }
    }

    /// `model_type` in config.json: for a transformer of a family that of Hugging Face's model.
    public var modelType: String {
        switch self {
        case .ngram: "ngram"
        case .bigram: "bigram"
        case .attention: "attention"
        case .transformer(let c): c.family?.rawValue ?? TransformerConfiguration.customType
        case .encoder: "bert"
        case .encoderDecoder: "marian"
        }
    }

    /// V: ids are 0 ..< V.
    public var vocabularySize: Int {
        get {
            switch self {
            case .ngram(let c): c.vocabularySize
            case .bigram(let c): c.vocabularySize
            case .attention(let c): c.vocabularySize
            case .transformer(let c): c.vocabularySize
            case .encoder(let c): c.vocabularySize
            case .encoderDecoder(let c): c.vocabularySize
            }
        }
        set {
            switch self {
            case .ngram(var c):
                c.vocabularySize = newValue
                self = .ngram(c)
            case .bigram(var c):
                c.vocabularySize = newValue
                self = .bigram(c)
            case .attention(var c):
                c.vocabularySize = newValue
                self = .attention(c)
            case .transformer(var c):
                c.vocabularySize = newValue
                self = .transformer(c)
            case .encoder(var c):
                c.vocabularySize = newValue
                self = .encoder(c)
            case .encoderDecoder(var c):
                c.vocabularySize = newValue
                self = .encoderDecoder(c)
            }
        }
    }

    /// The longest sequence; nil where there is no limit.
    public var contextLength: Int? {
        switch self {
        case .ngram, .bigram: nil
        case .attention(let c): c.contextLength
        case .transformer(let c): c.contextLength
        case .encoder(let c): c.contextLength
        case .encoderDecoder(let c): c.contextLength
        }
    }

    /// Sets the longest sequence of a model that has a limit. Others stay as they are.
    public mutating func setContextLength(_ length: Int) {
        switch self {
        case .ngram, .bigram: break
        case .attention(var c):
            c.contextLength = length
            self = .attention(c)
        case .transformer(var c):
            c.contextLength = length
            self = .transformer(c)
        case .encoder(var c):
            c.contextLength = length
            self = .encoder(c)
        case .encoderDecoder(var c):
            c.contextLength = length
            self = .encoderDecoder(c)
        }
    }

    /// What is wrong with the specification, in one line; nil where nothing is.
    public var problem: String? {
        func outside(_ name: String, _ value: Int, _ range: ClosedRange<Int>) -> String? {
            range.contains(value)
                ? nil : "the \(name) is \(value), which is not between \(range.lowerBound) and \(range.upperBound)"
        }
        return switch self {
        case .ngram(let c): outside("order", c.order, 1...NGramModel.maximumOrder)
        case .bigram: nil
        case .attention(let c):
            outside("context", c.contextLength, 1...1 << 24) ?? outside("width", c.width, 1...1 << 24)
        case .transformer(let c): c.problem
        case .encoder(let c): c.problem
        case .encoderDecoder(let c): c.problem
        }
    }

    /// The names of the parameters in the order of the model; none for a model that is counted. They do not depend on sizes, so
    /// they can be listed although the model is larger than memory.
    package var namesOfParameters: [String] {
        var small = self
        small.vocabularySize = 1
        switch small {
        case .ngram, .bigram: break
        case .attention(var c):
            (c.contextLength, c.width) = (1, 1)
            small = .attention(c)
        case .transformer(var c):
            (c.contextLength, c.width, c.feedForwardWidth) = (1, 2, 1)
            (c.heads, c.keyValueHeads, c.headSize) = (1, 1, 2)
            small = .transformer(c)
        case .encoder(var c):
            (c.contextLength, c.tokenTypes, c.width, c.feedForwardWidth, c.heads) = (1, 1, 1, 1, 1)
            small = .encoder(c)
        case .encoderDecoder(var c):
            (c.contextLength, c.width, c.startToken, c.endToken) = (1, 1, 0, 0)
            (c.encoder.heads, c.encoder.feedForwardWidth) = (1, 1)
            (c.decoder.heads, c.decoder.feedForwardWidth) = (1, 1)
            small = .encoderDecoder(c)
        }
        return small.makeModel(.uninitialized)?.parameters.map(\.name) ?? []
    }

    /// A new model with these weights; nil for a model that is counted.
    package func makeModel(_ weights: WeightInitializer) -> (any TrainableModel)? {
        switch self {
        case .ngram: nil
        case .bigram(let c): BigramModel(c, weights: weights)
        case .attention(let c): AttentionModel(c, weights: weights)
        case .transformer(let c): Transformer(c, weights: weights)
        case .encoder(let c): Encoder(c, weights: weights)
        case .encoderDecoder(let c): EncoderDecoder(c, weights: weights)
        }
    }

    /// A new language model with random weights, to be trained by gradient descent; nil for a model that is counted or is no
    /// language model.
    /// - Precondition: `problem` is nil, and the vocabulary size is that of the tokenizer.
    public func makeNeuralModel(seed: UInt64) -> (any NeuralLanguageModel)? { makeModel(.random(seed: seed))?.neural }
}
