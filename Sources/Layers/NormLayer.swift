import Tensors

/// Layer normalisation with a learned scale (`weight`, gamma) and shift (`bias`, beta).
public struct NormLayer: Module {
    public let weight: Parameter
    public let bias: Parameter
    private let operation: LayerNorm

    package init(width: Int, epsilon: Double) {
        weight = Parameter(Tensor([width], filledWith: 1))
        bias = Parameter(Tensor([width]))
        operation = LayerNorm(epsilon: Float(epsilon))
    }

    public var parameters: [NamedParameter] { [NamedParameter("weight", weight), NamedParameter("bias", bias)] }

    package func callAsFunction(_ x: Variable, _ pass: ForwardPass) -> Variable {
        pass.tape.apply(operation, x, weight, bias)
    }
}
