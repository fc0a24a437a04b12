import Layers
import Tensors

/// An encoder: every position of a sequence attends to all of its positions, before and after. BERT (Devlin et al., 2019).
///
///     x = norm(tokenEmbedding[ids] + positionEmbedding[0 ..< T] + typeEmbedding[types])
///     x = block(x)                      for each block, see `PostNormBlock`
///
/// A classifier uses only the hidden vector of the first position (`[CLS]`), which represents the whole sequence:
///
///     pooled = tanh(x[0] Wp + bp),   logits = pooled Wc + bc
///
/// A masked language model predicts the tokens of positions that were masked:
///
///     logits = norm(gelu(x Wt + bt)) E' + b,   where E is the token embedding
///
/// Sequences may have different lengths. They are stored without padding, and the result for one sequence does not depend on
/// the others.
public final class Encoder: TrainableModel {
    public let configuration: EncoderConfiguration
    public let tokenEmbedding: Parameter
    public let positionEmbedding: Parameter
    public let typeEmbedding: Parameter
    public let embeddingNorm: NormLayer
    public let blocks: [PostNormBlock]
    /// The layer before tanh that reads the first position, if any.
    public let pooler: LinearLayer?
    private let classifier: LinearLayer?
    private let maskedHead: MaskedHead?

    /// What computes the logits of masked tokens, without the token embedding.
    private struct MaskedHead {
        let transform: LinearLayer
        let norm: NormLayer
        let bias: Parameter
    }

    /// A model with new weights: normal with standard deviation 0.02, biases 0, norms 1, as BERT's.
    public convenience init(_ configuration: EncoderConfiguration, seed: UInt64) {
        self.init(configuration, weights: .random(seed: seed))
    }

    package init(_ configuration: EncoderConfiguration, weights: WeightInitializer) {
        precondition(configuration.problem == nil, configuration.problem ?? "")
        self.configuration = configuration
        var weights = weights
        let c = configuration, C = c.width, deviation = 0.02
        func linear(outputs: Int) -> LinearLayer {
            LinearLayer(
                inputs: C, outputs: outputs, isTransposed: true, isHidden: false, deviation: deviation,
                using: &weights)
        }
        func norm() -> NormLayer { NormLayer(width: C, epsilon: c.normEpsilon) }
        tokenEmbedding = Parameter(weights.normal([c.vocabularySize, C], deviation: deviation))
        positionEmbedding = Parameter(weights.normal([c.contextLength, C], deviation: deviation))
        typeEmbedding = Parameter(weights.normal([c.tokenTypes, C], deviation: deviation))
        embeddingNorm = norm()
        let block = BlockConfiguration(
            width: C, heads: c.heads, feedForwardWidth: c.feedForwardWidth, epsilon: c.normEpsilon,
            feedForward: c.feedForward, fusesQueriesKeysValues: false, attentionIsTransposed: true,
            feedForwardIsTransposed: true, mask: .full, names: .bert, deviation: deviation,
            projectionDeviation: deviation)
        blocks = (0..<c.layers).map { _ in PostNormBlock(block, using: &weights) }
        pooler = c.hasPooler ? linear(outputs: C) : nil
        switch c.head {
        case .none: (classifier, maskedHead) = (nil, nil)
        case .classifier(let labels): (classifier, maskedHead) = (linear(outputs: labels.count), nil)
        case .maskedTokens:
            classifier = nil
            maskedHead = MaskedHead(
                transform: linear(outputs: C), norm: norm(), bias: Parameter(Tensor([c.vocabularySize])))
        }
    }

