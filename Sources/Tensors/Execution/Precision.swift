import CKernels

/// The number format of the factors of matrix products. Everything else (sums, norms, softmax, the residual stream, the
/// weights that training changes, and their moments) is in 32-bit floats in either precision.
public enum Precision: String, CaseIterable, Sendable {
    /// 32-bit floats.
    case float32 = "f32"
    /// Both factors rounded to bfloat16, the upper half of a float (8 bits of mantissa, with the hidden one), and the
    /// products summed in 32-bit floats.
    case bfloat16 = "bf16"

    /// The default of training: bfloat16 on processors with instructions for it, where it is faster; otherwise 32-bit
    /// floats.
    public static var preferredForTraining: Precision {
        switch Execution.preferred {
        case .avx512bf16, .neonbf16: .bfloat16
        case .scalar, .avx2, .avx512, .neon, .accelerate: .float32
        }
    }

    /// The same for the C kernels.
    package var code: Int32 {
        switch self {
        case .float32: Int32(GPT_FLOAT32.rawValue)
        case .bfloat16: Int32(GPT_BFLOAT16.rawValue)
        }
    }
}
