import Tensors

/// y = x W + b. The weight is stored (inputs, outputs) as in GPT-2 or, transposed, (outputs, inputs) as in most models.
public struct LinearLayer: Module {
    public let weight: Parameter
    public let bias: Parameter?
    /// Whether the weight is stored (outputs, inputs).
    public let isTransposed: Bool

    /// Weights normal with the given standard deviation, the bias 0. `isHidden` is false for a classifier.
    package init(
        inputs: Int, outputs: Int, hasBias: Bool = true, isTransposed: Bool = false, isHidden: Bool = true,
        deviation: Double, using weights: inout WeightInitializer
    ) {
        weight = Parameter(
            weights.normal(isTransposed ? [outputs, inputs] : [inputs, outputs], deviation: deviation),
            isHiddenWeight: isHidden)
        bias = hasBias ? Parameter(Tensor([outputs])) : nil
        self.isTransposed = isTransposed
    }

    public var parameters: [NamedParameter] {
        [NamedParameter("weight", weight)] + (bias.map { [NamedParameter("bias", $0)] } ?? [])
    }

    /// - Parameters:
    ///   - x: (..., inputs).
    ///   - pass: the forward pass.
    ///   - residual: (..., outputs), to which y is added, if any, after dropout.
    /// - Returns: (..., outputs).
    package func callAsFunction(_ x: Variable, _ pass: ForwardPass, addingTo residual: Variable? = nil) -> Variable {
        pass.adding(to: residual) { residual in
            let operation = Linear(hasBias: bias != nil, hasResidual: residual != nil, isTransposed: isTransposed)
            return pass.apply(operation, x, weight, bias, residual)
        }
    }
}
