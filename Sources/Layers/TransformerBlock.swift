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
    private let style: ParameterStyle

    package init(_ configuration: BlockConfiguration, using weights: inout WeightInitializer) {
        let c = configuration
        style = c.style
        attentionNorm = NormLayer(width: c.width, epsilon: c.epsilon, c.normalization)
        attention = AttentionBlock(c, using: &weights)
        feedForwardNorm = NormLayer(width: c.width, epsilon: c.epsilon, c.normalization)
        feedForward = FeedForwardBlock(c, using: &weights)
    }

    public var parameters: [NamedParameter] {
        let names =
            style == .gpt2
            ? ["ln_1", "attn", "ln_2"] : ["input_layernorm", "self_attn", "post_attention_layernorm"]
        return attentionNorm.prefixed(by: names[0]) + attention.prefixed(by: names[1])
            + feedForwardNorm.prefixed(by: names[2]) + feedForward.prefixed(by: "mlp")
    }

    package func callAsFunction(_ x: Variable, _ pass: ForwardPass, cache: LayerCache? = nil) -> Variable {
        let middle = pass.residual(x) { attention(attentionNorm(x, pass), pass, cache: cache, addingTo: $0) }
        return pass.residual(middle) { feedForward(feedForwardNorm(middle, pass), pass, addingTo: $0) }
    }
}
