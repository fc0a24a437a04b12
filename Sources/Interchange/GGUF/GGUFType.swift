/// The types of tensors in GGUF files, by their numbers in the format.
enum GGUFType {
    /// The encoding with this type number; nil if it is not supported.
    static func encoding(_ number: UInt32) -> NumberEncoding? {
        switch number {
        case 0: .float32
        case 1: .float16
        case 8: .q8_0
        case 30: .bfloat16
        default: nil
        }
    }

    /// The type number of an encoding.
    static func number(_ encoding: NumberEncoding) -> UInt32 {
        switch encoding {
        case .float32: 0
        case .float16: 1
        case .q8_0: 8
        case .bfloat16: 30
        }
    }

    /// The name of a type in llama.cpp, for errors.
    static func name(_ number: UInt32) -> String { names[number] ?? "type \(number)" }

    private static let names: [UInt32: String] = [
        0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K",
        12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
        20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
        29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
    ]
}
