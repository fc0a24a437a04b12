import Layers
import Tensors

/// The smallest trained model: a table with a row for each token, the logits of the token after it.
///
/// Training converges to the frequencies of pairs of tokens. It is the baseline for every model with a longer context.
public final class BigramModel: NeuralLanguageModel {
    /// (V, V): row i has the logits of the token after token i.
    public let table: Parameter

    public convenience init(vocabularySize: Int, seed: UInt64) {
        self.init(vocabularySize: vocabularySize, weights: .random(seed: seed))
    }

    package init(vocabularySize: Int, weights: WeightInitializer) {
        var weights = weights
        table = Parameter(weights.normal([vocabularySize, vocabularySize], deviation: 0.02))
    }

    public var modelType: String { "bigram" }
    public var vocabularySize: Int { table.value.shape[0] }
    public var contextLength: Int? { nil }
    public var classifier: Parameter? { nil }
    public var parameters: [NamedParameter] { [NamedParameter("logits.weight", table)] }

    public func hidden(_ tokens: TokenBatch, _ pass: ForwardPass, cache: KVCache?) -> Variable {
        pass.apply(Embedding(tokens, hasPositions: false), table)  // (B, T, V)
    }

    public func makeCache(sequences: Int) -> KVCache { KVCache(batch: sequences, capacity: 0, width: 0, layers: 0) }
}
