import Layers
import Tensors

/// A decoder-only transformer: embeddings, blocks of causal attention and feed-forward layers that read a normalised
/// residual stream and add to it, a last norm, and a classifier, which may be the token embedding again. What its blocks
/// are made of, and how it knows positions, are options of its configuration: GPT-2's, Llama's, Qwen3's, or others.
public final class Transformer: NeuralLanguageModel {
    public let configuration: TransformerConfiguration
    public let tokenEmbedding: Parameter
    /// Learned positions, if it has them.
    public let positionEmbedding: Parameter?
    public let blocks: [TransformerBlock]
    public let finalNorm: NormLayer
    private let untiedClassifier: Parameter?
    /// What is added to the embedding where that is not learned.
    private let sinusoids: AngleTable?

    /// A model with new weights: normal with deviation 0.02, and 0.02 / sqrt(2 layers) where a layer writes to the
    /// residual stream, so that its variance does not grow with depth; biases 0, norms 1. That is GPT-2's rule, used for
    /// all families; Hugging Face's Llama and Qwen3 begin with 0.02 everywhere.
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
        // In the paper the embedding is multiplied by sqrt(C) to stand beside waves of 1. Here the waves are made as small as
        // a new embedding is: the norms that read the sum see no difference, and the classifier keeps its scale.
        let frequencies = AngleTable.frequencies(width: C, base: 10_000)
        sinusoids =
            configuration.positions == .sinusoidal
            ? AngleTable(.sinusoidal, width: C, frequencies: frequencies, amplitude: deviation) : nil
    }

    public var modelType: String { configuration.family?.rawValue ?? "transformer" }
    public var vocabularySize: Int { configuration.vocabularySize }
    public var contextLength: Int? { configuration.contextLength }
    public var classifier: Parameter? { untiedClassifier ?? tokenEmbedding }

    /// Under Hugging Face's names for GPT-2, or else for Llama, whose names most models since have.
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
            tokens, offset: cache?.length ?? 0, hasPositions: positionEmbedding != nil, sinusoids: sinusoids)
        let tables = [tokenEmbedding, positionEmbedding].compactMap { $0 }  // (V, C), (N, C)
        var x = pass.dropout(pass.tape.apply(embedding, tables))  // (B, T, C)
        for (i, block) in blocks.enumerated() {
            x = block(x, pass, cache: cache?.layers[i])  // (B, T, C)
        }
        return finalNorm(x, pass)  // (B, T, C)
    }

    public func makeCache(sequences: Int) -> KVCache {
        KVCache(
            batch: sequences, capacity: configuration.contextLength, width: configuration.keyValueWidth,
            layers: blocks.count)
    }
}

extension TransformerConfiguration {
    /// The standard deviation of new weights.
    fileprivate var deviation: Double { 0.02 }

    /// GPT-2's names, or else Llama's, which cover every option.
    fileprivate var parameterNames: ParameterNames {
        if family == .gpt2 { return .gpt2 }
        var names = ParameterNames.llama
        // No Llama has a network without a gate: it is named, as it is stored, like GPT-2's.
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
            deviation: deviation, projectionDeviation: deviation / Double(2 * layers).squareRoot())
    }
}
