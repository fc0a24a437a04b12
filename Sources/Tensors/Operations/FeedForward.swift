/// The feed-forward network of a transformer: y = act(x W1 + b1) W2 + b2 + r.
///
/// Inputs: x (..., C), W1 (C, F), b1 (F), W2 (F, C), b2 (C), without the biases unless `hasBias`, and, only if
/// `hasResidual`, r (..., C): the residual stream that the network adds to. It is one op rather than two linear layers
/// because of what lies between them, four times as wide as everything else: h = x W1 + b1 is kept for backward, in
/// bfloat16 if products are computed in that, but g = act(h) is not. The activation is applied within the epilogue of the
/// first product, and once more in backward together with its derivative. Forward and backward take the rows in chunks,
/// so that g and dH are read while they are in cache:
///
///     dH = (dY W2') act'(h),   dW2 = g' dY,   db2 = the sum of dY,   dW1 = x' dH,   db1 = the sum of dH,   dX = dH W1',
///     dr = dY
package struct FeedForward: Operation {
    package let activation: Activation
    package let hasBias: Bool
    package let hasResidual: Bool

    private let chunkElements: Int

    /// - Parameter chunkElements: elements of the wide tensor between the two products that exist at a time, besides what
    ///   is kept for backward: few enough to stay in cache until the second product reads them.
    package init(
        activation: Activation, hasBias: Bool = true, hasResidual: Bool = false, chunkElements: Int = 1 << 19
    ) {
        self.activation = activation
        self.hasBias = hasBias
        self.hasResidual = hasResidual
        self.chunkElements = chunkElements
    }

    /// Where the second weight and the residual stand among the inputs.
    private var second: Int { hasBias ? 3 : 2 }
    private var residual: Int { hasBias ? 5 : 3 }

    package var keeps: Keeps { .inputs }

    /// Saved: h.
    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: KeptRows?) {
        let (x, weight1, weight2) = (inputs[0], inputs[1], inputs[second])
        let (bias1, bias2) = hasBias ? (inputs[2], inputs[4]) : (nil, nil)
        let (outer, F) = (x.shape.dimensions.dropLast(), weight1.shape.columns)
        let y = Tensor(uninitialized: Shape(outer + [weight2.shape.columns]))
        let h = recording ? KeptRows(rows: x.shape.rows, columns: F) : nil
        let chunk = chunkRows(x.shape.rows, F)
        let g = Tensor(uninitialized: [chunk, F])
        let (packed1, packed2) = (packed(Matrix(weight1), chunk, x), packed(Matrix(weight2), chunk, x))
        for rows in chunks(of: x.shape.rows, chunk) {
            let these = Matrix(g, rows: 0..<rows.count)
            MatrixProduct.multiply(
                Matrix(x, rows: rows), Matrix(weight1), packed: packed1, into: these,
                epilogue: .activation(activation, bias: bias1, before: h?.from(rows.lowerBound)))
            MatrixProduct.multiply(
                these, Matrix(weight2), packed: packed2, into: Matrix(y, rows: rows),
                epilogue: .bias(bias2, residual: hasResidual ? Matrix(inputs[residual], rows: rows) : nil))
        }
        return (y, h)
    }

    package func backward(_ gradient: Tensor, _ kept: Kept, saved: KeptRows?, into slots: [GradientSlot]) {
        let (x, weight1, weight2) = (kept.inputs[0], kept.inputs[1], kept.inputs[second])
        guard let h = saved else { preconditionFailure("nothing was recorded") }
        let (dX, dWeight1, dWeight2) = (slots[0].destination(), slots[1].destination(), slots[second].destination())
        let (dBias1, dBias2) = hasBias ? (slots[2].destination(), slots[4].destination()) : (nil, nil)
        let F = weight1.shape.columns, chunk = chunkRows(x.shape.rows, F)
        let (dH, g) = (Tensor(uninitialized: [chunk, F]), Tensor(uninitialized: [chunk, F]))
        let packed2 = packed(Matrix(weight2).transposed, chunk, x)
        let packed1 = dX == nil ? nil : packed(Matrix(weight1).transposed, chunk, x)
        for rows in chunks(of: x.shape.rows, chunk) {
            let these = Matrix(dH, rows: 0..<rows.count), activated = Matrix(g, rows: 0..<rows.count)
            let dY = Matrix(gradient, rows: rows)
            // Each chunk adds to what those before it have written.
            func sum(_ slot: (tensor: Tensor, add: Bool)?) -> (tensor: Tensor, add: Bool)? {
                slot.map { ($0.tensor, $0.add || rows.lowerBound > 0) }
            }
            MatrixProduct.multiply(
                dY, Matrix(weight2).transposed, packed: packed2, into: these,
                epilogue: .slope(activation, at: h.from(rows.lowerBound), value: activated))
            MatrixProduct.gradients(of: sum(dWeight2), bias: sum(dBias2), input: activated, dY)
            MatrixProduct.gradients(of: sum(dWeight1), bias: sum(dBias1), input: Matrix(x, rows: rows), these)
            if let (tensor, add) = dX {
                MatrixProduct.multiply(
                    these, Matrix(weight1).transposed, packed: packed1, into: Matrix(tensor, rows: rows), add: add)
            }
        }
        if hasResidual { slots[residual].share(gradient) }
    }

    /// A weight packed once for all chunks, if there are several.
    private func packed(_ weight: Matrix, _ chunk: Int, _ x: Tensor) -> PackedMatrix? {
        chunk < x.shape.rows ? PackedMatrix(weight) : nil
    }

    /// Rows that are taken at a time: cut by the shape alone, and in whole blocks of the matrix product.
    private func chunkRows(_ rows: Int, _ F: Int) -> Int {
        let most = chunkElements / F
        return min(rows, most >= 96 ? most / 96 * 96 : max(1, most))
    }

    private func chunks(of rows: Int, _ chunk: Int) -> some Sequence<Range<Int>> {
        stride(from: 0, to: rows, by: chunk).lazy.map { $0..<min($0 + chunk, rows) }
    }

    package func reference<Builder: PrimitiveBuilder>(
        _ inputs: [Builder.Value], _ builder: inout Builder
    ) -> Builder.Value {
        func linear(_ x: Builder.Value, _ weight: Int) -> Builder.Value {
            let y = builder.matmul(x, inputs[weight])
            return hasBias ? builder.add(y, inputs[weight + 1]) : y
        }
        let g = activation.reference(linear(inputs[0], 1), &builder)
        let y = linear(g, second)
        return hasResidual ? builder.add(y, inputs[residual]) : y
    }

    package func flops(_ inputs: [Shape]) -> Double {
        2 * Double(inputs[0].rows) * Double(inputs[1].count + inputs[second].count)
    }
}

extension Activation {
    fileprivate func reference<Builder: PrimitiveBuilder>(
        _ x: Builder.Value, _ builder: inout Builder
    ) -> Builder.Value {
        switch self {
        case .identity: return x
        case .relu: return builder.maximum(x, builder.constant(0))
        case .gelu: return builder.gelu(x)
        }
    }
}

extension Activation {
    /// GELU in other primitives, for builders that do not know it.
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
