import Layers
import Tensors

/// A single head of self-attention: tokens and positions are embedded, each position attends to itself and those before
/// it, and a classifier computes logits. It is the step between a bigram and a transformer.
public final class AttentionModel: NeuralLanguageModel {
    public struct Configuration: Sendable, Hashable {
        public var vocabularySize: Int
        public var contextLength: Int
        /// C, the length of the vectors, and the size of the head.
        public var width: Int

        public init(
            vocabularySize: Int = ModelSpecification.unknownVocabularySize, contextLength: Int, width: Int
        ) {
            self.vocabularySize = vocabularySize
            self.contextLength = contextLength
            self.width = width
        }
    }

    public let configuration: Configuration
    public let tokenEmbedding: Parameter
    public let positionEmbedding: Parameter
    public let attention: AttentionBlock
    private let head: Parameter

    public convenience init(_ configuration: Configuration, seed: UInt64) {
        self.init(configuration, weights: .random(seed: seed))
    }

    package init(_ configuration: Configuration, weights: WeightInitializer) {
        self.configuration = configuration
        var weights = weights
        let (V, C) = (configuration.vocabularySize, configuration.width)
        // There is no norm to set the scale, so the weights preserve the variance of their inputs.
        let deviation = 1 / Double(C).squareRoot()
        tokenEmbedding = Parameter(weights.normal([V, C], deviation: 1))
        positionEmbedding = Parameter(weights.normal([configuration.contextLength, C], deviation: 0.5))
        attention = AttentionBlock(
            BlockConfiguration(width: C, heads: 1, deviation: deviation, projectionDeviation: deviation),
            using: &weights)
        head = Parameter(weights.normal([V, C], deviation: 0.02))
    }

    public var specification: ModelSpecification? { .attention(configuration) }
    public var vocabularySize: Int { configuration.vocabularySize }
    public var contextLength: Int? { configuration.contextLength }
    public var classifier: Parameter? { head }

    public var parameters: [NamedParameter] {
        [NamedParameter("wte.weight", tokenEmbedding), NamedParameter("wpe.weight", positionEmbedding)]
            + attention.prefixed(by: "attn") + [NamedParameter("lm_head.weight", head)]
    }

    public func hidden(_ tokens: TokenBatch, _ pass: ForwardPass, cache: KVCache?) -> Variable {
        let embedding = Embedding(tokens, from: cache?.next ?? .zero)
        let x = pass.residual(pass.dropout(pass.apply(embedding, tokenEmbedding, positionEmbedding)))  // (B, T, C)
        return pass.residual(pass.dropout(attention(x, pass, cache: cache?.layers[0])))  // (B, T, C)
    }

    public func makeCache() -> KVCache {
        KVCache(batch: 1, capacity: configuration.contextLength, width: configuration.width, layers: 1)
    }
}
