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

    /// For the C kernels that work on 32-bit weights, which know the first two.
    package var code: Int32 { Int32((self == .bfloat16 ? GPT_BFLOAT16 : GPT_FLOAT32).rawValue) }
}
