/// The primitives that every op can be written with: the language of `Operation.reference`.
///
/// What a value is, is up to the builder: `DoubleInterpreter` computes with arrays of doubles; an emitter of a graph
/// format adds a node for each call. Binary functions broadcast as NumPy does: shapes are aligned at their last
/// dimension, and a length of 1 stretches.
package protocol PrimitiveBuilder {
    associatedtype Value

    func shape(of value: Value) -> [Int]

    mutating func constant(_ values: [Double], shape: [Int]) -> Value
    mutating func add(_ a: Value, _ b: Value) -> Value
    mutating func subtract(_ a: Value, _ b: Value) -> Value
    mutating func multiply(_ a: Value, _ b: Value) -> Value
    mutating func divide(_ a: Value, _ b: Value) -> Value
    mutating func exp(_ x: Value) -> Value
    mutating func log(_ x: Value) -> Value
    mutating func tanh(_ x: Value) -> Value
    mutating func squareRoot(_ x: Value) -> Value
    /// The larger of the two, element by element.
    mutating func maximum(_ a: Value, _ b: Value) -> Value
    /// The product of matrices in the last two dimensions, for each index of the others.
    mutating func matmul(_ a: Value, _ b: Value) -> Value
    mutating func transpose(_ x: Value, _ axes: [Int]) -> Value
    mutating func reshape(_ x: Value, _ shape: [Int]) -> Value
    /// Along the last dimension, which stays with length 1.
    mutating func sumOfRows(_ x: Value) -> Value
    mutating func maximumOfRows(_ x: Value) -> Value
    /// Indices `range` of the last dimension.
    mutating func slice(_ x: Value, _ range: Range<Int>) -> Value
    /// The rows of a matrix with the given numbers: (count, columns).
    mutating func gather(_ table: Value, rows: [Int]) -> Value
}

extension PrimitiveBuilder {
    package mutating func constant(_ value: Double) -> Value { constant([value], shape: []) }

    /// The mean along the last dimension.
    package mutating func meanOfRows(_ x: Value) -> Value {
        let length = shape(of: x).last ?? 1
        return divide(sumOfRows(x), constant(Double(length)))
    }

    /// exp(x) over its sum along the last dimension.
    package mutating func softmax(_ x: Value) -> Value {
        let exponentials = exp(subtract(x, maximumOfRows(x)))
        return divide(exponentials, sumOfRows(exponentials))
    }
}