    public var specification: ModelSpecification? { .encoder(configuration) }
    public var form: ModelForm { .encoder(self) }
    public var vocabularySize: Int { configuration.vocabularySize }
    public var contextLength: Int? { configuration.contextLength }
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.parameter.value.count } }

    /// With Hugging Face's names.
    public var parameters: [NamedParameter] {
        let names = ParameterNames.bert
        var body = [
            NamedParameter(names.tokenEmbedding + ".weight", tokenEmbedding),
            NamedParameter(names.positionEmbedding + ".weight", positionEmbedding),
            NamedParameter("embeddings.token_type_embeddings.weight", typeEmbedding),
        ]
        body += embeddingNorm.prefixed(by: "embeddings.LayerNorm")
        body += blocks.enumerated().flatMap { $1.prefixed(by: "\(names.blocks).\($0)") }
        body += pooler?.prefixed(by: "pooler.dense") ?? []
        // A model without a head is stored without a prefix.
        if case .none = configuration.head { return body }
        body = body.map { NamedParameter("bert." + $0.name, $0.parameter) }
        body += classifier?.prefixed(by: names.classifier) ?? []
        if let maskedHead {
            body.append(NamedParameter("cls.predictions.bias", maskedHead.bias))
            body += maskedHead.transform.prefixed(by: "cls.predictions.transform.dense")
            body += maskedHead.norm.prefixed(by: "cls.predictions.transform.LayerNorm")
        }
        return body
    }

    // MARK: Computation

    /// The hidden vectors of a batch: (B, T, C), or (1, N, C) for sequences of different lengths.
    /// - Parameters:
    ///   - tokens: at most as many tokens in a sequence as there are positions.
    ///   - types: the type of each token, in the order of the tokens; nil for type 0.
    ///   - pass: the forward pass.
    package func hidden(_ tokens: TokenBatch, types: [Int32]? = nil, _ pass: ForwardPass) -> Variable {
        let zeros = { [Int32](repeating: 0, count: tokens.ids.count) }
        var x = pass.apply(Embedding(tokens), tokenEmbedding, positionEmbedding)  // (B, T, C)
        let typed = Embedding(tokens.replacing(types ?? zeros()), hasPositions: false, content: .types)
        x = pass.apply(Add(), x, pass.apply(typed, typeEmbedding))
        x = pass.residual(pass.dropout(embeddingNorm(x, pass)))
        for block in blocks { x = pass.residual(block(x, pass, lengths: tokens.lengths)) }
        return x
    }

    /// The vector of each sequence, from its first hidden vector: (B, C).
    private func pooled(_ hidden: Variable, of tokens: TokenBatch, _ pooler: LinearLayer, _ pass: ForwardPass)
        -> Variable
    {
        pass.apply(Activate(.tanh), pooler(pass.apply(SelectRows(firstOf: tokens), hidden), pass))
    }

    /// The logits of the labels for each sequence: (B, labels).
    private func labelLogits(_ tokens: TokenBatch, types: [Int32]?, _ pass: ForwardPass) -> Variable {
        guard let pooler, let classifier else { preconditionFailure("the model has no classifier") }
        let pooled = pooled(hidden(tokens, types: types, pass), of: tokens, pooler, pass)
        return classifier(pass.dropout(pooled), pass)
    }

    /// The vectors from which the classifier of tokens, which is the token embedding, predicts tokens: as x.
    private func tokenVectors(_ x: Variable, _ pass: ForwardPass) -> (vectors: Variable, bias: Parameter) {
        guard let head = maskedHead else { preconditionFailure("the model has no head for masked tokens") }
        let activate = Activate(configuration.feedForward.activation)
        return (head.norm(pass.apply(activate, head.transform(x, pass)), pass), head.bias)
    }

    /// The same for those at some rows: (n, C).
    private func tokenVectors(
        _ tokens: TokenBatch, types: [Int32]?, rows: [Int32], _ pass: ForwardPass
    ) -> (vectors: Variable, bias: Parameter) {
        tokenVectors(pass.apply(SelectRows(rows), hidden(tokens, types: types, pass)), pass)
    }

    /// The logits of masked tokens that follow from hidden vectors (1, T, C): (1, T, V).
    /// - Precondition: the model has a head for masked tokens.
    package func tokenLogits(_ hidden: Tensor) -> Tensor {
        let pass = ForwardPass(.inference)
        let (x, bias) = tokenVectors(Variable(hidden, needsGradient: false), pass)
        return pass.apply(Linear(isTransposed: true), x, tokenEmbedding, bias).value
    }

    /// All that the model computes for a batch, under the names that Hugging Face's model has for it: `logits` (B, labels) or
    /// (B, T, V), or without a head `last_hidden_state` (B, T, C) and, with a pooler, `pooler_output` (B, C).
    package func outputs(
        _ tokens: TokenBatch, types: [Int32]? = nil, _ pass: ForwardPass
    ) -> [(name: String, value: Variable)] {
        switch configuration.head {
        case .classifier: return [("logits", labelLogits(tokens, types: types, pass))]
        case .maskedTokens:
            let (x, bias) = tokenVectors(hidden(tokens, types: types, pass), pass)
            return [("logits", pass.apply(Linear(isTransposed: true), x, tokenEmbedding, bias))]
        case .none:
            let hidden = hidden(tokens, types: types, pass)
            return [("last_hidden_state", hidden)]
                + (pooler.map { [("pooler_output", pooled(hidden, of: tokens, $0, pass))] } ?? [])
        }
    }

    /// The logits of the labels for each sequence: (B, labels).
    /// - Precondition: the model has a classifier, and no sequence is longer than its context.
    public func classify(_ tokens: TokenBatch, types: [Int32]? = nil) -> Tensor {
        labelLogits(tokens, types: types, ForwardPass(.serving)).value
    }

    /// The logits of the tokens at some positions, which are rows of the batch: (n, V).
    /// - Precondition: the model has a head for masked tokens, and no sequence is longer than its context.
    public func predict(_ tokens: TokenBatch, types: [Int32]? = nil, rows: [Int32]) -> Tensor {
        let pass = ForwardPass(.serving)
        let (x, bias) = tokenVectors(tokens, types: types, rows: rows, pass)
        return pass.apply(Linear(isTransposed: true), x, tokenEmbedding, bias).value
    }

    /// The hidden vectors of a batch: (B, T, C), or (1, N, C) for sequences of different lengths.
    public func hiddenVectors(_ tokens: TokenBatch, types: [Int32]? = nil) -> Tensor {
        hidden(tokens, types: types, ForwardPass(.serving)).value
    }

    // MARK: Losses

    /// The sum of the losses of a batch of labelled sequences, in nats. With `scale`, the gradient of scale times that sum is
    /// added to the gradient of each parameter.
    /// - Parameters:
    ///   - tokens: B sequences.
    ///   - types: the type of each token; nil for type 0.
    ///   - labels: the number of the label of each sequence; one below 0 is ignored.
    ///   - scale: 1 over the number of labels for the gradient of the mean; nil if no gradient is needed.
    ///   - dropout: the rate, and a key that no other pass of the run has.
    @discardableResult
    public func loss(
        _ tokens: TokenBatch, types: [Int32]? = nil, labels: [Int32], gradientScale scale: Float? = nil,
        dropout: (rate: Float, key: UInt64)? = nil
    ) -> Double {
        evaluate(CrossEntropy(targets: labels, hasClassifier: false), gradientScale: scale, dropout: dropout) {
            [labelLogits(tokens, types: types, $0)]
        }
    }

    /// The same for masked tokens: the sum of the losses of the tokens at some rows.
    /// - Parameters:
    ///   - tokens: B sequences, in which tokens are masked.
    ///   - types: the type of each token; nil for type 0.
    ///   - rows: the positions to predict, as rows of the batch.
    ///   - targets: the token of each of them.
    ///   - scale: 1 over the number of targets for the gradient of the mean; nil if no gradient is needed.
    ///   - dropout: the rate, and a key that no other pass of the run has.
    @discardableResult
    public func loss(
        _ tokens: TokenBatch, types: [Int32]? = nil, rows: [Int32], targets: [Int32],
        gradientScale scale: Float? = nil, dropout: (rate: Float, key: UInt64)? = nil
    ) -> Double {
        evaluate(CrossEntropy(targets: targets, hasBias: true), gradientScale: scale, dropout: dropout) {
            let (x, bias) = tokenVectors(tokens, types: types, rows: rows, $0)
            return [x, tokenEmbedding, bias]
        }
    }

    private func evaluate(
        _ loss: CrossEntropy, gradientScale scale: Float?, dropout: (rate: Float, key: UInt64)?,
        _ inputs: (ForwardPass) -> [Variable]
    ) -> Double {
        let pass = ForwardPass(scale == nil ? .inference : .recording, dropout: dropout)
        return pass.evaluate(loss, inputs(pass), gradientScale: scale)
    }
}
