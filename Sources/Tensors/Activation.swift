import CKernels

/// A function that is applied to each element of the output of a linear layer.
package enum Activation: Sendable, CaseIterable {
    case identity
    /// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))): the approximation that GPT-2 uses (Hendrycks and Gimpel, 2016),
    /// `gelu_new` to Hugging Face and `approximate="tanh"` to PyTorch.
    case gelu
    /// x P(x), where P is the distribution function of the normal distribution (Hendrycks and Gimpel, 2016): `gelu` to
    /// Hugging Face, and PyTorch's default.
    case exactGELU
    case relu
    /// x / (1 + exp(-x)) (Hendrycks and Gimpel, 2016), also known as swish.
    case silu
    case tanh

    /// The function in the C kernels, a `gpt_activation`.
    package var code: Int32 {
        switch self {
        case .identity: Int32(GPT_IDENTITY.rawValue)
        case .gelu: Int32(GPT_GELU.rawValue)
        case .exactGELU: Int32(GPT_EXACT_GELU.rawValue)
        case .relu: Int32(GPT_RELU.rawValue)
        case .silu: Int32(GPT_SILU.rawValue)
        case .tanh: Int32(GPT_TANH.rawValue)
        }
    }

    /// The same in primitives.
    func reference<Builder: PrimitiveBuilder>(_ x: Builder.Value, _ builder: inout Builder) -> Builder.Value {
        switch self {
        case .identity: return x
        case .relu: return builder.maximum(x, builder.constant(0))
        case .gelu: return builder.gelu(x)
        case .tanh: return builder.tanh(x)
        case .exactGELU:
            // P(x) = (1 + erf(x / sqrt(2))) / 2
            let error = builder.erf(builder.multiply(x, builder.constant(0.5.squareRoot())))
            return builder.multiply(
                builder.multiply(builder.constant(0.5), x), builder.add(builder.constant(1), error))
        case .silu:
            let exponential = builder.exp(builder.subtract(builder.constant(0), x))
            return builder.divide(x, builder.add(builder.constant(1), exponential))
        }
    }

    /// GELU in other primitives, for builders without a primitive for it.
    package static func composedGELU<Builder: PrimitiveBuilder>(
        _ x: Builder.Value, _ builder: inout Builder
    ) -> Builder.Value {
        let cube = builder.multiply(builder.multiply(x, x), x)
        let inner = builder.add(x, builder.multiply(builder.constant(0.044715), cube))
        let tanh = builder.tanh(builder.multiply(builder.constant((2 / Double.pi).squareRoot()), inner))
        return builder.multiply(builder.multiply(builder.constant(0.5), x), builder.add(builder.constant(1), tanh))
    }
}

extension PrimitiveBuilder {
    package mutating func gelu(_ x: Value) -> Value { Activation.composedGELU(x, &self) }
}
