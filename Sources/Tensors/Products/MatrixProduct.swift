import CKernels

/// A tensor, or a range of its rows, read as a matrix. Transposing it moves nothing in memory.
package struct Matrix {
    fileprivate let tensor: Tensor
    fileprivate let start: Int
    let rowStride: Int
    let columnStride: Int
    package let rows: Int
    package let columns: Int

    private init(_ tensor: Tensor, start: Int, rows: Int, columns: Int, rowStride: Int, columnStride: Int) {
        self.tensor = tensor
        self.start = start
        self.rows = rows
        self.columns = columns
        self.rowStride = rowStride
        self.columnStride = columnStride
    }

    /// The vectors along the tensor's last dimension as rows: all, or a range of them.
    package init(_ tensor: Tensor, rows: Range<Int>? = nil) {
        let rows = rows ?? 0..<tensor.shape.rows, columns = tensor.shape.columns
        self.init(
            tensor, start: rows.lowerBound * columns, rows: rows.count, columns: columns, rowStride: columns,
            columnStride: 1)
    }

    var pointer: UnsafeMutablePointer<Float> { tensor.pointer + start }

    package var transposed: Matrix {
        Matrix(
            tensor, start: start, rows: columns, columns: rows, rowStride: columnStride, columnStride: rowStride)
    }
}

/// A right factor in the layout that products read, packed once for several of them.
package struct PackedMatrix: Sendable {
    fileprivate let panels: Tensor
    /// What decides the layout.
    private let instructionSet: InstructionSet
    private let precision: Precision

    /// Packs b in the execution's precision; nil with Accelerate, which reads b where it is.
    package init?(_ b: Matrix) {
        let execution = Execution.current
        guard execution.instructionSet != .accelerate else { return nil }
        (instructionSet, precision) = (execution.instructionSet, execution.precision)
        var product = gpt_matmul(b)
        panels = Tensor(uninitialized: [Int(gpt_matmul_packed_size(Execution.kernels, &product))])
        gpt_matmul_pack(Execution.kernels, &product, panels.pointer)
        withExtendedLifetime(b.tensor) {}
    }

    /// Whether the current execution reads this layout.
    var isCurrent: Bool {
        let execution = Execution.current
        return instructionSet == execution.instructionSet && precision == execution.precision
    }
}

/// Rows that are saved for the backward pass: as floats or, if that is the precision of products, as bfloat16 in half
/// the memory.
package struct SavedRows {
    private let words: Tensor
    private let first: Int
    private let precision: Precision

    /// Memory for rows, in the execution's precision.
    package init(rows: Int, columns: Int) {
        precision = Execution.current.precision
        words = Tensor(uninitialized: [rows, precision == .bfloat16 ? (columns + 1) / 2 : columns])
        first = 0
    }

    private init(words: Tensor, first: Int, precision: Precision) {
        self.words = words
        self.first = first
        self.precision = precision
    }

    /// The rows from `row` on.
    package func from(_ row: Int) -> SavedRows { SavedRows(words: words, first: first + row, precision: precision) }

    fileprivate func pointer(precision code: inout Int32) -> UnsafeMutablePointer<Float> {
        code = precision.code
        return words.pointer + first * words.shape.columns
    }
}

extension gpt_matmul {
    /// A product with b on the right.
    fileprivate init(_ b: Matrix) {
        self.init()
        precision = Execution.current.precision.code
        n = Int64(b.columns)
        k = Int64(b.rows)
        self.b = UnsafePointer(b.pointer)
        b_row = Int64(b.rowStride)
        b_column = Int64(b.columnStride)
    }
}

