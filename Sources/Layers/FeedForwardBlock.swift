import Tensors

/// The feed-forward block: two linear layers with an activation between, applied to each position by itself.
/// `c_fc` widens, `c_proj` narrows again; the names are GPT-2's.
public struct FeedForwardBlock: Module {
    public let expansion: LinearLayer
    public let projection: LinearLayer
    private let activation: Activation

    package init(
        width: Int, innerWidth: Int, activation: Activation, deviation: Double, projectionDeviation: Double,
        using weights: inout WeightInitializer
    ) {
        expansion = LinearLayer(inputs: width, outputs: innerWidth, deviation: deviation, using: &weights)
        projection = LinearLayer(inputs: innerWidth, outputs: width, deviation: projectionDeviation, using: &weights)
        self.activation = activation
    }

    public var parameters: [NamedParameter] { expansion.prefixed(by: "c_fc") + projection.prefixed(by: "c_proj") }

    /// - Parameter residual: what the result is added to, if anything.
    package func callAsFunction(_ x: Variable, _ pass: ForwardPass, addingTo residual: Variable? = nil) -> Variable {
        guard let bias1 = expansion.bias, let bias2 = projection.bias else {
            preconditionFailure("both layers of a feed-forward block have a bias")
        }
        if pass.isDecoding {
            let wide = WeightProduct.apply(
                x.value, expansion.weight, bias: bias1.value, activation: activation)
            let y = WeightProduct.apply(wide, projection.weight, bias: bias2.value, addingTo: residual?.value)
            return Variable(y, needsGradient: false)
        }
        let operation = FeedForward(activation: activation, hasResidual: residual != nil)
        let inputs = [x, expansion.weight, bias1, projection.weight, bias2]
        return pass.tape.apply(operation, inputs + (residual.map { [$0] } ?? []))
    }
}
