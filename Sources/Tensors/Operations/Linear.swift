import CKernels

/// What is applied to the output of a linear layer, element by element.
package enum Activation: Sendable, CaseIterable {
    case identity
    /// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))): the approximation that GPT-2 uses (Hendrycks and Gimpel, 2016),
    /// `gelu_new` to Hugging Face and `approximate="tanh"` to PyTorch.
    case gelu
    case relu

    fileprivate var code: Int32 {
        switch self {
        case .identity: Int32(GPT_IDENTITY.rawValue)
        case .gelu: Int32(GPT_GELU.rawValue)
        case .relu: Int32(GPT_RELU.rawValue)
        }
    }
}

/// A linear layer with its bias and activation in one pass: y = act(x W + b).
///
/// Inputs: x (..., I), W (I, O) as GPT-2 stores its weights, and b (O) unless `hasBias` is false. The activation's
/// derivative at each output is saved with it, while the numbers are in registers, so that backward multiplies by it:
///
///     dH = dY * act'(xW + b),   dX = dH W',   dW = x' dH,   db = the sum of dH over rows
package struct Linear: Operation {
    package let activation: Activation
    package let hasBias: Bool

    package init(activation: Activation = .identity, hasBias: Bool = true) {
        self.activation = activation
        self.hasBias = hasBias
    }

    package var keeps: Keeps { .inputs }

    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Tensor?) {
        let (x, weight) = (inputs[0], inputs[1])
        let bias = hasBias ? inputs[2] : nil
        let (I, O) = weight.shape.two
        precondition(x.shape.columns == I, "a weight of shape \(weight.shape) cannot be applied to \(x.shape)")
        let y = Tensor(uninitialized: Shape(x.shape.dimensions.dropLast() + [O]))
        let derivative = recording && activation != .identity ? Tensor(uninitialized: y.shape) : nil
        var product = gpt_matmul()
        product.m = Int64(x.shape.rows)
        product.n = Int64(O)
        product.k = Int64(I)
        product.setA(x, row: I, column: 1)
        product.setB(weight, row: O, column: 1)
        product.c = y.pointer
        product.c_row = Int64(O)
        product.bias = UnsafePointer(bias?.pointer)
        product.activation = activation.code
        product.derivative = derivative?.pointer
        gpt_matmul_run(Execution.kernels, &product)
        withExtendedLifetime((bias, derivative)) {}
        return (y, derivative)
    }

    package func backward(_ gradient: Tensor, _ kept: Kept, saved: Tensor?, into slots: [GradientSlot]) {
        let (x, weight) = (kept.inputs[0], kept.inputs[1])
        var dH = gradient
        if let derivative = saved {
            dH = Tensor(uninitialized: gradient.shape)
            Elementwise.multiply(gradient, derivative, into: dH)
        }
        Self.backward(dH, x: x, weight: weight, slots)
    }

    /// The gradients of x W + b from that of its value.
    private static func backward(_ dH: Tensor, x: Tensor, weight: Tensor, _ slots: [GradientSlot]) {
        let (I, O) = weight.shape.two
        let rows = Int64(x.shape.rows)
        if slots.count > 2 {
            slots[2].write { gpt_sum_over_rows(Execution.kernels, rows, Int64(O), dH.pointer, $0.pointer, $1) }
        }
        slots[1].write { dWeight, add in
            var product = gpt_matmul()
            product.m = Int64(I)
            product.n = Int64(O)
            product.k = rows
            product.setA(x, row: 1, column: I)
            product.setB(dH, row: O, column: 1)
            product.c = dWeight.pointer
            product.c_row = Int64(O)
            product.accumulate = add
            gpt_matmul_run(Execution.kernels, &product)
        }
        slots[0].write { dX, add in
            var product = gpt_matmul()
            product.m = rows
            product.n = Int64(I)
            product.k = Int64(O)
            product.setA(dH, row: O, column: 1)
            product.setB(weight, row: 1, column: O)
            product.c = dX.pointer
            product.c_row = Int64(I)
            product.accumulate = add
            gpt_matmul_run(Execution.kernels, &product)
        }
    }

    package func reference<Builder: PrimitiveBuilder>(
        _ inputs: [Builder.Value], _ builder: inout Builder
    ) -> Builder.Value {
        var y = builder.matmul(inputs[0], inputs[1])
        if hasBias { y = builder.add(y, inputs[2]) }
        switch activation {
        case .identity: return y
        case .relu: return builder.maximum(y, builder.constant(0))
        case .gelu:
            let cube = builder.multiply(builder.multiply(y, y), y)
            let inner = builder.add(y, builder.multiply(builder.constant(0.044715), cube))
            let tanh = builder.tanh(builder.multiply(builder.constant((2 / Double.pi).squareRoot()), inner))
            return builder.multiply(
                builder.multiply(builder.constant(0.5), y), builder.add(builder.constant(1), tanh))
        }
    }
}

extension gpt_matmul {
    /// a, read with the given strides in elements.
    package mutating func setA(_ a: Tensor, offset: Int = 0, row: Int, column: Int) {
        self.a = UnsafePointer(a.pointer + offset)
        a_row = Int64(row)
        a_column = Int64(column)
    }

    package mutating func setB(_ b: Tensor, offset: Int = 0, row: Int, column: Int) {
        self.b = UnsafePointer(b.pointer + offset)
        b_row = Int64(row)
        b_column = Int64(column)
    }
}
