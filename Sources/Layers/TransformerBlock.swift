import Tensors

/// One layer of a GPT: attention, then the feed-forward block, each reading a normalised copy of the residual stream
/// and adding what it has to say:
///
///     x = x + dropout(attention(norm(x)))
///     x = x + dropout(feedForward(norm(x)))
public struct TransformerBlock: Module {
    public let attentionNorm: NormLayer
    public let attention: AttentionBlock
    public let feedForwardNorm: NormLayer
    public let feedForward: FeedForwardBlock

    package init(
        width: Int, heads: Int, innerWidth: Int, activation: Activation, epsilon: Double, deviation: Double,
        projectionDeviation: Double, using weights: inout WeightInitializer
    ) {
        attentionNorm = NormLayer(width: width, epsilon: epsilon)
        attention = AttentionBlock(
            width: width, heads: heads, deviation: deviation, projectionDeviation: projectionDeviation, using: &weights)
        feedForwardNorm = NormLayer(width: width, epsilon: epsilon)
        feedForward = FeedForwardBlock(
            width: width, innerWidth: innerWidth, activation: activation, deviation: deviation,
            projectionDeviation: projectionDeviation, using: &weights)
    }

    public var parameters: [NamedParameter] {
        attentionNorm.prefixed(by: "ln_1") + attention.prefixed(by: "attn") + feedForwardNorm.prefixed(by: "ln_2")
            + feedForward.prefixed(by: "mlp")
    }

    package func callAsFunction(_ x: Variable, _ pass: ForwardPass, cache: LayerCache? = nil) -> Variable {
        let middle = pass.residual(x) { attention(attentionNorm(x, pass), pass, cache: cache, addingTo: $0) }
        return pass.residual(middle) { feedForward(feedForwardNorm(middle, pass), pass, addingTo: $0) }
    }
}
