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
    package mutating func add(_ other: PartialSum) {
        loss += other.loss
        for i in gradients.indices { gradients[i].add(other.gradients[i]) }
    }
}

extension Tensor? {
    /// Adds a gradient in place. If only one of the two is nil, it counts as zeros, so that a rank without this gradient can send
    /// zeros. If both are nil, the sum is nil.
    mutating func add(_ other: Tensor?) {
        guard let shape = self?.shape ?? other?.shape else { return }
        if self == nil { self = Tensor(shape) }
        self!.add(other ?? Tensor(shape))
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
