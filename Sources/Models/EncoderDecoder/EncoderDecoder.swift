import Layers
import Tensors

/// An encoder-decoder: the transformer of "Attention is all you need" (Vaswani et al., 2017), as Marian has it.
///
///     memory = encoderBlock(... encoderBlock(sqrt(C) E[source] + positions))
///     x      = decoderBlock(... decoderBlock(sqrt(C) E[start, target...] + positions, memory), memory)
///     logits = x E' + b
///
/// The positions of a source attend to all of its positions; those of a target to the target up to themselves, and to all
/// positions of the memory. E is one embedding for sources, targets and the classifier, and b is constant in training.
public final class EncoderDecoder: TrainableModel {
    public let configuration: EncoderDecoderConfiguration
    /// E (V, C).
    public let embedding: Parameter
    /// b (1, V), which training does not change.
    public let logitsBias: Parameter
    public let encoderBlocks: [PostNormBlock]
    public let decoderBlocks: [PostNormBlock]
    private let sinusoids: AngleTable

    /// A model with new weights: normal with standard deviation 1 / sqrt(C) for the embedding, which is multiplied by
    /// sqrt(C) where it is read, and by Glorot's rule for all other matrices, as in the paper's implementation.
    public convenience init(_ configuration: EncoderDecoderConfiguration, seed: UInt64) {
        self.init(configuration, weights: .random(seed: seed))
    }

    package init(_ configuration: EncoderDecoderConfiguration, weights: WeightInitializer) {
        precondition(configuration.problem == nil, configuration.problem ?? "")
        self.configuration = configuration
        var weights = weights
        let c = configuration, C = c.width
        embedding = Parameter(weights.normal([c.vocabularySize, C], deviation: 1 / Double(C).squareRoot()))
        logitsBias = Parameter(Tensor([1, c.vocabularySize]), isTrained: false)
        func block(_ side: EncoderDecoderConfiguration.Side, _ mask: AttentionMask) -> BlockConfiguration {
            // Glorot's standard deviation sqrt(2 / (inputs + outputs)) of a square matrix.
            let deviation = 1 / Double(C).squareRoot()
            return BlockConfiguration(
                width: C, heads: side.heads, feedForwardWidth: side.feedForwardWidth,
                epsilon: EncoderDecoderConfiguration.normEpsilon, feedForward: c.feedForward,
                fusesQueriesKeysValues: false, attentionIsTransposed: true, feedForwardIsTransposed: true, mask: mask,
                names: .marian, deviation: deviation, projectionDeviation: deviation)
        }
        let encoder = block(c.encoder, .full), decoder = block(c.decoder, .causal)
        encoderBlocks = (0..<c.encoder.layers).map { _ in PostNormBlock(encoder, using: &weights) }
        decoderBlocks = (0..<c.decoder.layers).map { _ in PostNormBlock(decoder, readsMemory: true, using: &weights) }
        sinusoids = AngleTable(
            .sinesFirst, width: C, frequencies: AngleTable.frequencies(width: C, base: 10_000))
    }

