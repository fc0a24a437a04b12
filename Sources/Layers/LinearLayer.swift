import Tensors

/// y = x W + b, with the weight stored (inputs, outputs) as in GPT-2.
public struct LinearLayer: Module {
    public let weight: Parameter
    public let bias: Parameter?
    private let operation: Linear

    /// Weights normal with the given standard deviation, the bias 0.
    package init(
        inputs: Int, outputs: Int, hasBias: Bool = true, deviation: Double, using weights: inout WeightInitializer
    ) {
        weight = Parameter(weights.normal([inputs, outputs], deviation: deviation))
        bias = hasBias ? Parameter(Tensor([outputs])) : nil
        operation = Linear(hasBias: hasBias)
    }

    public var parameters: [NamedParameter] {
        [NamedParameter("weight", weight)] + (bias.map { [NamedParameter("bias", $0)] } ?? [])
    }

    package func callAsFunction(_ x: Variable, _ pass: ForwardPass) -> Variable {
        if pass.isDecoding {
            return Variable(WeightProduct.apply(x.value, weight, bias: bias?.value), needsGradient: false)
        }
        guard let bias else { return pass.tape.apply(operation, x, weight) }
        return pass.tape.apply(operation, x, weight, bias)
    }
}
