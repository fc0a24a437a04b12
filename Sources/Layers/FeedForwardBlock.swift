import Tensors

/// The feed-forward network of a transformer block, applied to each position by itself:
///
///     y = act(x W1 + b1) W2 + b2                        without a gate: GPT-2's
///     y = (silu(x Wg + bg) (x W1 + b1)) W2 + b2         with a gate: Llama's
///
/// The weights of a gated network are stored (outputs, inputs), those of a network without a gate either way.
public struct FeedForwardBlock: Module {
    public let gate: LinearLayer?
    public let expansion: LinearLayer
    public let projection: LinearLayer
    public let parameters: [NamedParameter]
    private let activation: Activation

    package init(_ configuration: BlockConfiguration, using weights: inout WeightInitializer) {
        let c = configuration
        activation = c.feedForward.activation
        func layer(inputs: Int, outputs: Int, _ deviation: Double) -> LinearLayer {
            LinearLayer(
                inputs: inputs, outputs: outputs, hasBias: c.biases.contains(.feedForward),
                isTransposed: c.feedForwardIsTransposed, deviation: deviation, using: &weights)
        }
        gate = c.feedForward.isGated ? layer(inputs: c.width, outputs: c.feedForwardWidth, c.deviation) : nil
        expansion = layer(inputs: c.width, outputs: c.feedForwardWidth, c.deviation)
        projection = layer(inputs: c.feedForwardWidth, outputs: c.width, c.projectionDeviation)
        parameters =
            (gate?.prefixed(by: c.names.gate) ?? []) + expansion.prefixed(by: c.names.expansion)
            + projection.prefixed(by: c.names.projection)
    }

    /// - Parameters:
    ///   - x: (B, T, C).
    ///   - pass: the forward pass.
    ///   - residual: (B, T, C), to which the result is added, if any, after dropout.
    /// - Returns: (B, T, C).
    package func callAsFunction(_ x: Variable, _ pass: ForwardPass, addingTo residual: Variable? = nil) -> Variable {
        pass.adding(to: residual) { residual in
            let hasBias = expansion.bias != nil, hasResidual = residual != nil
            let (W1, b1, W2, b2) = (expansion.weight, expansion.bias, projection.weight, projection.bias)
            if let gate {
                let operation = GatedFeedForward(hasBias: hasBias, hasResidual: hasResidual)
                return pass.apply(operation, x, gate.weight, W1, W2, gate.bias, b1, b2, residual)  // (B, T, C)
            }
            let operation = FeedForward(
                activation: activation, hasBias: hasBias, hasResidual: hasResidual,
                isTransposed: expansion.isTransposed)
            return pass.apply(operation, x, W1, b1, W2, b2, residual)  // (B, T, C)
        }
    }
}
