import Tensors

/// A block of a transformer: attention, then the feed-forward network. Each reads the normalised residual stream and
/// adds its result to it:
///
///     x = x + dropout(attention(norm(x)))
///     x = x + dropout(feedForward(norm(x)))
public struct TransformerBlock: Module {
    public let attentionNorm: NormLayer
    public let attention: AttentionBlock
    public let feedForwardNorm: NormLayer
    public let feedForward: FeedForwardBlock
    public let parameters: [NamedParameter]

    package init(_ configuration: BlockConfiguration, using weights: inout WeightInitializer) {
        let c = configuration
        attentionNorm = NormLayer(width: c.width, epsilon: c.epsilon, c.normalization)
        attention = AttentionBlock(c, using: &weights)
        feedForwardNorm = NormLayer(width: c.width, epsilon: c.epsilon, c.normalization)
        feedForward = FeedForwardBlock(c, using: &weights)
        parameters =
            attentionNorm.prefixed(by: c.names.attentionNorm) + attention.prefixed(by: c.names.attention)
            + feedForwardNorm.prefixed(by: c.names.feedForwardNorm) + feedForward.prefixed(by: c.names.feedForward)
    }

    /// x (B, T, C) to (B, T, C). With a cache, x are the positions after those in the cache.
    package func callAsFunction(_ x: Variable, _ pass: ForwardPass, cache: LayerCache? = nil) -> Variable {
        let x = attention(attentionNorm(x, pass), pass, cache: cache, addingTo: x)  // (B, T, C)
        return feedForward(feedForwardNorm(x, pass), pass, addingTo: x)  // (B, T, C)
    }
}
