import Layers
import Tensors

/// A decoder-only transformer: embeddings, blocks of causal attention and feed-forward networks that read the
/// normalised residual stream and add to it, a final norm, and a classifier, which may be the token embedding. The
/// options of its configuration give GPT-2, Llama, Qwen3 and other combinations.
public final class Transformer: NeuralLanguageModel {
    public let configuration: TransformerConfiguration
    public let tokenEmbedding: Parameter
    /// Learned positions (N, C), if any.
    public let positionEmbedding: Parameter?
    public let blocks: [TransformerBlock]
    public let finalNorm: NormLayer
    private let untiedClassifier: Parameter?
    /// Sinusoidal positions, if any.
    private let sinusoids: AngleTable?

    /// A model with new weights: normal with standard deviation 0.02, or 0.02 / sqrt(2 layers) for layers that write to
    /// the residual stream, so that its variance does not grow with depth; biases 0, norms 1. This is GPT-2's rule,
    /// used for all families; Hugging Face's Llama and Qwen3 start with 0.02 everywhere.
    public convenience init(_ configuration: TransformerConfiguration, seed: UInt64) {
        self.init(configuration, weights: .random(seed: seed))
    }

    package init(_ configuration: TransformerConfiguration, weights: WeightInitializer) {
        precondition(configuration.problem == nil, configuration.problem ?? "")
        self.configuration = configuration
        var weights = weights
        let (V, C, deviation) = (configuration.vocabularySize, configuration.width, configuration.deviation)
        let isLearned = configuration.positions == .learned
        tokenEmbedding = Parameter(weights.normal([V, C], deviation: deviation))
        positionEmbedding =
            isLearned ? Parameter(weights.normal([configuration.contextLength, C], deviation: deviation)) : nil
        let block = configuration.block
        blocks = (0..<configuration.layers).map { _ in TransformerBlock(block, using: &weights) }
        finalNorm = NormLayer(width: C, epsilon: configuration.normEpsilon, configuration.normalization)
        untiedClassifier =
            configuration.tiesEmbeddings ? nil : Parameter(weights.normal([V, C], deviation: deviation))
        // In the paper the embedding is multiplied by sqrt(C) to match waves of amplitude 1. Here the waves are made as
        // small as a new embedding: the norms that read the sum remove the scale, and the classifier keeps the usual
        // one.
        let frequencies = AngleTable.frequencies(width: C, base: 10_000)
        sinusoids =
            configuration.positions == .sinusoidal
            ? AngleTable(.sinusoidal, width: C, frequencies: frequencies, amplitude: deviation) : nil
    }

    public var specification: ModelSpecification? { .transformer(configuration) }
    public var vocabularySize: Int { configuration.vocabularySize }
    public var contextLength: Int? { configuration.contextLength }
    public var classifier: Parameter? { untiedClassifier ?? tokenEmbedding }

    /// With Hugging Face's names for GPT-2 or, for all other models, for Llama.
    public var parameters: [NamedParameter] {
        let names = configuration.parameterNames
        return [NamedParameter(names.tokenEmbedding + ".weight", tokenEmbedding)]
            + (positionEmbedding.map { [NamedParameter(names.positionEmbedding + ".weight", $0)] } ?? [])
            + blocks.enumerated().flatMap { $1.prefixed(by: "\(names.blocks).\($0)") }
            + finalNorm.prefixed(by: names.finalNorm)
            + (untiedClassifier.map { [NamedParameter(names.classifier + ".weight", $0)] } ?? [])
    }

    public func hidden(_ tokens: TokenBatch, _ pass: ForwardPass, cache: KVCache?) -> Variable {
        let embedding = Embedding(
            tokens, from: cache?.next ?? .zero, hasPositions: positionEmbedding != nil, sinusoids: sinusoids)
        var x = pass.residual(pass.dropout(pass.apply(embedding, tokenEmbedding, positionEmbedding)))  // (B, T, C)
        for i in blocks.indices {
            x = pass.residual(blocks[i](x, pass, cache: cache?.layers[i]))  // (B, T, C)
        }
        return finalNorm(x, pass)  // (B, T, C)
    }

    public func makeCache() -> KVCache {
        KVCache(
            batch: 1, capacity: configuration.contextLength, width: configuration.keyValueWidth,
            layers: blocks.count)
    }
}

extension TransformerConfiguration {
    /// The standard deviation of new weights.
    fileprivate var deviation: Double { 0.02 }

    /// GPT-2's names, or else Llama's, which cover every option.
    package var parameterNames: ParameterNames {
        if family == .gpt2 { return .gpt2 }
        var names = ParameterNames.llama
        // A network without a gate has the names of GPT-2's, as it has its layout.
        if !feedForward.isGated {
            (names.expansion, names.projection) = (ParameterNames.gpt2.expansion, ParameterNames.gpt2.projection)
        }
        return names
    }

    /// The configuration of every block. All blocks share one table of rotations.
    fileprivate var block: BlockConfiguration {
        var rotations: AngleTable?
        if case .rotary(let frequencies) = positions {
            rotations = AngleTable(
                .rotary, width: headSize, frequencies: frequencies.values(headSize: headSize))
        }
        return BlockConfiguration(
            width: width, heads: heads, keyValueHeads: keyValueHeads, headSize: headSize,
            feedForwardWidth: feedForwardWidth, normalization: normalization, epsilon: normEpsilon,
            feedForward: feedForward, usesQKNorm: usesQKNorm, fusesQueriesKeysValues: family == .gpt2,
            attentionIsTransposed: family != .gpt2, biases: biases, names: parameterNames, rotations: rotations,
            slopes: positions == .linearBiases ? Positions.slopes(heads: heads) : nil,
            deviation: deviation, projectionDeviation: deviation / Double(2 * layers).squareRoot())
    }
}
