import CKernels

/// The number format of the factors of matrix products. Everything else (sums, norms, softmax, the residual stream, the
/// weights that training changes, and their moments) is in 32-bit floats in either precision.
public enum Precision: String, CaseIterable, Sendable {
    /// 32-bit floats.
    case float32 = "f32"
    /// Both factors rounded to bfloat16, the upper half of a float (8 bits of mantissa, with the hidden one), and the
    /// products summed in 32-bit floats.
    case bfloat16 = "bf16"

    /// The default of training: bfloat16 where the processor has instructions for it and they are faster by a quarter or
    /// more, otherwise 32-bit floats. The rates are measured once, in a few milliseconds: there are processors whose
    /// instructions for bfloat16 are no faster. The quarter is far from both rates that exist, 1 and 2, so that a busy
    /// machine does not change the choice, and with it the weights.
    public static let preferredForTraining: Precision = {
        switch Execution.preferred {
        case .scalar, .avx2, .avx512, .neon, .accelerate: return .float32
        case .avx512bf16, .neonbf16:
            var rates: [Precision: Double] = [:]
            // In turn, and the best of several times, because other programs may run.
            for _ in 0..<4 {
                for precision in allCases {
                    let rate = Execution(threads: 1, precision: precision).measuredPeak(seconds: 0.001)
                    rates[precision] = max(rates[precision, default: 0], rate)
                }
            }
            return rates[.bfloat16, default: 0] > 1.25 * rates[.float32, default: 0] ? .bfloat16 : .float32
        }
    }()

    /// The same for the C kernels.
    package var code: Int32 {
        switch self {
        case .float32: Int32(GPT_FLOAT32.rawValue)
        case .bfloat16: Int32(GPT_BFLOAT16.rawValue)
        }
    }
}
