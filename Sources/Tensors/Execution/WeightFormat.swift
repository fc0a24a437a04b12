/// The number format in which generation reads the weights of matrix products. Generating a token takes about as long
/// as reading all weights, so fewer bits are faster. See `DecodingProduct` for what is computed in each format.
public enum WeightFormat: String, CaseIterable, Sendable {
    /// 32-bit floats, read where they are.
    case float32 = "f32"
    /// Weights packed as bfloat16.
    case bfloat16 = "bf16"
    /// Weights packed as 8-bit integers, with a scale for each block of 32.
    case int8

    /// The form in which weights are packed; nil if they are read where they are.
    package var packing: PackedWeight.Format? {
        switch self {
        case .float32: nil
        case .bfloat16: .bfloat16
        case .int8: .int8
        }
    }

    /// The precision in which a general matrix product of the original weights computes with the same numbers; nil if
    /// only packed weights have them.
    package var productPrecision: Precision? {
        switch self {
        case .float32: .float32
        case .bfloat16: .bfloat16
        case .int8: nil
        }
    }

    /// The bytes of a weight where generation reads it.
    package var bytesPerWeight: Double { packing?.bytesPerWeight ?? 4 }
}
