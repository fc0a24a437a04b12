import CKernels

/// One update of AdamW (Loshchilov and Hutter, 2019), and the norm that clipping needs:
///
///     g = scale gradient
///     p = p (1 - lr decay)
///     m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2
///     p = p - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
///
/// It is not an op: it has no gradient.
package struct AdamWUpdate: Sendable {
    package var learningRate: Double
    package var beta1: Double
    package var beta2: Double
    package var epsilon: Double
    package var weightDecay: Double
    /// t, counted from 1.
    package var step: Int
    /// The factor of the gradient, at most 1, that clipping computes.
    package var gradientScale: Double

    package init(
        learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double, step: Int,
        gradientScale: Double
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.step = step
        self.gradientScale = gradientScale
    }

    /// Changes elements of a parameter and their two moments, in place.
    /// - Parameters:
    ///   - parameter: what is updated.
    ///   - elements: which elements of it; by default all.
    ///   - gradient: the gradient of the whole parameter.
    ///   - moment1: the mean of the gradients of these elements.
    ///   - moment2: the mean of the squares of these gradients.
    package func apply(
        _ parameter: Parameter, elements: Range<Int>? = nil, gradient: Tensor, moment1: Tensor, moment2: Tensor
    ) {
        let values = parameter.value
        let elements = elements ?? 0..<values.count
        precondition(
            gradient.count == values.count && elements.lowerBound >= 0 && elements.upperBound <= values.count
                && moment1.count == elements.count && moment2.count == elements.count,
            "a gradient \(gradient.shape) and moments for \(elements) of \(values.shape)")
        var settings = gpt_adamw(
            learning_rate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, weight_decay: weightDecay,
            correction1: 1 - power(beta1, step), correction2: 1 - power(beta2, step), gradient_scale: gradientScale)
        gpt_adamw_update(
            Execution.kernels, &settings, Int64(elements.count), values.pointer + elements.lowerBound,
            gradient.pointer + elements.lowerBound, moment1.pointer, moment2.pointer)
        parameter.didChange()
    }

    /// base^exponent by squaring, the same on every platform.
    private func power(_ base: Double, _ exponent: Int) -> Double {
        var result = 1.0, square = base, rest = exponent
        while rest > 0 {
            if rest & 1 == 1 { result *= square }
            square *= square
            rest >>= 1
        }
        return result
    }
}

extension Tensor {
    /// The sum of the squares of all elements, summed in the same order on any number of threads.
    package func sumOfSquares() -> Double { gpt_sum_of_squares(Execution.kernels, Int64(count), pointer) }
}