    public var specification: ModelSpecification? { .encoderDecoder(configuration) }
    public var form: ModelForm { .encoderDecoder(self) }
    public var vocabularySize: Int { configuration.vocabularySize }
    public var contextLength: Int? { configuration.contextLength }
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.parameter.value.count } }

    /// With Hugging Face's names.
    public var parameters: [NamedParameter] {
        let names = ParameterNames.marian
        return [
            NamedParameter("final_logits_bias", logitsBias),
            NamedParameter(names.tokenEmbedding + ".weight", embedding),
        ]
            + encoderBlocks.enumerated().flatMap { $1.prefixed(by: "model.encoder.layers.\($0)") }
            + decoderBlocks.enumerated().flatMap { $1.prefixed(by: "model.decoder.layers.\($0)") }
    }

    // MARK: Computation

    /// The embeddings of tokens with their positions: (B, T, C).
    private func embed(_ tokens: TokenBatch, from start: StartPositions = .zero, _ pass: ForwardPass) -> Variable {
        let operation = Embedding(
            tokens, from: start, hasPositions: false, sinusoids: sinusoids,
            scale: configuration.scalesEmbeddings ? Float(Double(configuration.width).squareRoot()) : 1,
            paddingID: configuration.paddingToken)
        return pass.dropout(pass.apply(operation, embedding))
    }

    /// The output of the encoder for sources: (B, S, C), or (1, N, C) for sources of different lengths.
    package func encode(_ sources: TokenBatch, _ pass: ForwardPass) -> Variable {
        encoderBlocks.reduce(pass.residual(embed(sources, pass))) {
            pass.residual($1($0, pass, lengths: sources.lengths))
        }
    }

    /// The keys and values of the encoder's output in each block of the decoder.
    package func memories(
        of encoded: Variable, lengths: SequenceLengths?, _ pass: ForwardPass
    ) -> [CrossAttentionBlock.Memory] {
        decoderBlocks.map { block in
            guard let attention = block.crossAttention else { preconditionFailure("a decoder without cross-attention") }
            return attention.memory(encoded, pass, lengths: lengths)
        }
    }

    /// The last hidden vectors of targets: (B, T, C), or (1, N, C) for targets of different lengths.
    /// - Parameters:
    ///   - targets: the start token and the tokens of each target but the last; with a cache, those after it.
    ///   - memories: of each block.
    ///   - pass: the forward pass.
    ///   - cache: in generation, the keys and values of the tokens so far.
    package func decode(
        _ targets: TokenBatch, _ memories: [CrossAttentionBlock.Memory], _ pass: ForwardPass, cache: KVCache? = nil
    ) -> Variable {
        var x = pass.residual(embed(targets, from: cache?.next ?? .zero, pass))
        for (i, block) in decoderBlocks.enumerated() {
            x = pass.residual(block(x, pass, lengths: targets.lengths, cache: cache?.layers[i], memory: memories[i]))
        }
        return x
    }

    /// The output of the encoder for sources: (B, S, C), or (1, N, C) for sources of different lengths.
    public func hiddenVectors(_ sources: TokenBatch) -> Tensor { encode(sources, ForwardPass(.inference)).value }

    /// The logits at every position of targets: (B, T, V), or (1, N, V) for targets of different lengths.
    /// - Parameters:
    ///   - sources: as many sources as targets, of different lengths if the targets are.
    ///   - targets: the start token and the tokens of each target.
    public func logits(_ sources: TokenBatch, _ targets: TokenBatch) -> Tensor {
        let pass = ForwardPass(.inference)
        let memories = memories(of: encode(sources, pass), lengths: sources.lengths, pass)
        return logits(decode(targets, memories, pass)).reshaped(Shape(targets.dimensions + [vocabularySize]))
    }

    /// The logits of hidden vectors.
    package func logits(_ hidden: Variable) -> Tensor {
        DecodingProduct.apply(
            hidden.value, embedding, transposed: true, bias: logitsBias.value.reshaped([vocabularySize]))
    }

    // MARK: Loss

    /// The sum of the losses of a batch of pairs, in nats. With `scale`, the gradient of scale times that sum is added to the
    /// gradient of each parameter.
    /// - Parameters:
    ///   - sources: B sources.
    ///   - targets: for each, the start token and all tokens of the target but its end token.
    ///   - labels: the token that follows each token of the targets; one below 0 is ignored.
    ///   - smoothing: the share of the probability that label smoothing divides among all tokens.
    ///   - scale: 1 over the number of labels for the gradient of the mean; nil if no gradient is needed.
    ///   - dropout: the rate, and a key that no other pass of the run has.
    @discardableResult
    public func loss(
        _ sources: TokenBatch, _ targets: TokenBatch, labels: [Int32], smoothing: Float = 0,
        gradientScale scale: Float? = nil, dropout: (rate: Float, key: UInt64)? = nil
    ) -> Double {
        let pass = ForwardPass(scale == nil ? .inference : .recording, dropout: dropout)
        let memories = memories(of: encode(sources, pass), lengths: sources.lengths, pass)
        let hidden = decode(targets, memories, pass)
        return pass.evaluate(
            CrossEntropy(targets: labels, hasBias: true, smoothing: smoothing), [hidden, embedding, logitsBias],
            gradientScale: scale)
    }
}
