/// A linear layer: y = x W + b.
///
/// Inputs: x (..., I), W (I, O) as GPT-2 stores its weights, and b (O) unless `hasBias` is false. Backward:
///
///     dX = dY W',   dW = x' dY,   db = the sum of dY over rows
package struct Linear: Operation {
    package let hasBias: Bool

    package init(hasBias: Bool = true) { self.hasBias = hasBias }

    package var keeps: Keeps { .inputs }

    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Void) {
        let (x, weight) = (inputs[0], inputs[1])
        let (_, O) = weight.shape.two
        let y = Tensor(uninitialized: Shape(x.shape.dimensions.dropLast() + [O]))
        MatrixProduct.multiply(
            Matrix(x), Matrix(weight), into: Matrix(y), epilogue: .bias(hasBias ? inputs[2] : nil))
        return (y, ())
    }

    package func backward(_ gradient: Tensor, _ kept: Kept, saved: Void, into slots: [GradientSlot]) {
        let (x, weight) = (kept.inputs[0], kept.inputs[1])
        if hasBias { slots[2].write { MatrixProduct.sumRows(of: Matrix(gradient), into: $0, add: $1) } }
        slots[1].write {
            MatrixProduct.multiply(Matrix(x).transposed, Matrix(gradient), into: Matrix($0), add: $1)
        }
        slots[0].write {
            MatrixProduct.multiply(Matrix(gradient), Matrix(weight).transposed, into: Matrix($0), add: $1)
        }
    }

    package func reference<Builder: PrimitiveBuilder>(
        _ inputs: [Builder.Value], _ builder: inout Builder
    ) -> Builder.Value {
        let product = builder.matmul(inputs[0], inputs[1])
        return hasBias ? builder.add(product, inputs[2]) : product
    }

    package func flops(_ inputs: [Shape]) -> Double { 2 * Double(inputs[0].rows) * Double(inputs[1].count) }
}