/// Matrix products, of which the ops consist. No tape records them.
package enum MatrixProduct {
    /// An element-wise step that is applied to the result while it is in cache.
    package enum Epilogue {
        case none
        /// c + bias + residual, each if given.
        case bias(Tensor?, residual: Matrix? = nil)
        /// activation(c + bias) times another matrix, the bias and the matrix each if given. The argument of the
        /// activation is written to `before`.
        case activation(Activation, bias: Tensor?, before: SavedRows?, times: Matrix? = nil)
        /// The gradient of the argument of an activation, c being the gradient of its result: c times the derivative at
        /// `at`. The activation at `at` is written to `value`. If the result was multiplied by a factor (`times`), so
        /// are both, and the gradient of the factor, c times the activation, is written to `gradient`.
        case slope(Activation, at: SavedRows, value: Matrix, times: (SavedRows, gradient: Matrix)? = nil)
    }

    /// c = a b, or c += a b, with an epilogue.
    /// - Parameters:
    ///   - packed: b, already packed, if several products share it.
    ///   - precision: of the factors; by default the execution's.
    ///   - columnSums: where the sums of the columns of b are written or added. If a is a transposed input and b a
    ///     gradient, c is the gradient of a weight, and the sums are the gradient of its bias.
    package static func multiply(
        _ a: Matrix, _ b: Matrix, packed: PackedMatrix? = nil, into c: Matrix, add: Bool = false,
        epilogue: Epilogue = .none, precision: Precision? = nil, columnSums: (tensor: Tensor, add: Bool)? = nil
    ) {
        precondition(
            a.columns == b.rows && c.rows == a.rows && c.columns == b.columns && c.columnStride == 1,
            "cannot multiply (\(a.rows), \(a.columns)) by (\(b.rows), \(b.columns)) to (\(c.rows), \(c.columns))")
        var product = gpt_matmul(b)
        if let precision { product.precision = precision.code }
        product.m = Int64(a.rows)
        product.a = UnsafePointer(a.pointer)
        product.a_row = Int64(a.rowStride)
        product.a_column = Int64(a.columnStride)
        product.packed_b = UnsafePointer(packed?.panels.pointer)
        product.c = c.pointer
        product.c_row = Int64(c.rowStride)
        product.accumulate = add
        switch epilogue {
        case .none: break
        case .bias(let bias, let residual):
            product.bias = UnsafePointer(bias?.pointer)
            product.residual = UnsafePointer(residual?.pointer)
        case .activation(let activation, let bias, let before, let factor):
            product.bias = UnsafePointer(bias?.pointer)
            product.factor = UnsafePointer(factor?.pointer)
            product.activation = activation.code
            if let before { product.before = before.pointer(precision: &product.kept_precision) }
        case .slope(let activation, let before, let value, let factor):
            product.slope = activation.code
            product.slope_at = UnsafePointer(before.pointer(precision: &product.kept_precision))
            product.activated = value.pointer
            if let (factor, gradient) = factor {
                product.gated_at = UnsafePointer(factor.pointer(precision: &product.kept_precision))
                product.d_gated = gradient.pointer
            }
        }
        product.column_sums = columnSums?.tensor.pointer
        product.add_column_sums = columnSums?.add ?? false
        if Execution.current.instructionSet == .accelerate {
            gpt_matmul_run_by_blas(Execution.kernels, &product)
        } else {
            gpt_matmul_run(Execution.kernels, &product)
        }
        withExtendedLifetime((a.tensor, b.tensor, packed, c.tensor, epilogue, columnSums)) {}
    }

    /// The gradients of a weight and its bias, each if needed: x' dY, or dY' x for a weight that is stored (outputs,
    /// inputs), and the sum of dY over rows. This is computed while dY is packed for the product, if dY is its right factor.
    package static func gradients(
        of weight: (tensor: Tensor, add: Bool)?, isTransposed: Bool = false, bias: (tensor: Tensor, add: Bool)?,
        input x: Matrix, _ gradient: Matrix
    ) {
        if isTransposed {
            if let weight { multiply(gradient.transposed, x, into: Matrix(weight.tensor), add: weight.add) }
            if let bias { columnSums(of: gradient, into: bias.tensor, add: bias.add) }
        } else if let weight {
            multiply(x.transposed, gradient, into: Matrix(weight.tensor), add: weight.add, columnSums: bias)
        } else if let bias {
            columnSums(of: gradient, into: bias.tensor, add: bias.add)
        }
    }

    /// out = the sum of the rows of x, or out += that sum: the gradient of a bias.
    package static func columnSums(of x: Matrix, into out: Tensor, add: Bool) {
        gpt_column_sums(Execution.kernels, Int64(x.rows), Int64(x.columns), x.pointer, out.pointer, add)
        withExtendedLifetime(x.tensor) {}
    }
}
