import Tensors

/// The feed-forward block, applied to each position by itself: linear layers with an activation between, or with a gate.
///
/// Without a gate `c_fc` widens and `c_proj` narrows again; the names, and how the weights are stored, are GPT-2's. With one
/// it is Llama's: `gate_proj` says how much passes of what `up_proj` makes, and `down_proj` narrows.
public struct FeedForwardBlock: Module {
    public let gate: LinearLayer?
    public let expansion: LinearLayer
    public let projection: LinearLayer
    private let activation: Activation?

    package init(_ configuration: BlockConfiguration, using weights: inout WeightInitializer) {
        let c = configuration
        activation = c.feedForward.activation
        func layer(inputs: Int, outputs: Int, _ deviation: Double) -> LinearLayer {
            LinearLayer(
                inputs: inputs, outputs: outputs, hasBias: c.biases.contains(.feedForward),
                isTransposed: c.feedForward.isGated, deviation: deviation, using: &weights)
        }
        gate = c.feedForward.isGated ? layer(inputs: c.width, outputs: c.feedForwardWidth, c.deviation) : nil
        expansion = layer(inputs: c.width, outputs: c.feedForwardWidth, c.deviation)
        projection = layer(inputs: c.feedForwardWidth, outputs: c.width, c.projectionDeviation)
    }

    public var parameters: [NamedParameter] {
        guard let gate else { return expansion.prefixed(by: "c_fc") + projection.prefixed(by: "c_proj") }
        return gate.prefixed(by: "gate_proj") + expansion.prefixed(by: "up_proj") + projection.prefixed(by: "down_proj")
    }

    /// - Parameter residual: what the result is added to, if anything.
    package func callAsFunction(_ x: Variable, _ pass: ForwardPass, addingTo residual: Variable? = nil) -> Variable {
        if let gate {
            let layers = [gate, expansion, projection], biases = layers.compactMap(\.bias)
            let operation = GatedFeedForward(hasBias: !biases.isEmpty, hasResidual: residual != nil)
            return pass.tape.apply(operation, [x] + layers.map(\.weight) + biases + (residual.map { [$0] } ?? []))
        }
        let operation = FeedForward(
            activation: activation ?? .identity, hasBias: expansion.bias != nil, hasResidual: residual != nil)
        let inputs = [x, expansion.weight, expansion.bias, projection.weight, projection.bias, residual]
        return pass.tape.apply(operation, inputs.compactMap { $0 })
    }
}
