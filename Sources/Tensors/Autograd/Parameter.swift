import Synchronization

/// A tensor of a model, which training changes as a rule.
public final class Parameter: Variable {
    /// Whether AdamW applies weight decay: to matrices and embeddings, not to biases and norms.
    public let decays: Bool
    /// Whether it is the weight matrix of a hidden layer. Muon updates these; embeddings and classifiers, whose rows belong
    /// to single tokens or labels, are updated by AdamW.
    public let isHiddenWeight: Bool
    /// A function that a backward pass calls when the gradient of this parameter is complete, before it computes the gradients of
    /// parameters of earlier layers. Nil outside a training step. (In PyTorch, `Tensor.register_post_accumulate_grad_hook`.)
    package var gradientHook: (() -> Void)?
    /// What generation reads instead of `value`, until the weights change. Several threads may generate with one model,
    /// and the first that needs the packed weight makes it.
    private let packedWeight = Mutex<(weight: PackedWeight, isTransposed: Bool)?>(nil)
    /// The same for passes that serve many batches.
    private let packedMatrix = Mutex<(matrix: PackedMatrix, isTransposed: Bool)?>(nil)

    /// - Parameters:
    ///   - value: the contents.
    ///   - isTrained: whether training changes them. A buffer, as PyTorch calls it, is stored with the model but constant.
    ///   - isHiddenWeight: whether it is the weight matrix of a hidden layer.
    public init(_ value: Tensor, isTrained: Bool = true, isHiddenWeight: Bool = false) {
        decays = value.shape.rank >= 2
        self.isHiddenWeight = isHiddenWeight
        super.init(value, needsGradient: isTrained)
    }

    /// Replaces the contents, keeping the shape.
    package func load(_ values: [Float]) {
        value = Tensor(value.shape, values)
        didChange()
    }

    /// Uses another tensor of the same shape as the contents, without a copy.
    package func adopt(_ tensor: Tensor) {
        precondition(tensor.shape == value.shape, "\(tensor.shape) for a parameter of \(value.shape)")
        value = tensor
        didChange()
    }

    /// Must be called after a write to `value` in place.
    package func didChange() {
        packedWeight.withLock { $0 = nil }
        packedMatrix.withLock { $0 = nil }
    }

    /// The weight, or its transpose, packed in a format: made on the first call, and stored until the weight changes.
    package override func packed(as format: PackedWeight.Format, transposed: Bool) -> PackedWeight {
        packedWeight.withLock { stored in
            if let (weight, isTransposed) = stored, weight.format == format, isTransposed == transposed {
                return weight
            }
            let weight = super.packed(as: format, transposed: transposed)
            stored = (weight, transposed)
            return weight
        }
    }

    /// The weight, or its transpose, packed for products of any number of rows: made on the first call, and stored until the
    /// weight changes.
    package override func packedMatrix(transposed: Bool) -> PackedMatrix? {
        packedMatrix.withLock { stored in
            if let (matrix, isTransposed) = stored, matrix.isCurrent, isTransposed == transposed { return matrix }
            let matrix = super.packedMatrix(transposed: transposed)
            stored = matrix.map { ($0, transposed) }
            return matrix
        }
    }
}
