import Layers
import Tensors

/// The smallest trained model: a table with a row for each token, the logits of the token after it.
///
/// Training converges to the frequencies of pairs of tokens. It is the baseline for every model with a longer context.
public final class BigramModel: NeuralLanguageModel {
    public struct Configuration: Sendable, Hashable {
        public var vocabularySize: Int

        public init(vocabularySize: Int = ModelSpecification.unknownVocabularySize) {
            self.vocabularySize = vocabularySize
        }
    }

    /// (V, V): row i has the logits of the token after token i.
    public let table: Parameter

    public convenience init(vocabularySize: Int, seed: UInt64) {
        self.init(Configuration(vocabularySize: vocabularySize), weights: .random(seed: seed))
    }

    package init(_ configuration: Configuration, weights: WeightInitializer) {
        var weights = weights
        let vocabularySize = configuration.vocabularySize
        table = Parameter(weights.normal([vocabularySize, vocabularySize], deviation: 0.02))
    }

    public var specification: ModelSpecification? { .bigram(Configuration(vocabularySize: vocabularySize)) }
    public var vocabularySize: Int { table.value.shape[0] }
    public var contextLength: Int? { nil }
    public var classifier: Parameter? { nil }
    public var parameters: [NamedParameter] { [NamedParameter("logits.weight", table)] }

    public func hidden(_ tokens: TokenBatch, _ pass: ForwardPass, cache: KVCache?) -> Variable {
        pass.apply(Embedding(tokens, hasPositions: false), table)  // (B, T, V)
    }

    public func makeCache() -> KVCache { KVCache(batch: 1, capacity: 0, width: 0, layers: 0) }
}
