import Tensors

/// A block of the original transformer (Vaswani et al., 2017), as BERT and Marian have it: each part adds its result to its
/// input, and the sum is normalised.
///
///     x = norm(x + dropout(attention(x)))
///     x = norm(x + dropout(crossAttention(x, memory)))      in a decoder that reads an encoder
///     x = norm(x + dropout(feedForward(x)))
public struct PostNormBlock: Module {
    public let attention: AttentionBlock
    public let attentionNorm: NormLayer
    /// Attention to the output of an encoder, and its norm, in a decoder.
    public let crossAttention: CrossAttentionBlock?
    public let crossAttentionNorm: NormLayer?
    public let feedForward: FeedForwardBlock
    public let feedForwardNorm: NormLayer
    public let parameters: [NamedParameter]

    /// - Parameters:
    ///   - configuration: the sizes and options of the block.
    ///   - readsMemory: whether the block attends to the output of an encoder.
    ///   - weights: the source of new weights.
    package init(
        _ configuration: BlockConfiguration, readsMemory: Bool = false, using weights: inout WeightInitializer
    ) {
        let c = configuration
        func norm() -> NormLayer { NormLayer(width: c.width, epsilon: c.epsilon, c.normalization) }
        attention = AttentionBlock(c, using: &weights)
        attentionNorm = norm()
        crossAttention = readsMemory ? CrossAttentionBlock(c, using: &weights) : nil
        crossAttentionNorm = readsMemory ? norm() : nil
        feedForward = FeedForwardBlock(c, using: &weights)
        feedForwardNorm = norm()
        parameters =
            attention.prefixed(by: c.names.attention) + attentionNorm.prefixed(by: c.names.attentionNorm)
            + (crossAttention?.prefixed(by: c.names.crossAttention) ?? [])
            + (crossAttentionNorm?.prefixed(by: c.names.crossAttentionNorm) ?? [])
            + feedForward.prefixed(by: c.names.feedForward) + feedForwardNorm.prefixed(by: c.names.feedForwardNorm)
    }

    /// - Parameters:
    ///   - x: (B, T, C), or (1, N, C) for sequences of different lengths.
    ///   - pass: the forward pass.
    ///   - lengths: the lengths of the sequences where they differ.
    ///   - cache: in generation, the keys and values of the positions before x. Those of x are appended.
    ///   - memory: what cross-attention reads, in a decoder.
    /// - Returns: as x.
    package func callAsFunction(
        _ x: Variable, _ pass: ForwardPass, lengths: SequenceLengths? = nil, cache: LayerCache? = nil,
        memory: CrossAttentionBlock.Memory? = nil
    ) -> Variable {
        var x = attentionNorm(attention(x, pass, lengths: lengths, cache: cache, addingTo: x), pass)
        precondition((memory == nil) == (crossAttention == nil), "a decoder without a memory, or a memory without one")
        if let crossAttention, let crossAttentionNorm, let memory {
            x = crossAttentionNorm(crossAttention(x, memory, pass, lengths: lengths, addingTo: x), pass)
        }
        return feedForwardNorm(feedForward(x, pass, addingTo: x), pass)
    }
}
