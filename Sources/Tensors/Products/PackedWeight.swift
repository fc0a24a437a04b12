import CKernels

/// A weight in the layout and the precision that generation reads it in, once for every token: panels of 64 columns, each
/// one stream, in bfloat16 or in 8-bit integers with a scale for each 32 of a column (see gemv.h).
///
/// An integer weight q stands for q s, with s the largest magnitude of its block over 127. So its error is at most s / 2,
/// and a weight takes 8.5 bits.
package final class PackedWeight: Sendable {
    package let rows: Int
    package let columns: Int
    package let precision: Precision
    fileprivate nonisolated(unsafe) let memory: UnsafeMutableRawPointer  // written by the initializer alone

    /// The bytes that a product reads.
    package let bytes: Int

    /// Packs a matrix (inputs, outputs), which may be transposed.
    /// - Precondition: the precision is not `float32`, for which nothing is packed.
    package init(_ matrix: Matrix, precision: Precision) {
        precondition(precision != .float32, "32-bit floats are read where they lie")
        rows = matrix.rows
        columns = matrix.columns
        self.precision = precision
        let (code, k, n) = (precision.weight, Int64(rows), Int64(columns))
        bytes = Int(gpt_packed_bytes(code, k, n))
        memory = .allocate(byteCount: bytes, alignment: 64)
        gpt_pack_weight(
            Execution.kernels, code, k, n, matrix.pointer, Int64(matrix.rowStride), Int64(matrix.columnStride), memory)
        withExtendedLifetime(matrix) {}
    }

    deinit { memory.deallocate() }

    /// The numbers that the packed ones stand for, (inputs, outputs).
    package func unpacked() -> Tensor {
        let tensor = Tensor(uninitialized: [rows, columns])
        gpt_unpack_weight(Execution.kernels, precision.weight, Int64(rows), Int64(columns), memory, tensor.pointer)
        return tensor
    }
}

extension Precision {
    /// How its weights lie in memory, for the kernels of gemv.h.
    fileprivate var weight: Int32 {
        switch self {
        case .float32: Int32(GPT_WEIGHT_FLOAT32.rawValue)
        case .bfloat16: Int32(GPT_WEIGHT_BFLOAT16.rawValue)
        case .int8: Int32(GPT_WEIGHT_INT8.rawValue)
        }
    }
}

/// A product with a weight off the tape, as generation makes it: y = act(x W + b) f + r, in the precision of the execution.
///
/// - `float32`: W is read where it lies.
/// - `bfloat16`: both factors are rounded, as everywhere. Few rows read the packed weight.
/// - `int8`: W is what its packed form stands for, and x in each block of 32 a whole multiple of a 32767th of its largest
///   magnitude, whatever the number of rows; the products within a block are summed exactly.
///
/// Products are summed in 32-bit floats. So a prompt, whose rows are many, and the tokens after it are computed with the
/// same numbers; only the order of summation differs.
package enum DecodingProduct {
    /// Up to so many rows, packing a weight anew for the general product would take longer than it saves.
    package static let gemvRows = 16

    /// - Parameters:
    ///   - x: (..., I).
    ///   - weight: (I, O); transposed, (O, I).
    ///   - bias: (O), if there is one.
    ///   - activation: what is applied to the sum.
    ///   - factor: (..., O), what the result of that is multiplied by: what a gate lets through.
    ///   - residual: (..., O), what y is added to. Not together with an activation or a factor.
    /// - Returns: (..., O).
    package static func apply(
        _ x: Tensor, _ weight: Parameter, transposed: Bool = false, bias: Tensor? = nil,
        activation: Activation = .identity, times factor: Tensor? = nil, addingTo residual: Tensor? = nil
    ) -> Tensor {
        let matrix = transposed ? Matrix(weight.value).transposed : Matrix(weight.value)
        let execution = Execution.current, rows = x.shape.rows
        let y = Tensor(uninitialized: x.shape.replacingColumns(by: matrix.columns))
        precondition(x.shape.columns == matrix.rows, "\(x.shape) times \(matrix.rows) rows")
        precondition(activation == .identity && factor == nil || residual == nil, "an activation with a residual")
        precondition((residual ?? factor).map { $0.count == y.count } ?? true, "a residual or factor of another shape")
        guard rows <= gemvRows || execution.precision == .int8 else {
            let epilogue: MatrixProduct.Epilogue =
                if activation != .identity || factor != nil {
                    .activation(activation, bias: bias, before: nil, times: factor.map { Matrix($0) })
                } else { .bias(bias, residual: residual.map { Matrix($0) }) }
            MatrixProduct.multiply(Matrix(x), matrix, into: Matrix(y), epilogue: epilogue)
            return y
        }
        var product = gpt_gemv()
        (product.m, product.n, product.k) = (Int64(rows), Int64(matrix.columns), Int64(matrix.rows))
        product.x = UnsafePointer(x.pointer)
        product.y = y.pointer
        product.bias = UnsafePointer(bias?.pointer)
        product.activation = activation.code
        product.factor = UnsafePointer(factor?.pointer)
        product.residual = UnsafePointer(residual?.pointer)
        product.weight = execution.precision.weight
        let packed =
            execution.precision == .float32
            ? nil : weight.packed(in: execution.precision, transposed: transposed)
        if let packed {
            product.w = UnsafeRawPointer(packed.memory)
        } else {
            product.w = UnsafeRawPointer(matrix.pointer)
            product.row = Int64(matrix.rowStride)
            product.column = Int64(matrix.columnStride)
        }
        gpt_gemv_run(execution.kernels, &product)
        withExtendedLifetime((packed, matrix, bias, factor, residual, x)) {}
        return y
    }
}
