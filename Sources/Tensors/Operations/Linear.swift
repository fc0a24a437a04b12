/// A linear layer: y = x W + b + r.
///
/// Inputs: x (..., I), W (I, O) as GPT-2 stores its weights, b (O) unless `hasBias` is false, and r (..., O) only if
/// `hasResidual`: the residual stream that the layer adds to, at no cost because y is in cache. Backward:
///
///     dX = dY W',   dW = x' dY,   db = the sum of dY over rows,   dr = dY
///
/// If `isTransposed`, W is stored (O, I), as in most models, and so is dW = dY' x. Nothing is transposed in memory.
package struct Linear: Operation {
    package let hasBias: Bool
    package let hasResidual: Bool
    package let isTransposed: Bool

    package init(hasBias: Bool = true, hasResidual: Bool = false, isTransposed: Bool = false) {
        self.hasBias = hasBias
        self.hasResidual = hasResidual
        self.isTransposed = isTransposed
    }

    /// A weight as (I, O).
    private func matrix(_ weight: Tensor) -> Matrix { isTransposed ? Matrix(weight).transposed : Matrix(weight) }

    private var residual: Int { hasBias ? 3 : 2 }

    package var savedForBackward: SavedTensors { .inputs }

    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Void) {
        (product(inputs, packed: nil), ())
    }

    package func serve(_ inputs: [Variable]) -> Tensor {
        product(inputs.map(\.value), packed: inputs[1].packedMatrix(transposed: isTransposed))
    }

    private func product(_ inputs: [Tensor], packed: PackedMatrix?) -> Tensor {
        let x = inputs[0], weight = matrix(inputs[1])
        let y = Tensor(uninitialized: Shape(x.shape.dimensions.dropLast() + [weight.columns]))
        MatrixProduct.multiply(
            Matrix(x), weight, packed: packed, into: Matrix(y),
            epilogue: .bias(
                hasBias ? inputs[2] : nil, residual: hasResidual ? Matrix(inputs[residual]) : nil))
        return y
    }

    package func decode(_ inputs: [Variable]) -> Tensor {
        DecodingProduct.apply(
            inputs[0].value, inputs[1], transposed: isTransposed, bias: hasBias ? inputs[2].value : nil,
            addingTo: hasResidual ? inputs[residual].value : nil)
    }

    package func backward(_ gradient: Tensor, _ values: SavedValues, saved: Void, into slots: [GradientSlot]) {
        let x = Matrix(values.inputs[0]), dY = Matrix(gradient), weight = matrix(values.inputs[1])
        let dBias = hasBias ? slots[2].destination() : nil
        MatrixProduct.gradients(
            of: slots[1].destination(), isTransposed: isTransposed, bias: dBias, input: x, dY)
        slots[0].write { MatrixProduct.multiply(dY, weight.transposed, into: Matrix($0), add: $1) }
        if hasResidual { slots[residual].share(gradient) }
    }

    package func reference<Builder: PrimitiveBuilder>(
        _ inputs: [Builder.Value], _ builder: inout Builder
    ) -> Builder.Value {
        var y = builder.matmul(inputs[0], isTransposed ? builder.transpose(inputs[1], [1, 0]) : inputs[1])
        if hasBias { y = builder.add(y, inputs[2]) }
        return hasResidual ? builder.add(y, inputs[residual]) : y
    }

    package func flops(_ inputs: [Shape]) -> Double { 2 * Double(inputs[0].rows) * Double(inputs[1].count) }
}
