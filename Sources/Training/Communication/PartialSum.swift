import Tensors

/// The loss and the gradients of some micro-batches of a step, summed.
package struct PartialSum {
    /// The sum of the losses of the targets.
    package var loss: Double
    /// The gradient of each parameter; nil where no micro-batch gave one.
    package var gradients: [Tensor?]

    /// - Parameters:
    ///   - loss: the sum of the losses.
    ///   - gradients: those of all parameters, in order.
    package init(loss: Double, gradients: [Tensor?]) {
        self.loss = loss
        self.gradients = gradients
    }

    /// Adds those of the micro-batches that follow.
    mutating func add(_ other: PartialSum) {
        loss += other.loss
        for (i, gradient) in other.gradients.enumerated() {
            guard let gradient else {
                // As if it were 0, so that it makes no difference whether a rank sends nothing or zeros.
                if gradients[i] != nil { gradients[i]!.add(Tensor(gradients[i]!.shape)) }
                continue
            }
            if gradients[i] == nil { gradients[i] = Tensor(gradient.shape) }
            gradients[i]!.add(gradient)
        }
    }
}

extension Tensor {
    /// Adds another tensor in place.
    mutating func add(_ other: Tensor) {
        // Two parameters may have the same memory as their gradient.
        if !isKnownUniquelyReferenced(&storage) { self = copy() }
        Elementwise.add(self, other, into: self)
    }
}
