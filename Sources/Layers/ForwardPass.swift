import Tensors

/// One pass through a model: the tape that applies its ops, and the state of dropout.
public final class ForwardPass {
    package let tape: Tape
    private let dropout: (rate: Float, key: UInt64)?
    private var dropoutSites: UInt64 = 0

    /// - Parameters:
    ///   - mode: what the tape does with the ops.
    ///   - dropout: the rate, and a key that no other pass of the run has (from the seed, the step and the
    ///     micro-batch); nil outside training.
    package init(_ mode: Tape.Mode, dropout: (rate: Float, key: UInt64)? = nil) {
        tape = Tape(mode)
        self.dropout = dropout.flatMap { $0.rate > 0 ? $0 : nil }
    }

    /// Applies an op to inputs. Inputs that are nil, such as the bias of a layer without one, are left out.
    ///
    /// Not variadic, which would make an array of optionals first: generation applies dozens of ops for each token.
    @inline(__always)
    package func apply<Op: Operation>(
        _ operation: Op, _ a: Variable, _ b: Variable? = nil, _ c: Variable? = nil, _ d: Variable? = nil,
        _ e: Variable? = nil, _ f: Variable? = nil, _ g: Variable? = nil, _ h: Variable? = nil
    ) -> Variable {
        var inputs = [a]
        if let b { inputs.append(b) }
        if let c { inputs.append(c) }
        if let d { inputs.append(d) }
        if let e { inputs.append(e) }
        if let f { inputs.append(f) }
        if let g { inputs.append(g) }
        if let h { inputs.append(h) }
        return tape.apply(operation, inputs)
    }

    package func apply<Op: Operation>(_ operation: Op, _ inputs: [Variable]) -> Variable {
        tape.apply(operation, inputs)
    }

    /// The value of a loss of the last variables. With `scale`, the gradients of scale times that value are added to those of
    /// the parameters.
    package func evaluate(_ loss: CrossEntropy, _ inputs: [Variable], gradientScale scale: Float?) -> Double {
        let total = Profile.measure(
            "CrossEntropy", scale == nil ? .forward : .both,
            flops: (scale == nil ? 1 : 3) * loss.flops(inputs.map(\.value.shape))
        ) {
            loss.evaluate(inputs.map(\.value), gradient: scale.map { ($0, inputs.map(\.slot)) })
        }
        if scale != nil { tape.backward(from: inputs) }
        return total
    }

    /// residual + dropout(branch), or the branch alone without a residual.
    ///
    /// Without dropout the last op of the branch adds the residual itself, while its output is in cache.
    /// - Parameters:
    ///   - residual: the input of the branch before its norm, if the branch is a residual one.
    ///   - branch: computes the branch, and adds to it the variable that it is called with, if any.
    package func adding(to residual: Variable?, _ branch: (_ residual: Variable?) -> Variable) -> Variable {
        guard let residual, dropout != nil else { return branch(residual) }
        return tape.apply(Add(), residual, dropout(branch(nil)))
    }

    /// Reports the residual stream between two blocks to the tape's observer, if there is one, and returns it.
    package func residual(_ x: Variable) -> Variable {
        if case .observing(let observer, _) = tape.mode { observer.didReach(residual: x) }
        return x
    }

    /// Dropout at the model's next dropout site, or x itself without dropout.
    package func dropout(_ x: Variable) -> Variable {
        guard let dropout else { return x }
        dropoutSites += 1
        return tape.apply(Dropout(rate: dropout.rate, key: Philox.key([dropout.key, dropoutSites])), x)
    }
}
