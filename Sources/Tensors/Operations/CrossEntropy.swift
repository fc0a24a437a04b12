import CKernels

/// The classifier and its loss in one: softmax cross-entropy of the logits h W' against the targets.
///
///     z = h W' + b
///     loss = the sum over targets t of  log(sum_v exp(z_v)) - z_t      in nats
///
/// Inputs: h (..., C), a row for each target, and W (V, C), a row for each token, as in a tied embedding, and b (V) if
/// `hasBias`; or, without a classifier, the logits z (..., V). A target below 0 is ignored.
///
/// With label smoothing (Szegedy et al., 2016) of e, z_t becomes (1 - e) z_t + e mean(z): the target has the probability
/// 1 - e, and e is divided equally among all tokens.
///
/// The rows are processed in chunks (`RowChunks`): the logits of a chunk are computed, replaced by their gradient in
/// place (softmax - one-hot), and multiplied into the gradients of h and W before the next chunk overwrites them. So
/// the logits of the whole batch, which with a large vocabulary would be the largest tensor of a model, never exist.
package struct CrossEntropy: Loss {
    package let targets: [Int32]
    package let hasClassifier: Bool
    package let hasBias: Bool
    package let smoothing: Float

    package let chunkElements: Int

    /// The default limit of logits that exist at a time: 16 million are a few hundred rows of a vocabulary of 50,000.
    package static let chunkElements = 1 << 24

    /// - Parameters:
    ///   - targets: the token that follows each row, or a number below 0.
    ///   - hasClassifier: whether the logits are computed from h and W, rather than an input.
    ///   - hasBias: whether the classifier has a bias.
    ///   - smoothing: the share of the probability that label smoothing divides among all tokens, from 0 to 1.
    ///   - chunkElements: the most logits that exist at a time.
    package init(
        targets: [Int32], hasClassifier: Bool = true, hasBias: Bool = false, smoothing: Float = 0,
        chunkElements: Int = Self.chunkElements
    ) {
        self.targets = targets
        self.hasClassifier = hasClassifier
        self.hasBias = hasBias
        self.smoothing = smoothing
        self.chunkElements = chunkElements
    }

    package func evaluate(_ inputs: [Tensor], gradient: (scale: Float, slots: [GradientSlot])?) -> Double {
        precondition(gradient?.scale != 0, "a scale of 0, which to the kernel means that no gradient is wanted")
        precondition(inputs[0].shape.rows == targets.count, "\(inputs[0].shape) for \(targets.count) targets")
        return hasClassifier
            ? evaluate(hidden: inputs[0], weight: inputs[1], bias: hasBias ? inputs[2] : nil, gradient)
            : evaluate(logits: inputs[0], gradient)
    }

    private func evaluate(logits: Tensor, _ gradient: (scale: Float, slots: [GradientSlot])?) -> Double {
        let work = logits.copy()
        let total = lossInPlace(work, targets[...], scale: gradient?.scale ?? 0)
        gradient?.slots[0].share(work)
        return total
    }

    private func evaluate(
        hidden: Tensor, weight: Tensor, bias: Tensor?, _ gradient: (scale: Float, slots: [GradientSlot])?
    ) -> Double {
        let (V, _) = weight.shape.two
        let chunks = RowChunks(rows: targets.count, columns: V, elements: chunkElements)
        let logits = Tensor(uninitialized: [chunks.size, V])
        var total = 0.0

        let dHidden = gradient?.slots[0].destination(), dWeight = gradient?.slots[1].destination()
        let dBias = bias == nil ? nil : gradient?.slots[2].destination()
        for chunk in chunks {
            let these = Matrix(hidden, rows: chunk.rows), scores = Matrix(logits, rows: chunk.here)
            MatrixProduct.multiply(these, Matrix(weight).transposed, into: scores, epilogue: .bias(bias))
            total += lossInPlace(logits, targets[chunk.rows], scale: gradient?.scale ?? 0)
            MatrixProduct.gradients(
                of: chunk.sum(dWeight), isTransposed: true, bias: chunk.sum(dBias), input: these, scores)
            if let (tensor, add) = dHidden {
                MatrixProduct.multiply(scores, Matrix(weight), into: Matrix(tensor, rows: chunk.rows), add: add)
            }
        }
        return total
    }

    /// The loss of some rows of logits, which are replaced by scale times its gradient if scale is not 0.
    private func lossInPlace(_ logits: Tensor, _ targets: ArraySlice<Int32>, scale: Float) -> Double {
        let V = logits.shape.columns
        precondition(targets.allSatisfy { $0 < V }, "a target outside the vocabulary of \(V)")
        var losses = [Double](repeating: 0, count: targets.count)
        targets.withUnsafeBufferPointer {
            gpt_cross_entropy(
                Execution.kernels, Int64(targets.count), Int64(V), logits.pointer, $0.baseAddress, &losses, smoothing,
                scale)
        }
        return losses.reduce(0, +)
    }

    package func reference<Builder: PrimitiveBuilder>(
        _ inputs: [Builder.Value], _ builder: inout Builder
    ) -> Builder.Value {
        let rows = builder.reshape(inputs[0], [targets.count, builder.width(of: inputs[0])])
        var logits = hasClassifier ? builder.matmul(rows, builder.transpose(inputs[1], [1, 0])) : rows
        if hasBias { logits = builder.add(logits, inputs[2]) }
        let V = builder.width(of: logits)
        let shifted = builder.subtract(logits, builder.maximumAlongLastAxis(logits))
        let logSum = builder.log(builder.sumAlongLastAxis(builder.exp(shifted)))
        let logProbabilities = builder.subtract(shifted, logSum)
        let everywhere = Double(smoothing) / Double(V)
        let chosen = targets.flatMap { target in
            (0..<V).map { target < 0 ? 0 : ($0 == Int(target) ? Double(smoothing) - 1 : 0) - everywhere }
        }
        let losses = builder.multiply(logProbabilities, builder.constant(chosen, shape: [targets.count, V]))
        return builder.sumAlongLastAxis(builder.reshape(losses, [1, targets.count * V]))
    }

    /// Floating-point operations of the classifier for the value of the loss; its gradients need twice as many in
    /// addition.
    package func flops(_ inputs: [Shape]) -> Double {
        hasClassifier ? 2 * Double(targets.count) * Double(inputs[1].count) : 0
    }
}
