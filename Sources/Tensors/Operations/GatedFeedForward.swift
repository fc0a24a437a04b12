/// The gated feed-forward network of Llama and later models, SwiGLU (Shazeer, "GLU variants improve transformer",
/// 2020):
///
///     y = (silu(x Wg' + bg) (x Wu' + bu)) Wd' + bd + r,    silu(x) = x / (1 + exp(-x))
///
/// Inputs: x (..., C), the gate Wg (F, C), the up projection Wu (F, C) and the down projection Wd (C, F), stored
/// (outputs, inputs) as in Hugging Face's models; after them bg (F), bu (F) and bd (C), if `hasBias`; and r (..., C),
/// if `hasResidual`: the residual stream that the network adds to. With a = x Wg' + bg, u = x Wu' + bu, g = silu(a) u:
///
///     dWd = dY' g,   dG = dY Wd,   dU = dG silu(a),   dA = dG u silu'(a),
///     dWg = dA' x,   dWu = dU' x,   dX = dA Wg + dU Wu,   dr = dY
///
/// As in `FeedForward`, the rows are processed in chunks, and the element-wise steps are computed in the epilogues of
/// the products. Of the wide tensors only a and u are saved, in bfloat16 if that is the precision of products. Backward
/// computes g again, and neither g nor a gradient of it ever exists for the whole batch.
package struct GatedFeedForward: Operation {
    package let hasBias: Bool
    package let hasResidual: Bool

    package let chunkElements: Int

    /// - Parameters:
    ///   - hasBias: whether all layers have biases.
    ///   - hasResidual: whether the last input is a residual.
    ///   - chunkElements: the most elements of g, and of each gradient as wide, that exist at a time.
    package init(hasBias: Bool = false, hasResidual: Bool = false, chunkElements: Int = 1 << 19) {
        self.hasBias = hasBias
        self.hasResidual = hasResidual
        self.chunkElements = chunkElements
    }

    private var residual: Int { hasBias ? 7 : 4 }

    package var savedForBackward: SavedTensors { .inputs }

    /// What backward reads: a and u.
    package struct Recorded {
        let gate: SavedRows
        let up: SavedRows
    }

    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Recorded?) {
        let x = inputs[0], weights = inputs[1...3].map { Matrix($0).transposed }
        func bias(_ i: Int) -> Tensor? { hasBias ? inputs[4 + i] : nil }
        let F = weights[0].columns, rows = x.shape.rows
        let y = Tensor(uninitialized: x.shape.replacingColumns(by: weights[2].columns))
        let saved =
            recording ? Recorded(gate: SavedRows(rows: rows, columns: F), up: SavedRows(rows: rows, columns: F)) : nil
        let chunks = RowChunks(rows: rows, columns: F, elements: chunkElements)
        let (gate, product) = (Tensor(uninitialized: [chunks.size, F]), Tensor(uninitialized: [chunks.size, F]))
        let packed = weights.map(chunks.packing)
        for chunk in chunks {
            let rows = chunk.rows, first = chunk.rows.lowerBound
            let x = Matrix(x, rows: rows), opened = Matrix(gate, rows: chunk.here),
                g = Matrix(product, rows: chunk.here)
            MatrixProduct.multiply(
                x, weights[0], packed: packed[0], into: opened,
                epilogue: .activation(.silu, bias: bias(0), before: saved?.gate.from(first)))
            MatrixProduct.multiply(
                x, weights[1], packed: packed[1], into: g,
                epilogue: .activation(.identity, bias: bias(1), before: saved?.up.from(first), times: opened))
            MatrixProduct.multiply(
                g, weights[2], packed: packed[2], into: Matrix(y, rows: rows),
                epilogue: .bias(bias(2), residual: hasResidual ? Matrix(inputs[residual], rows: rows) : nil))
        }
        return (y, saved)
    }

    package func decode(_ inputs: [Variable]) -> Tensor {
        let x = inputs[0].value
        func bias(_ i: Int) -> Tensor? { hasBias ? inputs[4 + i].value : nil }
        let gate = DecodingProduct.apply(x, inputs[1], transposed: true, bias: bias(0), activation: .silu)
        let g = DecodingProduct.apply(x, inputs[2], transposed: true, bias: bias(1), times: gate)
        return DecodingProduct.apply(
            g, inputs[3], transposed: true, bias: bias(2), addingTo: hasResidual ? inputs[residual].value : nil)
    }

    package func backward(_ gradient: Tensor, _ values: SavedValues, saved: Recorded?, into slots: [GradientSlot]) {
        guard let saved else { preconditionFailure("nothing was recorded") }
        let x = values.inputs[0], weights = values.inputs[1...3].map { Matrix($0) }
        let F = weights[0].rows, chunks = RowChunks(rows: x.shape.rows, columns: F, elements: chunkElements)
        let dX = slots[0].destination(), dWeights = slots[1...3].map { $0.destination() }
        let dBiases = hasBias ? slots[4...6].map { $0.destination() } : [nil, nil, nil]
        let dGate = Tensor(uninitialized: [chunks.size, F]), dUp = Tensor(uninitialized: [chunks.size, F])
        let product = Tensor(uninitialized: [chunks.size, F])
        let packedDown = chunks.packing(weights[2])
        let packed = dX == nil ? [nil, nil] : weights[0...1].map(chunks.packing)
        for chunk in chunks {
            let rows = chunk.rows, x = Matrix(x, rows: rows), dY = Matrix(gradient, rows: rows)
            let dA = Matrix(dGate, rows: chunk.here), dU = Matrix(dUp, rows: chunk.here)
            let g = Matrix(product, rows: chunk.here)
            MatrixProduct.multiply(
                dY, weights[2], packed: packedDown, into: dA,
                epilogue: .slope(
                    .silu, at: saved.gate.from(rows.lowerBound), value: g,
                    times: (saved.up.from(rows.lowerBound), gradient: dU)))
            // Each weight is (outputs, inputs), and so is its gradient: that of what came out, times what went in.
            for (i, (output, input)) in [(dA, x), (dU, x), (dY, g)].enumerated() {
                MatrixProduct.gradients(
                    of: chunk.sum(dWeights[i]), isTransposed: true, bias: chunk.sum(dBiases[i]), input: input, output)
            }
            if let (tensor, add) = dX {
                let to = Matrix(tensor, rows: rows)
                MatrixProduct.multiply(dA, weights[0], packed: packed[0], into: to, add: add)
                MatrixProduct.multiply(dU, weights[1], packed: packed[1], into: to, add: true)
            }
        }
        if hasResidual { slots[residual].share(gradient) }
    }

    package func reference<Builder: PrimitiveBuilder>(
        _ inputs: [Builder.Value], _ builder: inout Builder
    ) -> Builder.Value {
        func linear(_ x: Builder.Value, _ i: Int) -> Builder.Value {
            let y = builder.matmul(x, builder.transpose(inputs[1 + i], [1, 0]))
            return hasBias ? builder.add(y, inputs[4 + i]) : y
        }
        let gate = Activation.silu.reference(linear(inputs[0], 0), &builder)
        let y = linear(builder.multiply(gate, linear(inputs[0], 1)), 2)
        return hasResidual ? builder.add(y, inputs[residual]) : y
    }

    package func flops(_ inputs: [Shape]) -> Double {
        2 * Double(inputs[0].rows) * Double(inputs[1].count + inputs[2].count + inputs[3].count)
    }
}
