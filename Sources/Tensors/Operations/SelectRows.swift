import CKernels

/// Some of the rows of x, in any order: y[i] = x[rows[i]].
///
/// Input: x (..., C), whose vectors along the last dimension are its rows. Output: (n, C) for n rows. Backward adds dY[i]
/// to dX[rows[i]]; a row that is not selected has the gradient 0. So what follows is computed only for the positions that
/// need it: the first of each sequence for a classifier, the masked ones for a masked language model.
package struct SelectRows: Operation {
    package let rows: [Int32]
    /// Whether they are the first rows of all sequences of a batch.
    private let areFirst: Bool

    package init(_ rows: [Int32]) {
        self.rows = rows
        areFirst = false
    }

    /// The first row of each sequence.
    package init(firstOf batch: TokenBatch) {
        rows = (0..<batch.batch).map { Int32(batch.rows(of: $0).lowerBound) }
        areFirst = true
    }

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
        areFirst ? builder.firstPositions(inputs[0], rows: rows) : builder.selectedRows(inputs[0], rows)
    }
}

extension PrimitiveBuilder {
    /// Some rows of x (..., C), whose dimensions are numbers: (n, C).
    mutating func selectedRows(_ x: Value, _ rows: [Int32]) -> Value {
        let dimensions = shape(of: x).map(\.number)
        let table = reshape(x, [dimensions.dropLast().reduce(1, *), dimensions[dimensions.count - 1]])
        return gather(table, rows: constant(rows.map(Double.init), shape: [rows.count]))
    }

    package mutating func firstPositions(_ x: Value, rows: [Int32]) -> Value { selectedRows(x, rows) }
}
