import Tensors

/// A part of a model: something that has parameters.
public protocol Module {
    /// The parameters by name, in a fixed order. The names are the keys of a checkpoint, so they are written out by hand,
    /// in the field's own terms; a part prefixes those of its parts with `prefixed(by:)`.
    var parameters: [NamedParameter] { get }
}

/// A parameter under its name in a checkpoint.
public struct NamedParameter {
    public let name: String
    public let parameter: Parameter

    public init(_ name: String, _ parameter: Parameter) {
        self.name = name
        self.parameter = parameter
    }
}

extension Module {
    /// The names of this part's parameters within a larger one: `weight` becomes `prefix.weight`.
    public func prefixed(by prefix: String) -> [NamedParameter] {
        parameters.map { NamedParameter("\(prefix).\($0.name)", $0.parameter) }
    }
}

/// One pass through a model: the tape it is recorded on, and what dropout needs to know.
public final class ForwardPass {
    package let tape: Tape
    /// Whether weights are read in the form that generation reads them in: see `DecodingProduct`.
    package let isDecoding: Bool
    private let dropout: (rate: Float, key: UInt64)?
    private var dropoutSites: UInt64 = 0

    /// - Parameters:
    ///   - recording: whether gradients will be asked for.
    ///   - dropout: the rate, and a key that no other pass of the run has (from the seed, the step and the micro-batch);
    ///     nil outside training.
    public init(recording: Bool, dropout: (rate: Float, key: UInt64)? = nil) {
        tape = Tape(recording: recording)
        isDecoding = false
        self.dropout = dropout.flatMap { $0.rate > 0 ? $0 : nil }
    }

    private init(_ tape: Tape, isDecoding: Bool) {
        self.tape = tape
        self.isDecoding = isDecoding
        dropout = nil
    }

    /// A pass of generation, of which nothing is recorded.
    package static var decoding: ForwardPass { ForwardPass(Tape(recording: false), isDecoding: true) }

    /// A pass that tells of every op that is applied.
    package convenience init(observedBy observer: any TapeObserver) {
        self.init(Tape(observedBy: observer), isDecoding: false)
    }

    /// x + dropout(branch). Where nothing is dropped, the branch adds its result to x itself: it is given x, and else nil.
    package func residual(_ x: Variable, _ branch: (_ addingTo: Variable?) -> Variable) -> Variable {
        guard dropout != nil else { return branch(x) }
        return tape.apply(Add(), x, dropout(branch(nil)))
    }

    /// Dropout at the next of the model's sites for it, or x itself.
    package func dropout(_ x: Variable) -> Variable {
        guard let dropout else { return x }
        dropoutSites += 1
        return tape.apply(Dropout(rate: dropout.rate, key: Philox.key([dropout.key, dropoutSites])), x)
    }
}
