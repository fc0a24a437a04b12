/// The feed-forward network of a transformer: y = act(x W1 + b1) W2 + b2 + r.
///
/// Inputs: x (..., C), W1 (C, F), b1 (F), W2 (F, C), b2 (C), without the biases unless `hasBias`, and, only if
/// `hasResidual`, r (..., C): the residual stream that the network adds to. If `isTransposed`, W1 is stored (F, C) and W2
/// (C, F). It is one op rather than two linear layers
/// because the tensors between them are four times as wide as all others. h = x W1 + b1 is saved for backward, in
/// bfloat16 if that is the precision of products; g = act(h) is not saved. The activation is applied in the epilogue of
/// the first product, and again in backward together with its derivative. Forward and backward process the rows in
/// chunks (`RowChunks`), so that g and dH are read while they are in cache:
///
///     dH = (dY W2') act'(h),   dW2 = g' dY,   db2 = the sum of dY,   dW1 = x' dH,   db1 = the sum of dH,   dX = dH W1',
///     dr = dY
package struct FeedForward: Operation {
    package let activation: Activation
    package let hasBias: Bool
    package let hasResidual: Bool
    package let isTransposed: Bool

    package let chunkElements: Int

    /// - Parameters:
    ///   - activation: act.
    ///   - hasBias: whether both layers have biases.
    ///   - hasResidual: whether the last input is a residual.
    ///   - isTransposed: whether the weights are stored (outputs, inputs), as in most models.
    ///   - chunkElements: the most elements of g that exist at a time: few enough to stay in cache until the second
    ///     product reads them.
    package init(
        activation: Activation, hasBias: Bool = true, hasResidual: Bool = false, isTransposed: Bool = false,
        chunkElements: Int = 1 << 19
    ) {
        self.activation = activation
        self.hasBias = hasBias
        self.hasResidual = hasResidual
        self.isTransposed = isTransposed
        self.chunkElements = chunkElements
    }

    /// The positions of the second weight and the residual among the inputs.
    private var second: Int { hasBias ? 3 : 2 }
    private var residual: Int { hasBias ? 5 : 3 }

    package var savedForBackward: SavedTensors { .inputs }

    /// A weight as (inputs, outputs).
    private func matrix(_ weight: Tensor) -> Matrix { isTransposed ? Matrix(weight).transposed : Matrix(weight) }

    /// Saved: h.
    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: SavedRows?) {
        products(inputs, recording: recording, packed: (nil, nil))
    }

    package func serve(_ inputs: [Variable]) -> Tensor {
        func packed(_ weight: Int) -> PackedMatrix? { inputs[weight].packedMatrix(transposed: isTransposed) }
        return products(inputs.map(\.value), recording: false, packed: (packed(1), packed(second))).output
    }

    /// - Parameter packed: the two weights, if they are packed already.
    private func products(
        _ inputs: [Tensor], recording: Bool, packed: (PackedMatrix?, PackedMatrix?)
    ) -> (output: Tensor, saved: SavedRows?) {
        let (x, weight1, weight2) = (inputs[0], matrix(inputs[1]), matrix(inputs[second]))
        let (bias1, bias2) = hasBias ? (inputs[2], inputs[4]) : (nil, nil)
        let (outer, F) = (x.shape.dimensions.dropLast(), weight1.columns)
        let y = Tensor(uninitialized: Shape(outer + [weight2.columns]))
        let h = recording ? SavedRows(rows: x.shape.rows, columns: F) : nil
        let chunks = RowChunks(rows: x.shape.rows, columns: F, elements: chunkElements)
        let g = Tensor(uninitialized: [chunks.size, F])
        let (packed1, packed2) = (packed.0 ?? chunks.packing(weight1), packed.1 ?? chunks.packing(weight2))
        for chunk in chunks {
            let (rows, these) = (chunk.rows, Matrix(g, rows: chunk.here))
            MatrixProduct.multiply(
                Matrix(x, rows: rows), weight1, packed: packed1, into: these,
                epilogue: .activation(activation, bias: bias1, before: h?.from(rows.lowerBound)))
            MatrixProduct.multiply(
                these, weight2, packed: packed2, into: Matrix(y, rows: rows),
                epilogue: .bias(bias2, residual: hasResidual ? Matrix(inputs[residual], rows: rows) : nil))
        }
        return (y, h)
    }

    /// In generation the rows are few, so g is small and not cut into chunks.
    package func decode(_ inputs: [Variable]) -> Tensor {
        let (bias1, bias2) = hasBias ? (inputs[2].value, inputs[4].value) : (nil, nil)
        let g = DecodingProduct.apply(
            inputs[0].value, inputs[1], transposed: isTransposed, bias: bias1, activation: activation)
        return DecodingProduct.apply(
            g, inputs[second], transposed: isTransposed, bias: bias2,
            addingTo: hasResidual ? inputs[residual].value : nil)
    }

    package func backward(_ gradient: Tensor, _ values: SavedValues, saved: SavedRows?, into slots: [GradientSlot]) {
        let (x, weight1, weight2) = (values.inputs[0], matrix(values.inputs[1]), matrix(values.inputs[second]))
        guard let h = saved else { preconditionFailure("nothing was recorded") }
        let (dX, dWeight1, dWeight2) = (slots[0].destination(), slots[1].destination(), slots[second].destination())
        let (dBias1, dBias2) = hasBias ? (slots[2].destination(), slots[4].destination()) : (nil, nil)
        let F = weight1.columns
        let chunks = RowChunks(rows: x.shape.rows, columns: F, elements: chunkElements)
        let (dH, g) = (Tensor(uninitialized: [chunks.size, F]), Tensor(uninitialized: [chunks.size, F]))
        let packed2 = chunks.packing(weight2.transposed)
        let packed1 = dX == nil ? nil : chunks.packing(weight1.transposed)
        for chunk in chunks {
            let rows = chunk.rows, these = Matrix(dH, rows: chunk.here), activated = Matrix(g, rows: chunk.here)
            let dY = Matrix(gradient, rows: rows)
            MatrixProduct.multiply(
                dY, weight2.transposed, packed: packed2, into: these,
                epilogue: .slope(activation, at: h.from(rows.lowerBound), value: activated))
            MatrixProduct.gradients(
                of: chunk.sum(dWeight2), isTransposed: isTransposed, bias: chunk.sum(dBias2), input: activated, dY)
            MatrixProduct.gradients(
                of: chunk.sum(dWeight1), isTransposed: isTransposed, bias: chunk.sum(dBias1),
                input: Matrix(x, rows: rows), these)
            if let (tensor, add) = dX {
                MatrixProduct.multiply(
                    these, weight1.transposed, packed: packed1, into: Matrix(tensor, rows: rows), add: add)
            }
        }
        if hasResidual { slots[residual].share(gradient) }
    }

    package func reference<Builder: PrimitiveBuilder>(
        _ inputs: [Builder.Value], _ builder: inout Builder
    ) -> Builder.Value {
        func linear(_ x: Builder.Value, _ weight: Int) -> Builder.Value {
            let y = builder.matmul(x, isTransposed ? builder.transpose(inputs[weight], [1, 0]) : inputs[weight])
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
