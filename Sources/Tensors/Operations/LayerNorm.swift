import CKernels

/// Layer normalisation (Ba, Kiros and Hinton, 2016) of each vector x along the last dimension:
///
///     y = (x - mean(x)) / sqrt(variance(x) + epsilon) gamma + beta
///
/// Inputs: x (..., C), gamma (C), beta (C). The variance is the mean of the squared deviations (a sum over n, not n -
/// 1).
package struct LayerNorm: Operation {
    package let epsilon: Float

    package init(epsilon: Float) { self.epsilon = epsilon }

    /// The mean and 1 / sqrt(variance + epsilon) of each row.
    package struct Statistics {
        let mean: Tensor
        let reciprocalDeviation: Tensor
    }

    package var savedForBackward: SavedTensors { .inputs }

    /// The output is read only by the products that follow, and is as large as the input, which is saved.
    package var isRecomputed: Bool { true }

    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Statistics?) {
        let (x, gamma, beta) = (inputs[0], inputs[1], inputs[2])
        let y = Tensor(uninitialized: x.shape)
        let statistics =
            recording
            ? Statistics(
                mean: Tensor(uninitialized: [x.shape.rows]), reciprocalDeviation: Tensor(uninitialized: [x.shape.rows]))
            : nil
        gpt_layernorm_forward(
            Execution.kernels, Int64(x.shape.rows), Int64(x.shape.columns), epsilon, x.pointer, gamma.pointer,
            beta.pointer, y.pointer, statistics?.mean.pointer, statistics?.reciprocalDeviation.pointer)
        withExtendedLifetime(statistics) {}
        return (y, statistics)
    }

    package func backward(
        _ gradient: Tensor, _ values: SavedValues, saved: Statistics?, into slots: [GradientSlot]
    ) {
        let (x, gamma) = (values.inputs[0], values.inputs[1])
        guard let saved else { preconditionFailure("nothing was recorded") }
        let (dX, dGamma, dBeta) = (slots[0].destination(), slots[1].destination(), slots[2].destination())
        gpt_layernorm_backward(
            Execution.kernels, Int64(x.shape.rows), Int64(x.shape.columns), gradient.pointer, x.pointer, gamma.pointer,
            saved.mean.pointer, saved.reciprocalDeviation.pointer, dX?.tensor.pointer, dX?.add ?? false,
            dGamma?.tensor.pointer, dGamma?.add ?? false, dBeta?.tensor.pointer, dBeta?.add ?? false)
        withExtendedLifetime((dX, dGamma, dBeta)) {}
    }

    package func reference<Builder: PrimitiveBuilder>(
        _ inputs: [Builder.Value], _ builder: inout Builder
    ) -> Builder.Value {
        builder.layerNorm(inputs[0], gamma: inputs[1], beta: inputs[2], epsilon: Double(epsilon))
    }
}

extension PrimitiveBuilder {
    package mutating func layerNorm(_ x: Value, gamma: Value, beta: Value, epsilon: Double) -> Value {
        let deviation = subtract(x, meanAlongLastAxis(x))
        let variance = meanAlongLastAxis(multiply(deviation, deviation))
        let scale = squareRoot(add(variance, constant(epsilon)))
        return add(multiply(divide(deviation, scale), gamma), beta)
    }
}
