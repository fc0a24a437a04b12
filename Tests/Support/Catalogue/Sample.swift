import Tensors

/// An op or a loss with inputs of certain shapes: an argument of the suites of the engine.
package struct Sample: Sendable, CustomStringConvertible {
    package enum Subject: Sendable {
        case operation(any Operation)
        case loss(any Loss)
    }

    /// The op, as the line of the catalogue says it.
    package let title: String
    /// The title and the shapes.
    package let name: String
    package let subject: Subject
    package let inputs: [Tensor]
    /// The tolerance for the kernels, relative to an element plus the root mean square of its tensor.
    package let tolerance: Double
    /// The same where the factors of products are rounded to bfloat16.
    package let roundedTolerance: Double
    /// The results of the reference in double, computed on first use.
    package let oracle: Oracle

    init(
        _ title: String, _ subject: Subject, shapes: [Shape], deviations: [Double], tolerance: Double,
        roundedTolerance: Double = 0.02
    ) {
        self.title = title
        name = title + " " + shapes.map(\.description).joined(separator: " ")
        self.subject = subject
        self.tolerance = tolerance
        self.roundedTolerance = roundedTolerance
        // Numbers that depend on the shapes alone, so that a failure is reproducible.
        var random = Philox(shapes.reduce(17) { $1.dimensions.reduce($0 &* 31) { $0 &* 31 &+ UInt64($1) } })
        inputs = zip(shapes, deviations).map { .normal($0, deviation: $1, using: &random) }
        oracle = Oracle(subject: subject, inputs: inputs)
    }

    package var description: String { name }

    /// The outputs and the gradients of the inputs, as the kernels compute them.
    package struct Pass {
        /// The elements of an op's output, or the value of a loss.
        package var output: [Double]
        package var gradients: [Tensor?]
    }

    /// Runs the op on a tape, and backward from the oracle's weights of the outputs.
    ///
    /// - Parameters:
    ///   - wanted: which inputs need a gradient; nil for all.
    ///   - initial: the gradients to which those of the op are added.
    package func run(wanting wanted: [Bool]? = nil, from initial: [Tensor?]? = nil) -> Pass {
        let variables = inputs.indices.map { i -> Variable in
            let variable = Variable(inputs[i], needsGradient: wanted?[i] ?? true)
            variable.gradient = initial?[i]
            return variable
        }
        let output: [Double]
        switch subject {
        case .operation(let operation):
            let tape = Tape()
            let y = tape.apply(operation, variables)
            if y.needsGradient { y.gradient = Tensor(y.value.shape, oracle.weighting(count: y.value.count)) }
            tape.backward()
            output = y.value.values.map(Double.init)
        case .loss(let loss):
            let scale = oracle.weighting(count: 1)[0]
            output = [loss.evaluate(inputs, gradient: (scale, variables.map(\.slot)))]
        }
        return Pass(output: output, gradients: variables.map(\.gradient))
    }

    /// The outputs alone, as computed without recording. A loss is the same in every mode.
    package func output(_ mode: Tape.Mode) -> [Double] {
        switch subject {
        case .operation(let operation):
            let parameters = inputs.map { Parameter($0) }
            return Tape(mode).apply(operation, parameters).value.values.map(Double.init)
        case .loss(let loss):
            return [loss.evaluate(inputs, gradient: nil)]
        }
    }
}
