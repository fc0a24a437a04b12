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
    private let operation: Attention

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
        operation = Attention(heads: c.heads, keyValueHeads: c.keyValueHeads, mask: .causal)
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
        guard let cache else { return projection(pass.tape.apply(operation, vectors), pass, addingTo: residual) }
        cache.append(vectors.map(\.value))
        let mixed = operation.attendOverCache(vectors[0].value, keys: cache.keys, values: cache.values, offset: offset)
        return projection(Variable(mixed, needsGradient: false), pass, addingTo: residual)
    }
}

/// The keys and values of one layer for the positions seen so far, so that a new token costs one step rather than a
/// pass over everything before it.
package final class LayerCache {
    /// (B, N, heads x size), of which the first `length` positions are filled. Keys are as attention reads them: turned.
    package private(set) var keys: Tensor
    package private(set) var values: Tensor
    package private(set) var length = 0
    private let capacity: Int

    /// - Parameters:
    ///   - batch: B.
    ///   - capacity: the most positions. Room for so many is taken only when they come: models that could take a hundred
    ///     thousand tokens are mostly given few.
    ///   - width: of the keys, and of the values, of all heads together.
    package init(batch: Int, capacity: Int, width: Int) {
        self.capacity = capacity
        keys = Tensor(uninitialized: [batch, min(capacity, 1024), width])
        values = Tensor(uninitialized: [batch, min(capacity, 1024), width])
    }

    package func clear() { length = 0 }

    /// Takes the keys and values of (B, T, ...) queries, keys and values: three tensors, or one that holds them in this
    /// order.
    fileprivate func append(_ vectors: [Tensor]) {
        let (_, T, width) = vectors[0].shape.three, own = keys.shape.columns
        precondition(length + T <= capacity, "\(length + T) positions in a cache for \(capacity)")
        if length + T > keys.shape[1] { grow(to: min(capacity, max(length + T, 2 * keys.shape[1]))) }
        if vectors.count == 3 {
            copy(vectors[1], from: 0, to: keys)
            copy(vectors[2], from: 0, to: values)
        } else {
            copy(vectors[0], from: width - 2 * own, to: keys)
            copy(vectors[0], from: width - own, to: values)
        }
        length += T
    }

    /// Makes room for so many positions, and keeps what is there.
    private func grow(to room: Int) {
        let (B, old, width) = keys.shape.three
        func grown(_ cached: Tensor) -> Tensor {
            let larger = Tensor(uninitialized: [B, room, width])
            cached.withElements { from in
                larger.withElements { to in
                    for b in 0..<B {
                        let filled = b * old * width..<(b * old + length) * width
                        _ = to[(b * room * width)...].update(fromContentsOf: from[filled])
                    }
                }
            }
            return larger
        }
        (keys, values) = (grown(keys), grown(values))
    }

    /// Copies the columns of x from one on behind what is there.
    private func copy(_ x: Tensor, from column: Int, to cached: Tensor) {
        let (B, T, width) = x.shape.three
        let (_, capacity, own) = cached.shape.three
        x.withElements { x in
            cached.withElements { cached in
                for b in 0..<B {
                    for t in 0..<T {
                        let from = (b * T + t) * width + column, to = (b * capacity + length + t) * own
                        _ = cached[to..<to + own].update(fromContentsOf: x[from..<from + own])
                    }
                }
            }
        }
    }
}
