/// The types of tensors in GGUF files, by their numbers there.
enum GGUFType {
    /// What a number stands for, if it is read here.
    static func encoding(_ number: UInt32) -> NumberEncoding? {
        switch number {
        case 0: .float32
        case 1: .float16
        case 8: .q8_0
        case 30: .bfloat16
        default: nil
        }
    }

    static func number(_ encoding: NumberEncoding) -> UInt32 {
        switch encoding {
        case .float32: 0
        case .float16: 1
        case .q8_0: 8
        case .bfloat16: 30
        }
    }

    /// What llama.cpp calls a type, for errors.
    static func name(_ number: UInt32) -> String { names[number] ?? "type \(number)" }

    private static let names: [UInt32: String] = [
        0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K",
        12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
        20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
        29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
    ]
}

/// The types of values in GGUF files, by their numbers there.
enum GGUFValueType: UInt32 {
    case uint8 = 0
    case int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

    /// The size of a value in bytes; nil for those whose size is in the file.
    var size: Int? {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        case .string, .array: nil
        }
    }
}
