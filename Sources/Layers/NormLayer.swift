import Tensors

/// The ways in which a transformer normalises vectors.
public enum Normalization: String, Sendable, CaseIterable {
    /// To mean 0 and variance 1, then scaled and shifted.
    case layerNorm = "layer_norm"
    /// To a mean square of 1, then scaled.
    case rmsNorm = "rms_norm"
}

/// A norm with a learned scale (`weight`, gamma) and, for layer normalisation, a learned shift (`bias`, beta).
public struct NormLayer: Module {
    public let normalization: Normalization
    public let weight: Parameter
    public let bias: Parameter?
    private let epsilon: Float

    package init(width: Int, epsilon: Double, _ normalization: Normalization = .layerNorm) {
        self.normalization = normalization
        weight = Parameter(Tensor([width], filledWith: 1))
        bias = normalization == .layerNorm ? Parameter(Tensor([width])) : nil
        self.epsilon = Float(epsilon)
    }

    public var parameters: [NamedParameter] {
        [NamedParameter("weight", weight)] + (bias.map { [NamedParameter("bias", $0)] } ?? [])
    }

    /// Normalises vectors of the layer's width: the rows of x or, if these are longer, their consecutive parts, as the
    /// heads of queries are.
    package func callAsFunction(_ x: Variable, _ pass: ForwardPass) -> Variable {
        switch normalization {
        case .layerNorm: pass.apply(LayerNorm(epsilon: epsilon), x, weight, bias)
        case .rmsNorm: pass.apply(RMSNorm(epsilon: epsilon), x, weight)
        }
    }
}
