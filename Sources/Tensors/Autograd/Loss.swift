/// A scalar loss, at which backpropagation starts.
///
/// A loss is not an op with an output. It is evaluated for its value alone, or for its value and the gradients of its
/// inputs in the same pass, so that large intermediate results, such as logits over a whole vocabulary, need not exist
/// for the whole batch.
package protocol Loss: Sendable {
    /// The sum of the losses over all targets, in nats. With `scale`, the gradient of scale times that sum is written
    /// into the slots of the inputs.
    func evaluate(_ inputs: [Tensor], gradient: (scale: Float, slots: [GradientSlot])?) -> Double

    /// The same sum in primitives.
    func reference<Builder: PrimitiveBuilder>(_ inputs: [Builder.Value], _ builder: inout Builder) -> Builder.Value
}
