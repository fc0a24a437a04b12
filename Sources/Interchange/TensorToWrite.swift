import Files

/// A function that writes some bytes to a file.
package typealias ByteWriter = (UnsafeRawBufferPointer) throws -> Void

/// The number type of a stored tensor, which determines how many bytes a shape takes.
package protocol StoredNumberType: Sendable {
    /// The bytes of a tensor; `nil` if a dimension is negative or the number does not fit in an `Int`.
    func byteCount(shape: [Int]) -> Int?
}

/// A tensor to be written to a file: its name, number type and shape, and a function that writes its bytes.
package struct TensorToWrite<NumberType: StoredNumberType> {
    /// The name in the file.
    package let name: String
    /// How the numbers are stored.
    package let dtype: NumberType
    /// The outermost dimension first.
    package let shape: [Int]

    private let supply: (_ write: ByteWriter) throws -> Void

    /// A tensor whose bytes are computed while they are written, for example converted or transposed part by part.
    /// - Parameters:
    ///   - name: the name in the file.
    ///   - dtype: how the numbers are stored.
    ///   - shape: the outermost dimension first.
    ///   - supply: calls `write` with the bytes, little-endian and in row-major order, in buffers of any size.
    package init(
        name: String, dtype: NumberType, shape: [Int], supply: @escaping (_ write: ByteWriter) throws -> Void
    ) {
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.supply = supply
    }

    /// The number of its bytes; `nil` if the shape is impossible.
    package var byteCount: Int? { dtype.byteCount(shape: shape) }

    /// Calls `write` with the bytes.
    /// - Throws: what `write` throws, and `failure` with a reason if there are more or fewer bytes than `byteCount`.
    func write(_ write: ByteWriter, orThrow failure: (String) -> any Error) throws {
        var written = 0
        try supply { bytes in
            written += bytes.count
            try write(bytes)
        }
        guard written == byteCount else {
            throw failure("the tensor \(quoted(name)) of shape \(shape) was given \(written) bytes")
        }
    }
}

/// The product of a size in bytes and the dimensions of a shape; `nil` if a dimension is negative or the product does not fit
/// in an `Int`.
func byteCount(of shape: [Int], elementSize: Int) -> Int? {
    var count = elementSize
    for dimension in shape {
        let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
        if overflow || dimension < 0 { return nil }
        count = product
    }
    return count
}
