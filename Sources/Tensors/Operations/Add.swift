/// The residual connection: y = a + b.
///
/// The gradient of a sum is the gradient of each of its terms, so both terms share its memory.
package struct Add: Operation {
    package init() {}

    package var savedForBackward: SavedTensors { [] }

    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Void) {
        let output = Tensor(uninitialized: inputs[0].shape)
        Elementwise.add(inputs[0], inputs[1], into: output)
        return (output, ())
    }

    package func backward(_ gradient: Tensor, _ values: SavedValues, saved: Void, into slots: [GradientSlot]) {
        for slot in slots { slot.share(gradient) }
    }

    package func reference<Builder: PrimitiveBuilder>(
        _ inputs: [Builder.Value], _ builder: inout Builder
    ) -> Builder.Value {
        builder.add(inputs[0], inputs[1])
    }
}
