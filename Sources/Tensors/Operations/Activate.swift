import CKernels

/// y = act(x), element by element: (...) to (...). Backward: dX = dY act'(x).
///
/// Only for an activation that does not follow or precede a product with whose kernel it could be fused, as in
/// `FeedForward`.
package struct Activate: Operation {
    package let activation: Activation

    package init(_ activation: Activation) { self.activation = activation }

    package var savedForBackward: SavedTensors { .inputs }

    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Void) {
        let x = inputs[0], y = Tensor(uninitialized: x.shape)
        gpt_activation_forward(Execution.kernels, activation.code, Int64(x.count), x.pointer, y.pointer)
        withExtendedLifetime(x) {}
        return (y, ())
    }

    package func backward(_ gradient: Tensor, _ values: SavedValues, saved: Void, into slots: [GradientSlot]) {
        let x = values.inputs[0]
        slots[0].write {
            gpt_activation_backward(
                Execution.kernels, activation.code, Int64(x.count), gradient.pointer, x.pointer, $0.pointer, $1)
        }
        withExtendedLifetime((gradient, x)) {}
    }

    package func reference<Builder: PrimitiveBuilder>(
        _ inputs: [Builder.Value], _ builder: inout Builder
    ) -> Builder.Value { activation.reference(inputs[0], &builder) }
}
