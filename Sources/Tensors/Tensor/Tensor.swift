/// The lengths of a tensor's dimensions, outermost first: (B, T, C) for a batch of B sequences of T vectors of width C.
public struct Shape: Sendable, Hashable, ExpressibleByArrayLiteral, CustomStringConvertible {
    public let dimensions: [Int]

    public init(_ dimensions: [Int]) { self.dimensions = dimensions }
    public init(arrayLiteral dimensions: Int...) { self.dimensions = dimensions }

    /// The number of elements.
    public var count: Int { dimensions.reduce(1, *) }
    public var rank: Int { dimensions.count }
    public subscript(axis: Int) -> Int { dimensions[axis < 0 ? axis + rank : axis] }

    /// The length of a row and the number of rows: the tensor as a matrix whose rows are the vectors along its last
    /// dimension.
    public var columns: Int { dimensions.last ?? 1 }
    public var rows: Int {
        var rows = 1
        for axis in 0..<max(0, dimensions.count - 1) { rows *= dimensions[axis] }
        return rows
    }

    /// The same shape with another length of rows.
    package func replacingColumns(by columns: Int) -> Shape {
        if columns == self.columns { return self }
        var dimensions = dimensions
        dimensions[dimensions.count - 1] = columns
        return Shape(dimensions)
    }

    /// `let (B, T, C) = x.shape.three`
    public var three: (Int, Int, Int) {
        precondition(rank == 3, "a tensor of three dimensions is needed, not \(self)")
        return (dimensions[0], dimensions[1], dimensions[2])
    }

    /// `let (V, C) = weight.shape.two`
    public var two: (Int, Int) {
        precondition(rank == 2, "a tensor of two dimensions is needed, not \(self)")
        return (dimensions[0], dimensions[1])
    }

    public var description: String { "(" + dimensions.map(String.init).joined(separator: ", ") + ")" }
}

/// An array of 32-bit floats with a shape, stored row by row.
///
/// A tensor is a reference to its storage: copies are cheap and share the elements. Ops never change their inputs.
public struct Tensor: Sendable {
    public let shape: Shape
    package var storage: Storage

    /// A tensor whose contents are undefined until they are written.
    package init(uninitialized shape: Shape) {
        self.shape = shape
        storage = Storage(count: shape.count)
    }

    /// A tensor filled with one value.
    public init(_ shape: Shape, filledWith value: Float = 0) {
        self.init(uninitialized: shape)
        storage.start.update(repeating: value, count: shape.count)
    }

    /// - Precondition: there are as many values as the shape has elements.
    public init(_ shape: Shape, _ values: [Float]) {
        precondition(values.count == shape.count, "\(values.count) values cannot fill \(shape)")
        self.init(uninitialized: shape)
        values.withUnsafeBufferPointer {
            if let source = $0.baseAddress { storage.start.update(from: source, count: values.count) }
        }
    }

    public var count: Int { shape.count }

    /// The elements, row by row.
    public var values: [Float] {
        withExtendedLifetime(storage) { Array(UnsafeBufferPointer(start: storage.start, count: count)) }
    }

    /// The same elements under another shape.
    public func reshaped(_ shape: Shape) -> Tensor {
        precondition(shape.count == self.shape.count, "\(self.shape) cannot be read as \(shape)")
        return Tensor(shape: shape, storage: storage)
    }

    /// A copy of the elements in new storage.
    public func copy() -> Tensor {
        let copy = Tensor(uninitialized: shape)
        withExtendedLifetime(storage) { copy.storage.start.update(from: storage.start, count: count) }
        return copy
    }

    /// A view on existing storage.
    package init(shape: Shape, storage: Storage) {
        self.shape = shape
        self.storage = storage
    }

    /// The address of the first element, for a kernel call. The caller must keep the tensor alive across the call, by a
    /// local variable or `withExtendedLifetime`.
    package var pointer: UnsafeMutablePointer<Float> { storage.start }

    /// Reads or writes the elements in place, for initialization and files.
    package func withElements<Result>(_ body: (UnsafeMutableBufferPointer<Float>) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(storage) {
            try body(UnsafeMutableBufferPointer(start: storage.start, count: count))
        }
    }
}
