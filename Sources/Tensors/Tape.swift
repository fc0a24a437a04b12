/// A tensor that a gradient may flow back to.
public class Variable {
    public internal(set) final var value: Tensor
    /// The gradient of the loss with respect to `value`, once something has flowed back.
    public package(set) final var gradient: Tensor?
    package final let needsGradient: Bool

    package init(_ value: Tensor, needsGradient: Bool) {
        self.value = value
        self.needsGradient = needsGradient
    }

    /// Where an op's backward pass puts this variable's gradient.
    package final var slot: GradientSlot { GradientSlot(variable: self) }
}

/// A tensor that training changes.
public final class Parameter: Variable {
    /// Whether AdamW decays it: matrices and embeddings do, biases and norms do not.
    public let decays: Bool

    public init(_ value: Tensor) {
        decays = value.shape.rank >= 2
        super.init(value, needsGradient: true)
    }

    /// Replaces the contents, keeping the shape.
    package func load(_ values: [Float]) {
        value = Tensor(value.shape, values)
    }
}

/// Where a gradient goes: nowhere, into fresh memory, or on top of what is already there.
///
/// The state lives in the variable, so the same op serves a tied weight (written twice in a pass), a residual branch
/// (whose input has two readers) and accumulation over micro-batches (where the parameter's gradient is left in place).
package struct GradientSlot {
    fileprivate let variable: Variable

    /// Whether anyone wants this gradient.
    package var isWanted: Bool { variable.needsGradient }

    /// Calls `kernel` with the tensor to write and whether to add to it; not at all where the gradient is not wanted.
    package func write(_ kernel: (_ destination: Tensor, _ add: Bool) -> Void) {
        if let (destination, add) = claim() { kernel(destination, add) }
    }

    /// The tensor to write and whether to add to it, or nil where the gradient is not wanted: for kernels that make the
    /// gradients of several inputs in one pass. Those inputs must be different variables, and what is claimed must be
    /// written before anything else is done with the gradient.
    package func claim() -> (destination: Tensor, add: Bool)? {
        guard variable.needsGradient else { return nil }
        guard variable.gradient != nil else {
            let fresh = Tensor(uninitialized: variable.value.shape)
            variable.gradient = fresh
            return (fresh, false)
        }
        // Another variable may share this memory (see `share`): then it stays as it is.
        if !isKnownUniquelyReferenced(&variable.gradient!.storage) { variable.gradient = variable.gradient!.copy() }
        return (variable.gradient!, true)
    }

    /// Takes a finished tensor as the gradient, without a copy if it is the first.
    package func share(_ gradient: Tensor) {
        guard variable.needsGradient else { return }
        guard variable.gradient != nil else {
            variable.gradient = gradient.reshaped(variable.value.shape)
            return
        }
        write { destination, _ in Elementwise.add(destination, gradient, into: destination) }
    }
}

/// The list of what was computed, in order, so that gradients can be computed by walking it backwards.
///
/// A tape that does not record only computes, and every intermediate tensor is freed as soon as it has been used.
public final class Tape {
    package let isRecording: Bool
    private var steps: [(output: Variable, backward: (Tensor) -> Void)] = []

    public init(recording: Bool = true) { isRecording = recording }

    /// Applies an op and, if a gradient may be asked for, remembers how to go back.
    package func apply<Op: Operation>(_ operation: Op, _ inputs: Variable...) -> Variable {
        let tensors = inputs.map(\.value)
        let records = isRecording && inputs.contains { $0.needsGradient }
        let (output, saved) = operation.forward(tensors, recording: records)
        let variable = Variable(output, needsGradient: records)
        if records {
            let kept = Kept(
                inputs: operation.keeps.contains(.inputs) ? tensors : [],
                output: operation.keeps.contains(.output) ? output : nil)
            let slots = inputs.map(\.slot)
            steps.append((variable, { operation.backward($0, kept, saved: saved, into: slots) }))
        }
        return variable
    }

    /// Walks back from the end, each op turning the gradient of its output into those of its inputs and being forgotten.
    /// The last variables must have been given their gradients, by a `Loss`.
    package func backward() {
        while let (output, backward) = steps.popLast() {
            // Taken from the variable, so that the op is its only owner and may pass the memory on.
            guard let gradient = output.gradient else { continue }
            output.gradient = nil
            backward(gradient)
        }
    }
}
