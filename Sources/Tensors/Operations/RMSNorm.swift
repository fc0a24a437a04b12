import CKernels

/// Root-mean-square normalisation (Zhang and Sennrich, 2019) of vectors x:
///
///     y = x / sqrt(mean(x^2) + epsilon) gamma
///
/// Inputs: x (..., C) and gamma (S), where S divides C. With S = C each row is one vector, as between the layers of a
/// transformer. With a smaller S each row holds C / S vectors, as the queries and keys of heads are stored. Unlike
/// `LayerNorm`, it subtracts no mean and adds no shift.
package struct RMSNorm: Operation {
    package let epsilon: Float

    package init(epsilon: Float) { self.epsilon = epsilon }

    package var savedForBackward: SavedTensors { .inputs }

    /// For the reason given in `LayerNorm`.
    package var isRecomputed: Bool { true }

    /// Saved: 1 / sqrt(mean(x^2) + epsilon) of each vector.
    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Tensor?) {
        let (x, gamma) = (inputs[0], inputs[1])
        let rows = vectors(in: x, gamma), y = Tensor(uninitialized: x.shape)
        let reciprocalRoot = recording ? Tensor(uninitialized: [rows]) : nil
        gpt_rmsnorm_forward(
            Execution.kernels, Int64(rows), Int64(gamma.count), epsilon, x.pointer, gamma.pointer, y.pointer,
            reciprocalRoot?.pointer)
        withExtendedLifetime(reciprocalRoot) {}
        return (y, reciprocalRoot)
    }

    package func backward(_ gradient: Tensor, _ values: SavedValues, saved: Tensor?, into slots: [GradientSlot]) {
        let (x, gamma) = (values.inputs[0], values.inputs[1])
        guard let reciprocalRoot = saved else { preconditionFailure("nothing was recorded") }
        let (dX, dGamma) = (slots[0].destination(), slots[1].destination())
        gpt_rmsnorm_backward(
            Execution.kernels, Int64(vectors(in: x, gamma)), Int64(gamma.count), gradient.pointer, x.pointer,
            gamma.pointer, reciprocalRoot.pointer, dX?.tensor.pointer, dX?.add ?? false, dGamma?.tensor.pointer,
            dGamma?.add ?? false)
        withExtendedLifetime((dX, dGamma)) {}
    }

    private func vectors(in x: Tensor, _ gamma: Tensor) -> Int {
        precondition(x.shape.columns % gamma.count == 0, "\(x.shape) holds no vectors of length \(gamma.count)")
        return x.count / gamma.count
    }

    package func reference<Builder: PrimitiveBuilder>(
        _ inputs: [Builder.Value], _ builder: inout Builder
    ) -> Builder.Value {
        let C = builder.width(of: inputs[0]), size = builder.width(of: inputs[1])
        let outer = builder.shape(of: inputs[0]).count - 1
        let x = C == size ? inputs[0] : builder.reshape(inputs[0], keeping: outer, [C / size, size])
        let meanSquare = builder.meanAlongLastAxis(builder.multiply(x, x))
        let root = builder.squareRoot(builder.add(meanSquare, builder.constant(Double(epsilon))))
        let y = builder.multiply(builder.divide(x, root), inputs[1])
        return C == size ? y : builder.reshape(y, keeping: outer, [C])
    }
}
