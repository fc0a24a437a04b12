/// A linear layer: y = x W + b + r.
///
/// Inputs: x (..., I), W (I, O) as GPT-2 stores its weights, b (O) unless `hasBias` is false, and r (..., O) only if
/// `hasResidual`: the residual stream that the layer adds to, which costs nothing while y is in cache. Backward:
///
///     dX = dY W',   dW = x' dY,   db = the sum of dY over rows,   dr = dY
package struct Linear: Operation {
    package let hasBias: Bool
    package let hasResidual: Bool

    package init(hasBias: Bool = true, hasResidual: Bool = false) {
        self.hasBias = hasBias
        self.hasResidual = hasResidual
    }

    private var residual: Int { hasBias ? 3 : 2 }

    package var keeps: Keeps { .inputs }

    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Void) {
        let (x, weight) = (inputs[0], inputs[1])
        let (_, O) = weight.shape.two
        let y = Tensor(uninitialized: Shape(x.shape.dimensions.dropLast() + [O]))
        MatrixProduct.multiply(
            Matrix(x), Matrix(weight), into: Matrix(y),
            epilogue: .bias(
                hasBias ? inputs[2] : nil, residual: hasResidual ? Matrix(inputs[residual]) : nil))
        return (y, ())
    }

    package func backward(_ gradient: Tensor, _ kept: Kept, saved: Void, into slots: [GradientSlot]) {
        let (x, weight) = (kept.inputs[0], kept.inputs[1])
        MatrixProduct.gradients(
            of: slots[1].destination(), bias: hasBias ? slots[2].destination() : nil, input: Matrix(x), Matrix(gradient)
        )
        slots[0].write {
            MatrixProduct.multiply(Matrix(gradient), Matrix(weight).transposed, into: Matrix($0), add: $1)
        }
        if hasResidual { slots[residual].share(gradient) }
    }

    package func reference<Builder: PrimitiveBuilder>(
        _ inputs: [Builder.Value], _ builder: inout Builder
    ) -> Builder.Value {
        var y = builder.matmul(inputs[0], inputs[1])
        if hasBias { y = builder.add(y, inputs[2]) }
        return hasResidual ? builder.add(y, inputs[residual]) : y
    }

    package func flops(_ inputs: [Shape]) -> Double { 2 * Double(inputs[0].rows) * Double(inputs[1].count) }
}
