import Layers
import Tensors

/// The shape of a transformer of the GPT-2 family.
public struct TransformerConfiguration: Sendable, Hashable {
    /// The activation between the two halves of the feed-forward block.
    public enum ActivationFunction: String, Sendable, CaseIterable {
        /// GELU by its tanh approximation, GPT-2's.
        case gelu
        case relu
    }

    /// V, the number of token ids.
    public var vocabularySize: Int
    /// The longest sequence, and the number of learned positions.
    public var contextLength: Int
    /// The number of blocks.
    public var layers: Int
    /// Attention heads of each block; they divide the width.
    public var heads: Int
    /// C, the length of the vectors of the residual stream.
    public var width: Int
    /// The width within the feed-forward block.
    public var innerWidth: Int
    public var activation: ActivationFunction
    /// Added to the variance in layer normalisation.
    public var layerNormEpsilon: Double
    /// Whether the classifier is the token embedding itself.
    public var tiesEmbeddings: Bool

    public init(
        vocabularySize: Int, contextLength: Int, layers: Int, heads: Int, width: Int, innerWidth: Int? = nil,
        activation: ActivationFunction = .gelu, layerNormEpsilon: Double = 1e-5, tiesEmbeddings: Bool = true
    ) {
        self.vocabularySize = vocabularySize
        self.contextLength = contextLength
        self.layers = layers
        self.heads = heads
        self.width = width
        // Wraps for a width that `problem` refuses, rather than trap before it can.
        self.innerWidth = innerWidth ?? 4 &* width
        self.activation = activation
        self.layerNormEpsilon = layerNormEpsilon
        self.tiesEmbeddings = tiesEmbeddings
    }

    /// What is wrong with the shape, in one line, if anything is.
    public var problem: String? {
        // The limits keep every product of them within 64 bits.
        for (name, value, limit) in [
            ("vocabulary", vocabularySize, 1 << 24), ("context", contextLength, 1 << 24), ("width", width, 1 << 20),
            ("number of heads", heads, 1 << 20), ("inner width", innerWidth, 1 << 22),
            ("number of layers", layers, 4096),
        ] where value < 1 || value > limit {
            return "the \(name) is \(value), which is not between 1 and \(limit)"
        }
        if width % heads != 0 { return "the width \(width) is not a multiple of the number of heads \(heads)" }
        guard layerNormEpsilon > 0, layerNormEpsilon < 1 else {
            return "the epsilon of layer normalisation is \(layerNormEpsilon), not between 0 and 1"
        }
        return nil
    }

    /// How many parameters a model of this shape has, known before any memory is taken.
    public var parameterCount: Int {
        let block =
            3 * width * width + 3 * width + width * width + width
            + 2 * width * innerWidth + innerWidth + width + 4 * width
        return (tiesEmbeddings ? 1 : 2) * vocabularySize * width + contextLength * width + layers * block + 2 * width
    }

    /// Floating-point operations of training on one token with sequences of `length`: 6 for each parameter that
    /// multiplies (all but the positions, and the token embedding unless it is the classifier too), and 12 L C T for
    /// attention (Kaplan et al., 2020, counting all of the scores).
    public func trainingFlopsPerToken(length: Int) -> Double {
        let lookedUp = (tiesEmbeddings ? 0 : vocabularySize * width) + contextLength * width
        return 6 * Double(parameterCount - lookedUp) + 12 * Double(layers * width * length)
    }
}

/// A decoder-only transformer as in GPT-2 (Radford et al., 2019): token and position embeddings, blocks of causal
/// attention and feed-forward layers that read a normalised residual stream and add to it, a last norm, and a classifier
/// that is the token embedding again.
public final class Transformer: NeuralLanguageModel {
    public let configuration: TransformerConfiguration
    public let tokenEmbedding: Parameter
    public let positionEmbedding: Parameter
    public let blocks: [TransformerBlock]
    public let finalNorm: NormLayer
    private let untiedClassifier: Parameter?

    /// A model with new weights: normal with deviation 0.02, and 0.02 / sqrt(2 layers) where a layer writes to the
    /// residual stream, so that its variance does not grow with depth; biases 0, norms 1.
    public convenience init(_ configuration: TransformerConfiguration, seed: UInt64) {
        self.init(configuration, weights: .random(seed: seed))
    }

    package init(_ configuration: TransformerConfiguration, weights: WeightInitializer) {
        precondition(configuration.problem == nil, configuration.problem ?? "")
        self.configuration = configuration
        var weights = weights
        let deviation = 0.02, C = configuration.width
        let projectionDeviation = deviation / Double(2 * configuration.layers).squareRoot()
        tokenEmbedding = Parameter(weights.normal([configuration.vocabularySize, C], deviation: deviation))
        positionEmbedding = Parameter(weights.normal([configuration.contextLength, C], deviation: deviation))
        blocks = (0..<configuration.layers).map { _ in
            TransformerBlock(
                width: C, heads: configuration.heads, innerWidth: configuration.innerWidth,
                activation: configuration.activation.operation, epsilon: configuration.layerNormEpsilon,
                deviation: deviation, projectionDeviation: projectionDeviation, using: &weights)
        }
        finalNorm = NormLayer(width: C, epsilon: configuration.layerNormEpsilon)
        untiedClassifier =
            configuration.tiesEmbeddings
            ? nil : Parameter(weights.normal([configuration.vocabularySize, C], deviation: deviation))
    }

    public var modelType: String { "gpt2" }
    public var vocabularySize: Int { configuration.vocabularySize }
    public var contextLength: Int? { configuration.contextLength }
    public var classifier: Parameter? { untiedClassifier ?? tokenEmbedding }

    /// Under the names of Hugging Face's GPT-2.
    public var parameters: [NamedParameter] {
        [
            NamedParameter("transformer.wte.weight", tokenEmbedding),
            NamedParameter("transformer.wpe.weight", positionEmbedding),
        ]
            + blocks.enumerated().flatMap { $1.prefixed(by: "transformer.h.\($0)") }
            + finalNorm.prefixed(by: "transformer.ln_f")
            + (untiedClassifier.map { [NamedParameter("lm_head.weight", $0)] } ?? [])
    }

    public func hidden(_ tokens: TokenBatch, _ pass: ForwardPass, cache: KVCache?) -> Variable {
        let embedding = Embedding(tokens, offset: cache?.length ?? 0)
        var x = pass.dropout(pass.tape.apply(embedding, tokenEmbedding, positionEmbedding))
        for (i, block) in blocks.enumerated() { x = block(x, pass, cache: cache?.layers[i]) }
        return finalNorm(x, pass)
    }

    public func makeCache(sequences: Int) -> KVCache {
        KVCache(
            batch: sequences, capacity: configuration.contextLength, width: configuration.width, layers: blocks.count)
    }
}

extension TransformerConfiguration.ActivationFunction {
    fileprivate var operation: Activation {
        switch self {
        case .gelu: .gelu
        case .relu: .relu
        }
    }
}
