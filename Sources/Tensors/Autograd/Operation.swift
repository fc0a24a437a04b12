/// An op: its forward pass, its backward pass and its definition, in one place.
///
/// An op is a value that holds settings (an activation, a number of heads, the ids to look up) and is applied to
/// tensors. It describes the same function several times, and the tests compare the descriptions:
///
/// - `forward` calls the kernel;
/// - `decode` does the same in generation, and `serve` for many batches with the same weights;
/// - `backward` writes the gradient of each input, given the gradient of the output;
/// - `reference` defines the function with a few primitives. Interpreted in double precision, it is the oracle for
///   `forward` and, by finite differences, for `backward`. A graph builder turns it into a graph in the format of
///   another program.
package protocol Operation: Sendable {
    /// What the forward pass saves for the backward pass besides inputs and output.
    associatedtype Saved

    /// Which of the inputs and the output the backward pass reads. The tape saves these and no others.
    var savedForBackward: SavedTensors { get }

    /// Whether the output is computed again when the backward passes of later ops read it, rather than stored until
    /// then (activation recomputation): for ops that cost little compared with the ops that read their output.
    var isRecomputed: Bool { get }

    /// The output, and what `backward` needs besides. Nothing is saved unless `recording`.
    func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Saved)

    /// The output in generation, where nothing is recorded. By default that of `forward`; an op with weights reads them
    /// as they are packed for generation (`DecodingProduct`).
    func decode(_ inputs: [Variable]) -> Tensor

    /// The output of `forward`, to the bit, where the weights are the same for many batches. An op with weights reads them as
    /// they are packed for all of these (`Variable.packedMatrix`).
    func serve(_ inputs: [Variable]) -> Tensor

    /// Writes the gradients of the inputs into their slots, given the gradient of the output.
    func backward(_ gradient: Tensor, _ values: SavedValues, saved: Saved, into slots: [GradientSlot])

    /// The same function, in primitives.
    func reference<Builder: PrimitiveBuilder>(_ inputs: [Builder.Value], _ builder: inout Builder) -> Builder.Value

    /// Floating-point operations of the matrix products of a forward pass over inputs of these shapes; a backward pass
    /// has twice as many. 0 for an op without matrix products. Measured speeds are computed from this number.
    func flops(_ inputs: [Shape]) -> Double
}

extension Operation {
    package var isRecomputed: Bool { false }

    package func decode(_ inputs: [Variable]) -> Tensor { forward(inputs.map(\.value), recording: false).output }

    package func serve(_ inputs: [Variable]) -> Tensor { forward(inputs.map(\.value), recording: false).output }

    package func flops(_ inputs: [Shape]) -> Double { 0 }
}

/// Which tensors an op's backward pass reads.
package struct SavedTensors: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }
    package static let inputs = SavedTensors(rawValue: 1)
    package static let output = SavedTensors(rawValue: 2)
}

/// The tensors that were saved for a backward pass: those in `savedForBackward`.
package struct SavedValues {
    package let inputs: [Tensor]
    package let output: Tensor?
}
