import Tensors

/// Causal self-attention with its projections: `c_attn` makes queries, keys and values in one product, `c_proj` mixes
/// what the heads found. The names are GPT-2's.
public struct AttentionBlock: Module {
    public let queryKeyValue: LinearLayer
    public let projection: LinearLayer
    private let operation: Attention

    /// - Parameters:
    ///   - deviation: the standard deviation of new weights,
    ///   - projectionDeviation: and of those that write to the residual stream.
    package init(
        width: Int, heads: Int, deviation: Double, projectionDeviation: Double, using weights: inout WeightInitializer
    ) {
        queryKeyValue = LinearLayer(inputs: width, outputs: 3 * width, deviation: deviation, using: &weights)
        projection = LinearLayer(inputs: width, outputs: width, deviation: projectionDeviation, using: &weights)
        operation = Attention(heads: heads, mask: .causal)
    }

    public var parameters: [NamedParameter] {
        queryKeyValue.prefixed(by: "c_attn") + projection.prefixed(by: "c_proj")
    }

    /// x (B, T, C) to (B, T, C). With a cache, x are new positions after those it holds, and it grows by them.
    /// - Parameter residual: what the result is added to, if anything.
    package func callAsFunction(
        _ x: Variable, _ pass: ForwardPass, cache: LayerCache? = nil, addingTo residual: Variable? = nil
    ) -> Variable {
        let qkv = queryKeyValue(x, pass)
        guard let cache else { return projection(pass.tape.apply(operation, qkv), pass, addingTo: residual) }
        let offset = cache.length
        cache.append(qkv.value)
        let mixed = operation.attend(qkv.value, keys: cache.keys, values: cache.values, offset: offset)
        return projection(Variable(mixed, needsGradient: false), pass, addingTo: residual)
    }
}

/// The keys and values of one layer for the positions seen so far, so that a new token costs one step rather than a
/// pass over everything before it.
package final class LayerCache {
    /// (B, N, C), of which the first `length` positions are filled.
    package let keys: Tensor
    package let values: Tensor
    package private(set) var length = 0

    package init(batch: Int, capacity: Int, width: Int) {
        keys = Tensor(uninitialized: [batch, capacity, width])
        values = Tensor(uninitialized: [batch, capacity, width])
    }

    package func clear() { length = 0 }

    /// Takes the last two thirds of each row of (B, T, 3C).
    fileprivate func append(_ qkv: Tensor) {
        let (B, T, width) = qkv.shape.three
        let C = width / 3, capacity = keys.shape[1]
        precondition(length + T <= capacity, "\(length + T) positions in a cache for \(capacity)")
        qkv.withElements { qkv in
            for (third, cached) in [(1, keys), (2, values)] {
                cached.withElements { cached in
                    for b in 0..<B {
                        for t in 0..<T {
                            let from = (b * T + t) * width + third * C, to = (b * capacity + length + t) * C
                            _ = cached[to..<to + C].update(fromContentsOf: qkv[from..<from + C])
                        }
                    }
                }
            }
        }
        length += T
    }
}
