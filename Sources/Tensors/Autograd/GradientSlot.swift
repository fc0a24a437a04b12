/// Holds the sum of the gradients that the backward pass has computed so far.
final class GradientAccumulator {
    let shape: Shape
    var gradient: Tensor?

    init(shape: Shape) { self.shape = shape }
}

/// Where a gradient is written: nowhere, into fresh memory, or added to what is there.
///
/// The state belongs to the variable. So the same op serves a tied weight (written twice in a pass), a residual branch
/// (whose input has two readers) and accumulation over micro-batches (where the parameter's gradient stays in place).
package struct GradientSlot {
    let accumulator: GradientAccumulator?

    init(accumulator: GradientAccumulator?) { self.accumulator = accumulator }

    /// The tensor to write, and whether to add to its contents; nil if no gradient is needed. The caller must write all
    /// of it before it is read.
    package func destination() -> (tensor: Tensor, add: Bool)? {
        guard let accumulator else { return nil }
        guard accumulator.gradient != nil else {
            let fresh = Tensor(uninitialized: accumulator.shape)
            accumulator.gradient = fresh
            return (fresh, false)
        }
        // Another variable may share this memory (see `share`), and its gradient must not change.
        if !isKnownUniquelyReferenced(&accumulator.gradient!.storage) {
            accumulator.gradient = accumulator.gradient!.copy()
        }
        return (accumulator.gradient!, true)
    }

    /// Calls `kernel` with the destination, if there is one.
    package func write(_ kernel: (_ destination: Tensor, _ add: Bool) -> Void) {
        if let (tensor, add) = destination() { kernel(tensor, add) }
    }

    /// Adds a finished tensor to the gradient. The first one becomes the gradient without a copy.
    package func share(_ gradient: Tensor) {
        guard let accumulator else { return }
        guard accumulator.gradient != nil else {
            accumulator.gradient = gradient.reshaped(accumulator.shape)
            return
        }
        write { destination, _ in Elementwise.add(destination, gradient, into: destination) }
    }
}
