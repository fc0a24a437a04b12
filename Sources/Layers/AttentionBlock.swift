import Tensors

/// Self-attention with its projections: linear layers compute queries, keys and values, attention computes a
/// weighted sum of the values for each head, and an output projection mixes the heads. Optionally the queries and keys
/// of each head are normalised, and rotated by their positions.
///
/// Queries, keys and values come from one linear layer, as in GPT-2, or from three, as in Llama.
public struct AttentionBlock: Module {
    /// The layers that compute queries, keys and values: one for all, or three in this order.
    public let queryKeyValue: [LinearLayer]
    public let projection: LinearLayer
    /// RMS norms of each head's queries and keys, if any.
    public let queryNorm: NormLayer?
    public let keyNorm: NormLayer?
    public let parameters: [NamedParameter]
    private let rotations: AngleTable?
    private let slopes: [Float]?
    private let heads: Int
    private let keyValueHeads: Int
    private let mask: AttentionMask

    package init(_ configuration: BlockConfiguration, using weights: inout WeightInitializer) {
        let c = configuration
        let widths = [c.heads, c.keyValueHeads, c.keyValueHeads].map { $0 * c.headSize }
        func layer(inputs: Int, outputs: Int, bias: Biases, _ deviation: Double) -> LinearLayer {
            LinearLayer(
                inputs: inputs, outputs: outputs, hasBias: c.biases.contains(bias),
                isTransposed: c.attentionIsTransposed, deviation: deviation, using: &weights)
        }
        queryKeyValue = (c.fusesQueriesKeysValues ? [widths.reduce(0, +)] : widths).map {
            layer(inputs: c.width, outputs: $0, bias: .attentionInput, c.deviation)
        }
        projection = layer(inputs: widths[0], outputs: c.width, bias: .attentionOutput, c.projectionDeviation)
        let norm = { NormLayer(width: c.headSize, epsilon: c.epsilon, .rmsNorm) }
        (queryNorm, keyNorm) = c.usesQKNorm ? (norm(), norm()) : (nil, nil)
        (rotations, slopes) = (c.rotations, c.slopes)
        (heads, keyValueHeads, mask) = (c.heads, c.keyValueHeads, c.mask)
        let names = c.names
        let inputNames = c.fusesQueriesKeysValues ? [names.queryKeyValue] : [names.query, names.key, names.value]
        parameters =
            zip(inputNames, queryKeyValue).flatMap { $1.prefixed(by: $0) }
            + projection.prefixed(by: names.attentionProjection)
            + (queryNorm?.prefixed(by: names.queryNorm) ?? []) + (keyNorm?.prefixed(by: names.keyNorm) ?? [])
    }

    /// - Parameters:
    ///   - x: (B, T, C).
    ///   - pass: the forward pass.
    ///   - lengths: the lengths of the sequences where they differ, which models without rotary positions support.
    ///   - cache: in generation, the keys and values of the positions before x. Those of x are appended.
    ///   - residual: (B, T, C), to which the result is added, if any, after dropout.
    /// - Returns: (B, T, C).
    package func callAsFunction(
        _ x: Variable, _ pass: ForwardPass, lengths: SequenceLengths? = nil, cache: LayerCache? = nil,
        addingTo residual: Variable? = nil
    ) -> Variable {
        precondition(lengths == nil || rotations == nil, "rotary positions of sequences of different lengths")
        let start = cache.map { StartPositions($0.lengths) } ?? .zero
        // q (B, T, heads size), k and v (B, T, keyValueHeads size); fused: (B, T, (heads + 2 keyValueHeads) size)
        var qkv = queryKeyValue.map { $0(x, pass) }
        let rotary = rotations.map { Rotary($0, from: start) }
        if let queryNorm { qkv[0] = queryNorm(qkv[0], pass) }
        if let rotary { qkv[0] = pass.apply(rotary, qkv[0]) }
        if let keyNorm { qkv[1] = keyNorm(qkv[1], pass) }
        if let rotary { qkv[1] = pass.apply(rotary, qkv[1]) }
        let mixed: Variable  // (B, T, heads size)
        if let cache {
            cache.append(qkv)
            let attention = CachedAttention(
                cache.sequences, heads: heads, keyValueHeads: keyValueHeads, slopes: slopes)
            mixed = Variable(attention(qkv[0].value), needsGradient: false)
        } else {
            let attention = Attention(
                heads: heads, keyValueHeads: keyValueHeads, mask: mask, lengths: lengths, slopes: slopes)
            mixed = pass.apply(attention, qkv)
        }
        return projection(mixed, pass, addingTo: residual)  // (B, T, C)
    }
}
