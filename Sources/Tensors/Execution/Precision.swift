import CKernels

/// The numbers that matrix products are computed with. Everything else (sums, norms, softmax, the residual stream, the
/// weights that training changes, and their moments) is in 32-bit floats whatever the precision.
public enum Precision: String, CaseIterable, Sendable {
    /// 32-bit floats.
    case float32 = "f32"
    /// Both factors rounded to bfloat16, a float's upper half (8 bits of mantissa with its hidden one), the products
    /// summed in 32-bit floats.
    case bfloat16 = "bf16"
    /// Weights as 8-bit integers with a scale for each block of them, for generation only; training has no use for it.
    case int8

    /// What training multiplies in unless it is told: bfloat16 where the machine has instructions for it, which make it
    /// faster, and else 32-bit floats.
    public static var preferredForTraining: Precision {
        switch Execution.preferred {
        case .avx512bf16, .neonbf16: .bfloat16
        case .scalar, .avx2, .avx512, .neon, .accelerate: .float32
        }
    }

    /// For the C kernels that work on 32-bit weights, which know the first two.
    package var code: Int32 { Int32((self == .bfloat16 ? GPT_BFLOAT16 : GPT_FLOAT32).rawValue) }
}
