import CKernels

/// Some of the rows of x, in any order: y[i] = x[rows[i]].
///
/// Input: x (..., C), whose vectors along the last dimension are its rows. Output: (n, C) for n rows. Backward adds dY[i]
/// to dX[rows[i]]; a row that is not selected has the gradient 0. So what follows is computed only for the positions that
/// need it: the first of each sequence for a classifier, the masked ones for a masked language model.
package struct SelectRows: Operation {
    package let rows: [Int32]

    package init(_ rows: [Int32]) { self.rows = rows }

    package var savedForBackward: SavedTensors { [] }

    /// Saved: the shape of x.
    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Shape) {
        let x = inputs[0], C = x.shape.columns
        precondition(rows.allSatisfy { $0 >= 0 && $0 < x.shape.rows }, "a row outside the \(x.shape.rows) of the input")
        let y = Tensor(uninitialized: [rows.count, C])
        gpt_embedding_forward(
            Execution.kernels, Int64(rows.count), 1, Int64(C), 0, nil, rows, 1, x.pointer, nil, y.pointer)
        withExtendedLifetime(x) {}
        return (y, x.shape)
    }

    package func backward(_ gradient: Tensor, _ values: SavedValues, saved shape: Shape, into slots: [GradientSlot]) {
        slots[0].write { dX, add in
            if !add { dX.withElements { $0.update(repeating: 0) } }
            gpt_embedding_backward(
                Execution.kernels, Int64(rows.count), 1, Int64(shape.columns), 0, nil, rows, 1, gradient.pointer,
                dX.pointer, nil)
        }
    }

    package func reference<Builder: PrimitiveBuilder>(
        _ inputs: [Builder.Value], _ builder: inout Builder
    ) -> Builder.Value {
        let dimensions = builder.shape(of: inputs[0]).map(\.number)
        let table = builder.reshape(inputs[0], [dimensions.dropLast().reduce(1, *), dimensions[dimensions.count - 1]])
        return builder.gather(table, rows: builder.constant(rows.map(Double.init), shape: [rows.count]))
    }
}
