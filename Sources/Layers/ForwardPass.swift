import Tensors

/// One pass through a model: the tape that applies its ops, and the state of dropout.
public final class ForwardPass {
    package let tape: Tape
    private let dropout: (rate: Float, key: UInt64)?
    private var dropoutSites: UInt64 = 0

    /// - Parameters:
    ///   - mode: what the tape does with the ops.
    ///   - dropout: the rate, and a key that no other pass of the run has (from the seed, the step and the micro-batch);
    ///     nil outside training.
    package init(_ mode: Tape.Mode, dropout: (rate: Float, key: UInt64)? = nil) {
        tape = Tape(mode)
        self.dropout = dropout.flatMap { $0.rate > 0 ? $0 : nil }
    }

    /// x + dropout(branch). Where nothing is dropped, the branch adds its result to x itself: it is given x, and else nil.
    package func residual(_ x: Variable, _ branch: (_ addingTo: Variable?) -> Variable) -> Variable {
        guard dropout != nil else { return branch(x) }
        return tape.apply(Add(), x, dropout(branch(nil)))
    }

    /// Dropout at the model's next dropout site, or x itself without dropout.
    package func dropout(_ x: Variable) -> Variable {
        guard let dropout else { return x }
        dropoutSites += 1
        return tape.apply(Dropout(rate: dropout.rate, key: Philox.key([dropout.key, dropoutSites])), x)
    }
}
