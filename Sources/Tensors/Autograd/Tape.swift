/// The list of the ops that were applied, in order. The backward pass computes gradients by walking it from its end.
///
/// Only a recording tape holds intermediate tensors; with any other, each is freed after its last use.
package final class Tape {
    /// What a tape does with the ops that are applied.
    package enum Mode {
        /// Records each op, so that gradients can be computed.
        case recording
        /// Only computes.
        case inference
        /// Computes the same bits as `inference`, for a model that serves many batches with the same weights: these are packed
        /// once, which takes their size in memory again.
        case serving
        /// Computes as generation does: each op by its `decode`.
        case decoding
        /// Computes, and reports each op. With `decoding` each op is computed as in generation.
        case observing(any TapeObserver, decoding: Bool = false)
    }

    package let mode: Mode
    private var steps: [Step] = []
    /// The parameters with a hook that are inputs of the recorded ops.
    private var seen = Set<ObjectIdentifier>()

    /// An op that was applied.
    private struct Step {
        let output: GradientAccumulator
        /// The parameters that are inputs of this op and of no earlier one. Their gradients are complete after its backward pass.
        let completes: [Parameter]
        let backward: (Tensor) -> Void
    }

    package init(_ mode: Mode = .recording) { self.mode = mode }

    /// Applies an op to inputs, in the tape's mode.
    package func apply<Op: Operation>(_ operation: Op, _ inputs: Variable...) -> Variable { apply(operation, inputs) }

    package func apply<Op: Operation>(_ operation: Op, _ inputs: [Variable]) -> Variable {
        switch mode {
        case .recording:
            return record(operation, inputs)
        case .inference:
            return Variable(operation.forward(inputs.map(\.value), recording: false).output, needsGradient: false)
        case .serving:
            return Variable(operation.serve(inputs), needsGradient: false)
        case .decoding:
            return Variable(operation.decode(inputs), needsGradient: false)
        case .observing(let observer, let decoding):
            let output =
                decoding ? operation.decode(inputs) : operation.forward(inputs.map(\.value), recording: false).output
            let variable = Variable(output, needsGradient: false)
            observer.didApply(operation, inputs, variable)
            return variable
        }
    }

    /// Applies an op and, if one of its inputs needs a gradient, records how to compute it.
    private func record<Op: Operation>(_ operation: Op, _ inputs: [Variable]) -> Variable {
        let tensors = inputs.map(\.value)
        let records = inputs.contains { $0.needsGradient }
        func forward(recording: Bool) -> (output: Tensor, saved: Op.Saved) {
            Profile.measure("\(Op.self)", .forward, flops: operation.flops(tensors.map(\.shape))) {
                operation.forward(tensors, recording: recording)
            }
        }
        let (output, saved) = forward(recording: records)
        let variable = Variable(output, needsGradient: records)
        if let accumulator = variable.accumulator {
            if operation.isRecomputed {
                variable.recomputed = RecomputedValue { forward(recording: false).output }
            }
            let savedInputs: [() -> Tensor] =
                operation.savedForBackward.contains(.inputs) ? inputs.map(\.valueForBackward) : []
            let savedOutput = operation.savedForBackward.contains(.output) ? output : nil
            let slots = inputs.map(\.slot), shapes = tensors.map(\.shape)
            let step = Step(output: accumulator, completes: firstRead(inputs)) { gradient in
                let values = SavedValues(inputs: savedInputs.map { $0() }, output: savedOutput)
                Profile.measure("\(Op.self)", .backward, flops: 2 * operation.flops(shapes)) {
                    operation.backward(gradient, values, saved: saved, into: slots)
                }
            }
            steps.append(step)
        }
        return variable
    }

    /// Those of some inputs that are parameters with a hook, and were no inputs of an earlier op.
    private func firstRead(_ variables: [Variable]) -> [Parameter] {
        variables.compactMap { $0 as? Parameter }.filter {
            $0.gradientHook != nil && seen.insert(ObjectIdentifier($0)).inserted
        }
    }

    /// Walks the tape from its end. Each op turns the gradient of its output into those of its inputs, and is removed.
    /// - Parameter inputs: those of the `Loss` that has set the gradients at which the pass starts.
    package func backward(from inputs: [Variable] = []) {
        for parameter in firstRead(inputs) { parameter.gradientHook?() }
        while let step = steps.popLast() {
            // Removed from the variable, so that the op is its only owner and may pass the memory on.
            if let gradient = step.output.gradient {
                step.output.gradient = nil
                step.backward(gradient)
            }
            for parameter in step.completes { parameter.gradientHook?() }
        }
    }
}
