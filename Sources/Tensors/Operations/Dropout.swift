import CKernels

/// Dropout (Srivastava et al., 2014): y = m x / (1 - rate), where m is 1 with probability 1 - rate, and else 0.
///
/// The mask is a function of the key, the row and the column. It is computed from counter-based random numbers whenever
/// it is needed: forward, backward and in the reference. Nothing is stored, and the mask does not depend on threads.
package struct Dropout: Operation {
    package let rate: Float
    package let key: UInt64

    /// - Parameters:
    ///   - rate: the share of elements set to 0; at least 0 and below 1.
    ///   - key: of the random numbers, different for each seed, step, micro-batch and dropout site.
    package init(rate: Float, key: UInt64) {
        precondition(rate >= 0 && rate < 1, "a dropout rate of \(rate) is not in 0 ..< 1")
        self.rate = rate
        self.key = key
    }

    package var savedForBackward: SavedTensors { [] }

    package func forward(_ inputs: [Tensor], recording: Bool) -> (output: Tensor, saved: Void) {
        let output = Tensor(uninitialized: inputs[0].shape)
        run(inputs[0], into: output, add: false)
        return (output, ())
    }

    package func backward(_ gradient: Tensor, _ values: SavedValues, saved: Void, into slots: [GradientSlot]) {
        slots[0].write { run(gradient, into: $0, add: $1) }
    }

    private func run(_ x: Tensor, into out: Tensor, add: Bool) {
        gpt_dropout(
            Execution.kernels, Int64(x.shape.rows), Int64(x.shape.columns), 0, key, rate, x.pointer, out.pointer, add)
    }

    package func reference<Builder: PrimitiveBuilder>(
        _ inputs: [Builder.Value], _ builder: inout Builder
    ) -> Builder.Value {
        // Dropout is for training only, where all lengths are known.
        let shape = builder.shape(of: inputs[0]).map(\.number)
        let columns = shape.last ?? 1, count = shape.reduce(1, *)
        let threshold = UInt32(Double(rate) * 0x1p32)
        let mask = (0..<count).map { i -> Double in
            let (row, column) = (i / columns, i % columns)
            let counter = UInt64(column / 64 * 16 + column % 16) | UInt64(row & 0xffff_ffff) << 32
            let words = Philox.block(counter: (counter, UInt64(row >> 32)), key: key)
            let word = [words.0, words.1, words.2, words.3][column / 16 % 4]
            return word >= threshold ? 1 / (1 - Double(rate)) : 0
        }
        let factors = builder.constant(mask, shape: shape)
        return builder.multiply(inputs[0], factors)
    }
}
