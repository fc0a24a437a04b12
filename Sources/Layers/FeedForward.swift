import Tensors

/// The feed-forward block: two linear layers with an activation between, applied to each position by itself.
/// `c_fc` widens, `c_proj` narrows again; the names are GPT-2's.
public struct FeedForward: Module {
    public let expansion: LinearLayer
    public let projection: LinearLayer

    package init(
        width: Int, innerWidth: Int, activation: Activation, deviation: Double, projectionDeviation: Double,
        using random: inout Philox
    ) {
        expansion = LinearLayer(
            inputs: width, outputs: innerWidth, activation: activation, deviation: deviation, using: &random)
        projection = LinearLayer(inputs: innerWidth, outputs: width, deviation: projectionDeviation, using: &random)
    }

    public var parameters: [NamedParameter] { expansion.prefixed(by: "c_fc") + projection.prefixed(by: "c_proj") }

    package func callAsFunction(_ x: Variable, _ pass: ForwardPass) -> Variable {
        projection(expansion(x, pass), pass)
    }
}
