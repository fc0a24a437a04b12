import CKernels

/// One update of Muon (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024) of a weight W
/// with n rows and m columns:
///
///     M = beta M + (1 - beta) scale G
///     D = orthogonalized(beta M + (1 - beta) scale G)                 Nesterov's momentum
///     W = W (1 - lr decay) - lr 0.2 sqrt(max(n, m)) D
///
/// Gradients of a weight matrix are dominated by a few directions. The orthogonalized matrix has the same singular
/// vectors, and singular values near 1, so that the step has the same length in every direction. The factor gives an
/// element of it the root mean square 0.2 that an element of a step of AdamW has, so that both share a learning rate and
/// a weight decay (Liu et al., "Muon is scalable for LLM training", 2025).
///
/// It is not an op: it has no gradient.
package struct MuonUpdate: Sendable {
    package var learningRate: Double
    /// beta, the decay rate of the mean of gradients.
    package var momentum: Double
    package var weightDecay: Double
    /// The factor of the gradient, at most 1, that clipping computes.
    package var gradientScale: Double

    package init(learningRate: Double, momentum: Double, weightDecay: Double, gradientScale: Double) {
        self.learningRate = learningRate
        self.momentum = momentum
        self.weightDecay = weightDecay
        self.gradientScale = gradientScale
    }

    /// The floating-point operations of the matrix products of an update.
    package static func operations(rows: Int, columns: Int) -> Double {
        let n = Double(min(rows, columns)), m = Double(max(rows, columns))
        return Double(OddPolynomial.towardsOne.count) * (4 * n * n * m + 2 * n * n * n)
    }

    /// Changes parameters with two dimensions, and the means of their gradients, in place.
    /// - Parameter weights: the parameters.
    package func apply(_ weights: [(parameter: Parameter, gradient: Tensor, mean: Tensor)]) {
        let execution = Execution.current
        let tensors = weights.map { (values: $0.parameter.value, gradient: $0.gradient, mean: $0.mean) }
        if tensors.count < 2 * execution.threads {
            for (values, gradient, mean) in tensors { update(values, gradient, mean) }
        } else {
            // The products for one matrix depend on each other, and each is small. So one thread computes all products of a
            // matrix, and the threads wait for each other once instead of after each product.
            execution.forEach(below: tensors.count) { i in
                Execution.$current.withValue(execution) {
                    update(tensors[i].values, tensors[i].gradient, tensors[i].mean)
                }
            }
        }
        for (parameter, _, _) in weights { parameter.didChange() }
    }

    private func update(_ values: Tensor, _ gradient: Tensor, _ mean: Tensor) {
        precondition(
            values.shape.rank == 2 && gradient.count == values.count && mean.count == values.count,
            "a gradient \(gradient.shape) and a mean \(mean.shape) for \(values.shape)")
        let direction = Tensor(uninitialized: values.shape)
        gpt_nesterov_momentum(
            Execution.kernels, Int64(values.count), momentum, gradientScale, gradient.pointer, mean.pointer,
            direction.pointer)
        let step = direction.orthogonalized()
        let length = 0.2 * Double(max(values.shape.rows, values.shape.columns)).squareRoot()
        gpt_step_along(
            Execution.kernels, Int64(values.count), 1 - learningRate * weightDecay, learningRate * length, step.pointer,
            values.pointer)
        withExtendedLifetime((gradient, mean, direction, step)) {}
    }
}

/// The coefficients of an odd polynomial p(x) = a x + b x^3 + c x^5. Applied to a matrix, it is applied to each singular
/// value.
fileprivate struct OddPolynomial {
    let a: Float
    let b: Float
    let c: Float

    /// Three polynomials that, one after another, map every number from 0.01 to 1 to a number from 0.73 to 1.27. Each is
    /// the best approximation of 1, in the sense of the largest difference, on the range that the one before it leaves
    /// (Amsel et al., "The Polar Express", 2025, whose theorem is that no other three are better; the numbers were
    /// computed with Remez' algorithm). Five steps of the original Muon end in as wide a range for twice the work.
    static let towardsOne = [
        OddPolynomial(a: 8.0934, b: -23.6204, c: 17.4462),
        OddPolynomial(a: 3.6366, b: -2.7219, c: 0.5365),
        OddPolynomial(a: 2.6613, b: -1.9772, c: 0.4526),
    ]
}

extension Tensor {
    /// A matrix with the same singular vectors, and singular values from 0.73 to 1.27 instead of those that are at least a
    /// hundredth of the norm of the matrix; smaller ones stay smaller.
    ///
    /// A polynomial of a matrix X is a X + b (X X') X + c (X X')^2 X, so that only products are needed, which are quick.
    package func orthogonalized() -> Tensor {
        let isTall = shape.rows > shape.columns, n = min(shape.rows, shape.columns)
        let norm = sumOfSquares().squareRoot()
        guard norm > 0 else { return copy() }
        // The largest singular value is at most the norm.
        var x = scaled(by: Float(1 / norm)), next = Tensor(uninitialized: shape)
        let gram = Tensor(uninitialized: [n, n]), square = Tensor(uninitialized: [n, n])
        for polynomial in OddPolynomial.towardsOne {
            let X = Matrix(x)
            // The smaller one of X X' and X' X. P = a + b gram + c gram^2.
            MatrixProduct.multiply(
                isTall ? X.transposed : X, isTall ? X : X.transposed, into: Matrix(gram), precision: .float32)
            let inner = gram.scaled(by: polynomial.c)
            inner.addToDiagonal(polynomial.b)
            MatrixProduct.multiply(Matrix(gram), Matrix(inner), into: Matrix(square), precision: .float32)
            square.addToDiagonal(polynomial.a)
            MatrixProduct.multiply(
                isTall ? X : Matrix(square), isTall ? Matrix(square) : X, into: Matrix(next), precision: .float32)
            swap(&x, &next)
        }
        return x
    }

    private func scaled(by factor: Float) -> Tensor {
        let result = Tensor(uninitialized: shape)
        withElements { elements in
            result.withElements { for i in elements.indices { $0[i] = elements[i] * factor } }
        }
        return result
    }

    /// Adds a number to the diagonal of a square matrix.
    private func addToDiagonal(_ number: Float) {
        withElements { for i in 0..<shape.columns { $0[i * (shape.columns + 1)] += number } }
    }
}
