/// The length of a dimension: a number or, in a graph for inputs of any size, a name.
package enum Dimension: Sendable, Hashable, CustomStringConvertible {
    case number(Int)
    case symbol(String)

    /// The length as a number.
    /// - Precondition: it is not a name. The lengths of vectors never are.
    package var number: Int {
        guard case .number(let number) = self else { preconditionFailure("the length \(self) is not known") }
        return number
    }

    package var description: String {
        switch self {
        case .number(let number): "\(number)"
        case .symbol(let name): name
        }
    }
}

/// What the numbers of a batch of tokens are.
package enum TokenContent: Sendable {
    case ids, types
}

/// The primitives in which `Operation.reference` defines every op.
///
/// The builder defines the type of values: `DoubleInterpreter` computes with arrays of doubles; a graph builder adds a
/// node for each call, for a batch and a sequence of any length. So a reference uses only the lengths of vectors, which
/// are numbers, and does not change the dimensions before them.
///
/// Binary functions broadcast as in NumPy: shapes are aligned at their last dimension, and a length of 1 is repeated.
package protocol PrimitiveBuilder {
    associatedtype Value

    func shape(of value: Value) -> [Dimension]

    // MARK: Inputs of a model

    /// The ids (B, T) of a batch, or the types of its tokens. In a graph, an input.
    mutating func tokens(_ batch: TokenBatch, _ content: TokenContent) -> Value
    /// past ..< past + count: the positions of a batch's tokens in their sequences, after `past` earlier tokens.
    mutating func positions(_ count: Dimension, after past: Int) -> Value
    /// The vectors of the first position of each sequence, of all those of a batch: (B, T, C) to (B, C). `rows` are theirs
    /// where the dimensions are numbers.
    mutating func firstPositions(_ x: Value, rows: [Int32]) -> Value
    /// The scores (..., T, S) of queries with keys that are all visible. In a graph for sequences of different lengths, which are
    /// padded there, the score of a key that is padding becomes about -1e30, whose exponential is 0.
    mutating func maskPadding(_ scores: Value) -> Value
    /// Keys and values (..., S, size) of a batch's tokens, or of a memory, preceded by those of earlier tokens. They
    /// are unchanged, except in a graph with a cache, where the earlier ones are inputs.
    mutating func withPast(keys: Value, values: Value) -> (keys: Value, values: Value)
    mutating func constant(_ values: [Double], shape: [Int]) -> Value

    // MARK: Element by element

    mutating func add(_ a: Value, _ b: Value) -> Value
    mutating func subtract(_ a: Value, _ b: Value) -> Value
    mutating func multiply(_ a: Value, _ b: Value) -> Value
    mutating func divide(_ a: Value, _ b: Value) -> Value
    /// The larger of the two.
    mutating func maximum(_ a: Value, _ b: Value) -> Value
    mutating func exp(_ x: Value) -> Value
    mutating func log(_ x: Value) -> Value
    mutating func tanh(_ x: Value) -> Value
    /// The error function.
    mutating func erf(_ x: Value) -> Value
    mutating func squareRoot(_ x: Value) -> Value
    mutating func sine(_ x: Value) -> Value
    mutating func cosine(_ x: Value) -> Value

    // MARK: Rows and matrices

    /// The product of matrices in the last two dimensions, for each index of the others.
    mutating func matmul(_ a: Value, _ b: Value) -> Value
    /// Along the last dimension, which stays with length 1.
    mutating func sumAlongLastAxis(_ x: Value) -> Value
    mutating func maximumAlongLastAxis(_ x: Value) -> Value
    /// Scores (..., T, S) of T queries with S keys, the last T of which are at the positions of the queries. The score
    /// of a query with a later key becomes -1e30, whose exponential is 0.
    mutating func causalMask(_ scores: Value) -> Value
    /// The rows of a matrix (V, C) at the given indices (...): (..., C).
    mutating func gather(_ table: Value, rows: Value) -> Value

    // MARK: The same elements in another shape

    mutating func transpose(_ x: Value, _ axes: [Int]) -> Value
    /// Keeps the first `kept` dimensions, and replaces all others by `rest`.
    mutating func reshape(_ x: Value, keeping kept: Int, _ rest: [Int]) -> Value
    /// Adds a dimension of length 1 before dimension `axis`.
    mutating func insertDimension(_ x: Value, at axis: Int) -> Value
    /// Splits the last dimension into parts of the given lengths.
    mutating func split(_ x: Value, _ lengths: [Int]) -> [Value]
    /// Concatenates along the last dimension: the inverse of `split`.
    mutating func join(_ parts: [Value]) -> Value

    // MARK: Composed primitives
    // A builder may have its own; by default they are composed of the others.

    /// exp(x) divided by its sum along the last dimension.
    mutating func softmax(_ x: Value) -> Value
    /// See `LayerNorm`.
    mutating func layerNorm(_ x: Value, gamma: Value, beta: Value, epsilon: Double) -> Value
    /// See `Activation.gelu`.
    mutating func gelu(_ x: Value) -> Value
}

extension PrimitiveBuilder {
    /// The length of the last dimension.
    package func width(of x: Value) -> Int { shape(of: x).last?.number ?? 1 }

    package mutating func constant(_ value: Double) -> Value { constant([value], shape: []) }

    package mutating func reshape(_ x: Value, _ shape: [Int]) -> Value { reshape(x, keeping: 0, shape) }

    package mutating func withPast(keys: Value, values: Value) -> (keys: Value, values: Value) { (keys, values) }

    package mutating func tokens(_ batch: TokenBatch) -> Value { tokens(batch, .ids) }

    package mutating func maskPadding(_ scores: Value) -> Value { scores }

    /// The mean along the last dimension.
    package mutating func meanAlongLastAxis(_ x: Value) -> Value {
        divide(sumAlongLastAxis(x), constant(Double(width(of: x))))
    }

    package mutating func softmax(_ x: Value) -> Value {
        let exponentials = exp(subtract(x, maximumAlongLastAxis(x)))
        return divide(exponentials, sumAlongLastAxis(exponentials))
    }
}
