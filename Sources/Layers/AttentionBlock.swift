import Tensors

/// Causal self-attention with its projections: linear layers make queries, keys and values, attention mixes the values,
/// and a last linear layer mixes what the heads found. On the way queries and keys may be normalised, head by head, and
/// turned by their positions.
///
/// The names are GPT-2's, where one layer (`c_attn`) makes all three, or Llama's, where there is one for each.
public struct AttentionBlock: Module {
    /// What makes queries, keys and values, in this order: one layer for all or three.
    public let inputs: [LinearLayer]
    public let projection: LinearLayer
    /// RMS norms as long as a head, if queries and keys are normalised.
    public let queryNorm: NormLayer?
    public let keyNorm: NormLayer?
    private let rotation: AngleTable?
    private let heads: Int
    private let keyValueHeads: Int

    package init(_ configuration: BlockConfiguration, using weights: inout WeightInitializer) {
        let c = configuration
        let widths = [c.heads, c.keyValueHeads, c.keyValueHeads].map { $0 * c.headSize }
        func layer(inputs: Int, outputs: Int, bias: Biases, _ deviation: Double) -> LinearLayer {
            LinearLayer(
                inputs: inputs, outputs: outputs, hasBias: c.biases.contains(bias), isTransposed: c.style == .llama,
                deviation: deviation, using: &weights)
        }
        inputs = (c.style == .gpt2 ? [widths.reduce(0, +)] : widths).map {
            layer(inputs: c.width, outputs: $0, bias: .attentionInput, c.deviation)
        }
        projection = layer(inputs: widths[0], outputs: c.width, bias: .attentionOutput, c.projectionDeviation)
        let norm = { NormLayer(width: c.headSize, epsilon: c.epsilon, .rmsNorm) }
        (queryNorm, keyNorm) = c.usesQKNorm ? (norm(), norm()) : (nil, nil)
        rotation = c.rotation
        (heads, keyValueHeads) = (c.heads, c.keyValueHeads)
        precondition(
            c.style == .llama || rotation == nil && queryNorm == nil,
            "queries and keys that are made in one piece cannot be normalised or turned")
    }

    public var parameters: [NamedParameter] {
        if inputs.count == 1 { return inputs[0].prefixed(by: "c_attn") + projection.prefixed(by: "c_proj") }
        return zip(["q_proj", "k_proj", "v_proj"], inputs).flatMap { $1.prefixed(by: $0) }
            + projection.prefixed(by: "o_proj") + (queryNorm?.prefixed(by: "q_norm") ?? [])
            + (keyNorm?.prefixed(by: "k_norm") ?? [])
    }

    /// x (B, T, C) to (B, T, C). With a cache, x are new positions after those it holds, and it grows by them.
    /// - Parameter residual: what the result is added to, if anything.
    package func callAsFunction(
        _ x: Variable, _ pass: ForwardPass, cache: LayerCache? = nil, addingTo residual: Variable? = nil
    ) -> Variable {
        let offset = cache?.length ?? 0
        var vectors = inputs.map { $0(x, pass) }
        if vectors.count == 3 {
            for (i, norm) in [queryNorm, keyNorm].enumerated() {
                if let norm { vectors[i] = norm(vectors[i], pass) }
                if let rotation { vectors[i] = pass.tape.apply(Rotary(rotation, offset: offset), vectors[i]) }
            }
        }
        if let cache { vectors = cache.append(vectors) }
        let operation = Attention(
            heads: heads, keyValueHeads: keyValueHeads, mask: .causal, past: cache == nil ? nil : offset)
        return projection(pass.tape.apply(operation, vectors), pass, addingTo: residual)
    }
}
