/// One op: its forward pass, its backward pass and its definition, in one place.
///
/// An op is a value that holds its settings (an activation, a number of heads, the ids to look up) and is applied to
/// tensors. It comes with three descriptions of the same function, which the tests hold against each other:
///
/// - `forward` calls the kernel;
/// - `backward` writes the gradient of each input, given the gradient of the output;
/// - `reference` writes the function once more with a few primitives. Interpreted in double precision it is the oracle
///   for `forward` and, by finite differences, for `backward`; interpreted by an emitter it becomes a graph in another
///   program's format.
package protocol Operation: Sendable {
    /// What the forward pass leaves for the backward pass besides inputs and output.
    associatedtype Saved

    /// What of the tensors around it the backward pass reads; the rest can be freed as soon as nobody else needs it.
    var savedForBackward: SavedTensors { get }

    /// Whether the output is computed once more where the backward passes of later ops read it, rather than kept until
    /// then: for ops that cost little beside the ops that read them.
    var isRecomputed: Bool { get }

    /// The output, and what `backward` will need of the way to it. Without `recording` nothing has to be saved.
    func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Saved)

    /// The output in generation, where nothing is recorded. By default that of `forward`; an op with weights reads them
    /// as they are packed for generation (`DecodingProduct`).
    func decode(_ inputs: [Variable]) -> Tensor

    /// Writes the gradients of the inputs into their slots, given that of the output.
    func backward(_ gradient: Tensor, _ values: SavedValues, saved: Saved, into slots: [GradientSlot])

    /// The same function of the inputs, in primitives.
    func reference<Builder: PrimitiveBuilder>(_ inputs: [Builder.Value], _ builder: inout Builder) -> Builder.Value

    /// Floating-point operations of the matrix products of a forward pass over inputs of these shapes; a backward pass
    /// has twice as many. 0 for an op that has none. What is measured is held against this.
    func flops(_ inputs: [Shape]) -> Double
}

extension Operation {
    package var isRecomputed: Bool { false }

    package func decode(_ inputs: [Variable]) -> Tensor { forward(inputs.map(\.value), recording: false).output }

    package func flops(_ inputs: [Shape]) -> Double { 0 }
}

/// Which tensors an op's backward pass reads.
package struct SavedTensors: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }
    package static let inputs = SavedTensors(rawValue: 1)
    package static let output = SavedTensors(rawValue: 2)
}

/// The tensors an op asked to keep. Those it did not ask for are absent.
package struct SavedValues {
    package let inputs: [Tensor]
    package let output: Tensor?
}
