import CKernels

/// The matrix product of generation, y = act(x W + b) f + r, with W in the execution's weight format.
///
/// - `float32`: W is read where it is.
/// - `bfloat16`: both factors are rounded, as in training. A product of few rows reads the packed weight.
/// - `int8`: W is the packed weight, for any number of rows. In each block of 32, x is rounded to a multiple of 1/32767
///   of its largest magnitude, and the products within a block are summed exactly.
///
/// Products are summed in 32-bit floats. So a prompt, which has many rows, and the tokens after it are computed with
/// the same numbers; only the order of summation differs.
package enum DecodingProduct {
    /// The largest number of rows that are multiplied without the general product, which packs the weight for each
    /// call: for so few rows that takes longer than it saves.
    package static let gemvRows = 16

    /// - Parameters:
    ///   - x: (..., I).
    ///   - weight: (I, O); transposed, (O, I).
    ///   - bias: (O), if any.
    ///   - activation: act.
    ///   - factor: f (..., O), if any: the output of a gate.
    ///   - residual: r (..., O), if any. Not together with an activation or a factor.
    /// - Returns: (..., O).
    package static func apply(
        _ x: Tensor, _ weight: Variable, transposed: Bool = false, bias: Tensor? = nil,
        activation: Activation = .identity, times factor: Tensor? = nil, addingTo residual: Tensor? = nil
    ) -> Tensor {
        let matrix = transposed ? Matrix(weight.value).transposed : Matrix(weight.value)
        let execution = Execution.current, format = execution.weightFormat, rows = x.shape.rows
        let y = Tensor(uninitialized: x.shape.replacingColumns(by: matrix.columns))
        precondition(x.shape.columns == matrix.rows, "\(x.shape) times \(matrix.rows) rows")
        precondition(activation == .identity && factor == nil || residual == nil, "an activation with a residual")
        precondition((residual ?? factor).map { $0.count == y.count } ?? true, "a residual or factor of another shape")
        let isGeneral =
            switch execution.rowProducts {
            case .byCount: rows > gemvRows
            case .asPrompt: true
            case .asSteps: false
            }
        if isGeneral, let precision = format.productPrecision {
            let epilogue: MatrixProduct.Epilogue =
                if activation != .identity || factor != nil {
                    .activation(activation, bias: bias, before: nil, times: factor.map { Matrix($0) })
                } else { .bias(bias, residual: residual.map { Matrix($0) }) }
            MatrixProduct.multiply(Matrix(x), matrix, into: Matrix(y), epilogue: epilogue, precision: precision)
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
        let packed = format.packing.map { weight.packed(as: $0, transposed: transposed) }
        if let packed {
            product.weight = packed.format.code
            product.w = UnsafeRawPointer(packed.memory)
        } else {
            product.weight = Int32(GPT_WEIGHT_FLOAT32.rawValue)
            product.w = UnsafeRawPointer(matrix.pointer)
            product.row = Int64(matrix.rowStride)
            product.column = Int64(matrix.columnStride)
        }
        gpt_gemv_run(execution.kernels, &product)
        withExtendedLifetime((packed, matrix, bias, factor, residual, x)) {}
        return y
    }
}
