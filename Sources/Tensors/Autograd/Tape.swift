/// A tensor that a gradient may flow back to.
public class Variable {
    public internal(set) final var value: Tensor
    /// Where the gradient is collected: apart from the value, so that the tape can hold the one without the other.
    fileprivate final let collector: GradientCollector?
    /// Computes the value once more, where that is better than keeping it.
    fileprivate final var repeated: RecomputedValue?

    package init(_ value: Tensor, needsGradient: Bool) {
        self.value = value
        collector = needsGradient ? GradientCollector(shape: value.shape) : nil
    }

    /// The gradient of the loss with respect to `value`, once something has flowed back.
    public package(set) final var gradient: Tensor? {
        get { collector?.gradient }
        set { collector?.gradient = newValue }
    }

    package final var needsGradient: Bool { collector != nil }

    /// A way to the value that holds no more of it than it must.
    fileprivate final var later: () -> Tensor {
        if let repeated { return repeated.reader() }
        let value = value
        return { value }
    }

    /// Where an op's backward pass puts this variable's gradient.
    package final var slot: GradientSlot { GradientSlot(collector: collector) }
}

/// A value that is computed once more for the backward pass, and held there from the first op that reads it to the last:
/// the queries, keys and values of a Llama are three readers of one norm.
private final class RecomputedValue {
    private let compute: () -> Tensor
    private var readers = 0
    private var value: Tensor?

    init(_ compute: @escaping () -> Tensor) { self.compute = compute }

    /// A way to the value for one more op, which takes it once.
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

/// Holds the sum of the gradients that have arrived so far.
private final class GradientCollector {
    let shape: Shape
    var gradient: Tensor?

    init(shape: Shape) { self.shape = shape }
}

/// A tensor that training changes.
public final class Parameter: Variable {
    /// Whether AdamW decays it: matrices and embeddings do, biases and norms do not.
    public let decays: Bool
    /// What generation reads instead of `value`, until the weights change.
    private var packedWeight: (weight: PackedWeight, isTransposed: Bool)?

    public init(_ value: Tensor) {
        decays = value.shape.rank >= 2
        super.init(value, needsGradient: true)
    }

    /// Replaces the contents, keeping the shape.
    package func load(_ values: [Float]) {
        value = Tensor(value.shape, values)
        didChange()
    }

    /// Takes another tensor of the same shape as its contents, without a copy.
    package func adopt(_ tensor: Tensor) {
        precondition(tensor.shape == value.shape, "\(tensor.shape) for a parameter of \(value.shape)")
        value = tensor
        didChange()
    }

    /// To be called by whoever has written to `value` in place.
    package func didChange() { packedWeight = nil }

    /// The weight, or its transpose, packed in a precision: made when first asked for, and kept until it changes.
    package func packed(in precision: Precision, transposed: Bool) -> PackedWeight {
        if let (weight, isTransposed) = packedWeight, weight.precision == precision, isTransposed == transposed {
            return weight
        }
        let matrix = transposed ? Matrix(value).transposed : Matrix(value)
        let weight = PackedWeight(matrix, precision: precision)
        packedWeight = (weight, transposed)
        return weight
    }
}

/// Where a gradient goes: nowhere, into fresh memory, or on top of what is already there.
///
/// The state lives in the variable, so the same op serves a tied weight (written twice in a pass), a residual branch
/// (whose input has two readers) and accumulation over micro-batches (where the parameter's gradient is left in place).
package struct GradientSlot {
    fileprivate let collector: GradientCollector?

    fileprivate init(collector: GradientCollector?) { self.collector = collector }

    /// The tensor to write, and whether to add to what it holds; nil where the gradient is not wanted. The caller must
    /// write all of it before anything else reads it.
    package func destination() -> (tensor: Tensor, add: Bool)? {
        guard let collector else { return nil }
        guard collector.gradient != nil else {
            let fresh = Tensor(uninitialized: collector.shape)
            collector.gradient = fresh
            return (fresh, false)
        }
        // Another variable may share this memory (see `share`): then it stays as it is.
        if !isKnownUniquelyReferenced(&collector.gradient!.storage) {
            collector.gradient = collector.gradient!.copy()
        }
        return (collector.gradient!, true)
    }

    /// Calls `kernel` with the destination, if there is one.
    package func write(_ kernel: (_ destination: Tensor, _ add: Bool) -> Void) {
        if let (tensor, add) = destination() { kernel(tensor, add) }
    }

    /// Takes a finished tensor as the gradient, without a copy if it is the first.
    package func share(_ gradient: Tensor) {
        guard let collector else { return }
        guard collector.gradient != nil else {
            collector.gradient = gradient.reshaped(collector.shape)
            return
        }
        write { destination, _ in Elementwise.add(destination, gradient, into: destination) }
    }
}

/// Is told of every op that a tape applies: how a model is written down as a graph.
package protocol TapeObserver: AnyObject {
    func didApply<Op: Operation>(_ operation: Op, _ inputs: [Variable], _ output: Variable)
}

/// The list of what was computed, in order, so that gradients can be computed by walking it backwards.
///
/// A tape that does not record only computes, and every intermediate tensor is freed as soon as it has been used.
public final class Tape {
    package let isRecording: Bool
    private var steps: [(output: GradientCollector, backward: (Tensor) -> Void)] = []
    private let observer: (any TapeObserver)?

    public init(recording: Bool = true) {
        isRecording = recording
        observer = nil
    }

    /// A tape that records nothing and tells of everything.
    package init(observedBy observer: any TapeObserver) {
        isRecording = false
        self.observer = observer
    }

    /// Applies an op and, if a gradient may be asked for, remembers how to go back.
    package func apply<Op: Operation>(_ operation: Op, _ inputs: Variable...) -> Variable { apply(operation, inputs) }

    package func apply<Op: Operation>(_ operation: Op, _ inputs: [Variable]) -> Variable {
        guard isRecording else {
            let output = operation.forward(inputs.map(\.value), recording: false).output
            let variable = Variable(output, needsGradient: false)
            observer?.didApply(operation, inputs, variable)
            return variable
        }
        let tensors = inputs.map(\.value)
        let records = isRecording && inputs.contains { $0.needsGradient }
        func forward(recording: Bool) -> (output: Tensor, saved: Op.Saved) {
            Profile.measure("\(Op.self)", .forward, flops: operation.flops(tensors.map(\.shape))) {
                operation.forward(tensors, recording: recording)
            }
        }
        let (output, saved) = forward(recording: records)
        let variable = Variable(output, needsGradient: records)
        if let collector = variable.collector {
            if operation.isRecomputed {
                variable.repeated = RecomputedValue { forward(recording: false).output }
            }
            let savedInputs: [() -> Tensor] = operation.keeps.contains(.inputs) ? inputs.map(\.later) : []
            let savedOutput = operation.keeps.contains(.output) ? output : nil
            let slots = inputs.map(\.slot), shapes = tensors.map(\.shape)
            steps.append(
                (
                    collector,
                    { gradient in
                        let kept = SavedValues(inputs: savedInputs.map { $0() }, output: savedOutput)
                        Profile.measure("\(Op.self)", .backward, flops: 2 * operation.flops(shapes)) {
                            operation.backward(gradient, kept, saved: saved, into: slots)
                        }
                    }
                ))
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
