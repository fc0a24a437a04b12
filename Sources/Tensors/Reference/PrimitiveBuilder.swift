/// The length of a dimension: a number, or, in a graph that is to be run at many sizes, the name of one.
package enum Dimension: Sendable, Hashable, CustomStringConvertible {
    case number(Int)
    case symbol(String)

    /// The number that it is.
    /// - Precondition: it is one. The lengths of vectors always are.
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

/// The primitives that every op can be written with: the language of `Operation.reference`.
///
/// What a value is, is up to the builder: `DoubleInterpreter` computes with arrays of doubles; a builder of graphs adds a
/// node for each call, for a batch and a sequence of any length. So a reference works with the lengths of vectors, which
/// are numbers, and leaves the dimensions before them as they are.
///
/// Binary functions broadcast as NumPy does: shapes are aligned at their last dimension, and a length of 1 stretches.
package protocol PrimitiveBuilder {
    associatedtype Value

    func shape(of value: Value) -> [Dimension]

    // MARK: What a model is given

    /// The ids (B, T) of a batch. In a graph, those that it will be run with.
    mutating func tokens(_ batch: TokenBatch) -> Value
    /// past ..< past + count: the places of a batch's tokens in their sequences, of which `past` tokens came before.
    mutating func positions(_ count: Dimension, after past: Int) -> Value
    /// Keys and values (..., T, size) of a batch's tokens, with those of the tokens before them in front: (..., S, size).
    /// They are what they were, but in a graph with a cache, which takes what came before as inputs.
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
    mutating func squareRoot(_ x: Value) -> Value
    mutating func sine(_ x: Value) -> Value
    mutating func cosine(_ x: Value) -> Value

    // MARK: Rows and matrices

    /// The product of matrices in the last two dimensions, for each index of the others.
    mutating func matmul(_ a: Value, _ b: Value) -> Value
    /// Along the last dimension, which stays with length 1.
    mutating func sumAlongLastAxis(_ x: Value) -> Value
    mutating func maximumAlongLastAxis(_ x: Value) -> Value
    /// Scores (..., T, S) of T queries with S keys, the last T of which are at the queries' own places: those of a query
    /// with a later key become -1e30, whose exponential is 0.
    mutating func causalMask(_ scores: Value) -> Value
    /// The rows of a matrix (V, C) that have the given numbers (...): (..., C).
    mutating func gather(_ table: Value, rows: Value) -> Value

    // MARK: The same elements in another form

    mutating func transpose(_ x: Value, _ axes: [Int]) -> Value
    /// Leaves the first `kept` dimensions as they are, and reads all others as `rest`.
    mutating func reshape(_ x: Value, keeping kept: Int, _ rest: [Int]) -> Value
    /// A dimension of length 1 more, before the one that has this number now.
    mutating func insertDimension(_ x: Value, at axis: Int) -> Value
    /// Parts of the last dimension, of the given lengths.
    mutating func split(_ x: Value, _ lengths: [Int]) -> [Value]
    /// Joins what `split` parted.
    mutating func join(_ parts: [Value]) -> Value

    // MARK: What a builder may know by name
    // These come composed of the others.

    /// exp(x) over its sum along the last dimension.
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

    /// The mean along the last dimension.
    package mutating func meanAlongLastAxis(_ x: Value) -> Value {
        divide(sumAlongLastAxis(x), constant(Double(width(of: x))))
    }

    package mutating func softmax(_ x: Value) -> Value {
        let exponentials = exp(subtract(x, maximumAlongLastAxis(x)))
        return divide(exponentials, sumAlongLastAxis(exponentials))
    }
}
