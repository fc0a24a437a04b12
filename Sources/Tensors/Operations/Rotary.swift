import CKernels

/// Rotary position embedding (Su et al., "RoFormer", 2021) of the queries or keys of several heads: at position t, each
/// pair (a, b) of elements of a head is rotated by the angle t f, f being the frequency of the pair,
///
///     (a, b) -> (a cos(t f) - b sin(t f), b cos(t f) + a sin(t f))
///
/// so that the dot product of a query and a key depends on the distance of their positions only. A pair is elements i
/// and i + size / 2 of a head, as in Hugging Face's models. (In the paper, and in the weights of Meta and llama.cpp, it
/// is 2 i and 2 i + 1: the same up to the order of the rows of the weights.)
///
/// Input and output: (B, T, heads x size), the first of the T at the position that `start` gives. Backward rotates by -t f.
package struct Rotary: Operation {
    package let table: AngleTable
    package let start: StartPositions

    /// - Parameters:
    ///   - table: a rotary table, whose width is the size of a head.
    ///   - start: the position of the first vector of each sequence.
    package init(_ table: AngleTable, from start: StartPositions = .zero) {
        self.table = table
        self.start = start
    }

    package var savedForBackward: SavedTensors { [] }

    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Void) {
        let y = Tensor(uninitialized: inputs[0].shape)
        rotate(inputs[0], into: y, inverse: false, add: false)
        return (y, ())
    }

    package func backward(_ gradient: Tensor, _ values: SavedValues, saved: Void, into slots: [GradientSlot]) {
        slots[0].write { rotate(gradient, into: $0, inverse: true, add: $1) }
    }

    private func rotate(_ x: Tensor, into out: Tensor, inverse: Bool, add: Bool) {
        let (B, T, C) = x.shape.three, size = table.width
        precondition(C % size == 0, "\(x.shape) does not hold heads of \(size)")
        let rows = table.rows(start.highest + T)
        gpt_rotary(
            Execution.kernels, Int64(B * T), Int64(T), Int64(C / size), Int64(size), Int64(start.offset),
            start.rows(length: T), x.pointer, rows.pointer, inverse, out.pointer, add)
        withExtendedLifetime(rows) {}
    }

    package func reference<Builder: PrimitiveBuilder>(
        _ inputs: [Builder.Value], _ builder: inout Builder
    ) -> Builder.Value {
        let C = builder.width(of: inputs[0]), size = table.width
        let positions = builder.positions(builder.shape(of: inputs[0])[1], from: start)
        let rotations = table.rotations(positions, &builder)
        // (T, 1, size / 2): the same for every head.
        let cosines = builder.insertDimension(rotations.cosines, at: 1),
            sines = builder.insertDimension(rotations.sines, at: 1)
        let halves = builder.split(
            builder.reshape(inputs[0], keeping: 2, [C / size, size]), [size / 2, size / 2])
        let (a, b) = (halves[0], halves[1])
        let rotated = builder.join([
            builder.subtract(builder.multiply(a, cosines), builder.multiply(b, sines)),
            builder.add(builder.multiply(b, cosines), builder.multiply(a, sines)),
        ])
        return builder.reshape(rotated, keeping: 2, [C])
    }
}
