import CKernels

/// A weight in the layout and format that generation reads, packed once for all tokens: panels of 64 columns, each
/// contiguous, in bfloat16 or in 8-bit integers with a scale for each 32 of a column (see gemv.h).
///
/// An integer weight q stands for q s, with s the largest magnitude of its block over 127. So its error is at most s /
/// 2, and a weight takes 8.5 bits.
package final class PackedWeight: Sendable {
    /// The number formats of packed weights.
    package enum Format: Sendable {
        case bfloat16, int8

        /// The bytes of a weight, with its share of a scale.
        package var bytesPerWeight: Double {
            switch self {
            case .bfloat16: 2
            case .int8: 1 + 2.0 / 32
            }
        }

        /// The same for the kernels of gemv.h.
        var code: Int32 {
            switch self {
            case .bfloat16: Int32(GPT_WEIGHT_BFLOAT16.rawValue)
            case .int8: Int32(GPT_WEIGHT_INT8.rawValue)
            }
        }
    }

    package let rows: Int
    package let columns: Int
    package let format: Format
    nonisolated(unsafe) let memory: UnsafeMutableRawPointer  // written by the initializer alone

    /// The bytes that a product reads.
    package let bytes: Int

    /// Packs a matrix (inputs, outputs), which may be transposed.
    package init(_ matrix: Matrix, as format: Format) {
        rows = matrix.rows
        columns = matrix.columns
        self.format = format
        let (k, n) = (Int64(rows), Int64(columns))
        bytes = Int(gpt_packed_bytes(format.code, k, n))
        memory = .allocate(byteCount: bytes, alignment: 64)
        gpt_pack_weight(
            Execution.kernels, format.code, k, n, matrix.pointer, Int64(matrix.rowStride), Int64(matrix.columnStride),
            memory)
        withExtendedLifetime(matrix) {}
    }

    deinit { memory.deallocate() }

    /// The numbers that the packed ones stand for, (inputs, outputs).
    package func unpacked() -> Tensor {
        let tensor = Tensor(uninitialized: [rows, columns])
        gpt_unpack_weight(Execution.kernels, format.code, Int64(rows), Int64(columns), memory, tensor.pointer)
        return tensor
    }
}
