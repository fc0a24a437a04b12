import CKernels

/// The gated feed-forward network of Llama and its descendants, SwiGLU (Shazeer, "GLU variants improve transformer",
/// 2020):
///
///     y = (silu(x Wg' + bg) (x Wu' + bu)) Wd' + bd + r,    silu(x) = x / (1 + exp(-x))
///
/// Inputs: x (..., C), the gate Wg (F, C), what it lets through Wu (F, C), and Wd (C, F), stored (outputs, inputs) as in
/// Hugging Face's models; after them bg (F), bu (F) and bd (C), if `hasBias`; and r (..., C), if `hasResidual`: the
/// residual stream that the network adds to. With a = x Wg' + bg, u = x Wu' + bu, g = silu(a) u:
///
///     dWd = dY' g,   dG = dY Wd,   dU = dG silu(a),   dA = dG u silu'(a),
///     dWg = dA' x,   dWu = dU' x,   dX = dA Wg + dU Wu,   dr = dY
///
/// The rows are taken in chunks, as in `FeedForward`. Of the wide tensors a and u are kept for backward; g is made again
/// on the way, and neither it nor a gradient ever exists for the whole batch.
package struct GatedFeedForward: Operation {
    package let hasBias: Bool
    package let hasResidual: Bool

    private let chunkElements: Int

    /// - Parameters:
    ///   - hasBias: whether there are biases.
    ///   - hasResidual: whether there is something that y is added to.
    ///   - chunkElements: elements of each wide tensor that exist at a time, besides what is kept for backward.
    package init(hasBias: Bool = false, hasResidual: Bool = false, chunkElements: Int = 1 << 19) {
        self.hasBias = hasBias
        self.hasResidual = hasResidual
        self.chunkElements = chunkElements
    }

    private var residual: Int { hasBias ? 7 : 4 }

    package var keeps: Keeps { .inputs }

    /// Saved: a and u.
    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: (gate: Tensor, up: Tensor)?) {
        let (x, gateWeight, upWeight, downWeight) = (inputs[0], inputs[1], inputs[2], inputs[3])
        func bias(_ i: Int) -> Tensor? { hasBias ? inputs[4 + i] : nil }
        let F = gateWeight.shape[0], rows = x.shape.rows, chunk = chunkRows(rows, F)
        let y = Tensor(uninitialized: x.shape.replacingColumns(by: downWeight.shape[0]))
        let kept = recording ? (gate: Tensor(uninitialized: [rows, F]), up: Tensor(uninitialized: [rows, F])) : nil
        let gate = Tensor(uninitialized: [recording ? 0 : chunk, F]), up = Tensor(uninitialized: [chunk, F])
        for these in chunks(of: rows, chunk) {
            let here = 0..<these.count
            let x = Matrix(x, rows: these)
            let a = kept.map { Matrix($0.gate, rows: these) } ?? Matrix(gate, rows: here)
            let u = kept.map { Matrix($0.up, rows: these) } ?? Matrix(up, rows: here)
            MatrixProduct.multiply(x, Matrix(gateWeight).transposed, into: a, epilogue: .bias(bias(0)))
            MatrixProduct.multiply(x, Matrix(upWeight).transposed, into: u, epilogue: .bias(bias(1)))
            gpt_gated_forward(Execution.kernels, Int64(these.count * F), a.pointer, u.pointer, up.pointer)
            MatrixProduct.multiply(
                Matrix(up, rows: here), Matrix(downWeight).transposed, into: Matrix(y, rows: these),
                epilogue: .bias(bias(2), residual: hasResidual ? Matrix(inputs[residual], rows: these) : nil))
        }
        withExtendedLifetime((gate, up, kept)) {}
        return (y, kept)
    }

    package func backward(
        _ gradient: Tensor, _ kept: Kept, saved: (gate: Tensor, up: Tensor)?, into slots: [GradientSlot]
    ) {
        let (x, gateWeight, upWeight, downWeight) = (kept.inputs[0], kept.inputs[1], kept.inputs[2], kept.inputs[3])
        guard let (gate, up) = saved else { preconditionFailure("nothing was recorded") }
        let F = gateWeight.shape[0], rows = x.shape.rows, chunk = chunkRows(rows, F)
        let dX = slots[0].destination(), dWeights = (1...3).map { slots[$0].destination() }
        let dBiases = (4...6).map { hasBias ? slots[$0].destination() : nil }
        let product = Tensor(uninitialized: [chunk, F])
        let dGate = Tensor(uninitialized: [chunk, F]), dUp = Tensor(uninitialized: [chunk, F])
        for these in chunks(of: rows, chunk) {
            let here = 0..<these.count, isLater = these.lowerBound > 0
            let x = Matrix(x, rows: these), dY = Matrix(gradient, rows: these)
            let g = Matrix(product, rows: here), dA = Matrix(dGate, rows: here), dU = Matrix(dUp, rows: here)
            MatrixProduct.multiply(dY, Matrix(downWeight), into: g)
            gpt_gated_backward(
                Execution.kernels, Int64(these.count * F), gate.pointer + these.lowerBound * F,
                up.pointer + these.lowerBound * F, g.pointer, dA.pointer, dU.pointer, g.pointer)
            // Each weight is (outputs, inputs), and so is its gradient: that of what came out, times what went in.
            for (i, (output, input)) in [(dA, x), (dU, x), (dY, g)].enumerated() {
                if let (tensor, add) = dWeights[i] {
                    MatrixProduct.multiply(output.transposed, input, into: Matrix(tensor), add: add || isLater)
                }
                if let (tensor, add) = dBiases[i] {
                    MatrixProduct.sumRows(of: output, into: tensor, add: add || isLater)
                }
            }
            if let (tensor, add) = dX {
                let to = Matrix(tensor, rows: these)
                MatrixProduct.multiply(dA, Matrix(gateWeight), into: to, add: add)
                MatrixProduct.multiply(dU, Matrix(upWeight), into: to, add: true)
            }
        }
        withExtendedLifetime((gate, up, product, dGate, dUp)) {}
        if hasResidual { slots[residual].share(gradient) }
    }

    /// silu(a) u off the tape, as generation needs it between its products.
    package static func gated(_ gate: Tensor, _ up: Tensor) -> Tensor {
        let out = Tensor(uninitialized: gate.shape)
        gpt_gated_forward(Execution.kernels, Int64(out.count), gate.pointer, up.pointer, out.pointer)
        return out
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
        func linear(_ x: Builder.Value, _ i: Int) -> Builder.Value {
            let y = builder.matmul(x, builder.transpose(inputs[1 + i], [1, 0]))
            return hasBias ? builder.add(y, inputs[4 + i]) : y
        }
        let gate = linear(inputs[0], 0)
        let exponential = builder.exp(builder.subtract(builder.constant(0), gate))
        let silu = builder.divide(gate, builder.add(builder.constant(1), exponential))
        let up = linear(inputs[0], 1)
        let y = linear(builder.multiply(silu, up), 2)
        return hasResidual ? builder.add(y, inputs[residual]) : y
    }

    package func flops(_ inputs: [Shape]) -> Double {
        2 * Double(inputs[0].rows) * Double(inputs[1].count + inputs[2].count + inputs[3].count)
    }
}
