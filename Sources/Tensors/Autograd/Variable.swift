/// A tensor in a computation, with a gradient if one is needed.
public class Variable {
    public internal(set) final var value: Tensor
    /// Where the gradient is summed. It is separate from the value, so that the tape can hold one without the other.
    final let accumulator: GradientAccumulator?
    /// Computes the value again for the backward pass, where that is better than storing it.
    final var recomputed: RecomputedValue?

    package init(_ value: Tensor, needsGradient: Bool) {
        self.value = value
        accumulator = needsGradient ? GradientAccumulator(shape: value.shape) : nil
    }

    /// The gradient of the loss with respect to `value`, once the backward pass has reached this variable.
    public package(set) final var gradient: Tensor? {
        get { accumulator?.gradient }
        set { accumulator?.gradient = newValue }
    }

    package final var needsGradient: Bool { accumulator != nil }

    /// Returns the value in the backward pass: stored until then, or computed again.
    final var valueForBackward: () -> Tensor {
        if let recomputed { return recomputed.reader() }
        let value = value
        return { value }
    }

    /// The value as a weight, or its transpose, in the form that generation reads. A `Parameter` stores it.
    package func packed(as format: PackedWeight.Format, transposed: Bool) -> PackedWeight {
        PackedWeight(transposed ? Matrix(value).transposed : Matrix(value), as: format)
    }

    /// The value as the right factor of products, or its transpose, packed in the execution's precision. A `Parameter` stores it.
    package func packedMatrix(transposed: Bool) -> PackedMatrix? {
        PackedMatrix(transposed ? Matrix(value).transposed : Matrix(value))
    }

    /// Where an op's backward pass writes this variable's gradient.
    package final var slot: GradientSlot { GradientSlot(accumulator: accumulator) }
}

/// A value that is computed again in the backward pass, and stored there from the first op that reads it to the last:
/// in a Llama, the queries, keys and values read the same norm.
final class RecomputedValue {
    private let compute: () -> Tensor
    private var readers = 0
    private var value: Tensor?

    init(_ compute: @escaping () -> Tensor) { self.compute = compute }

    /// A function that returns the value to one more op, which must call it once.
    func reader() -> () -> Tensor {
        readers += 1
        return { self.read() }
    }

    private func read() -> Tensor {
        let result = value ?? compute()
        readers -= 1
        value = readers > 0 ? result : nil
        return result
    }
}
