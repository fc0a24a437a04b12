/// The formats that models can be exported to.
public enum ExportFormat: String, CaseIterable, Sendable {
    /// A directory for Hugging Face's transformers.
    case hf
    /// A file for llama.cpp.
    case gguf
    /// A graph for onnxruntime.
    case onnx
    /// A TorchScript archive for torch.jit.load.
    case torchscript

    /// The number formats that it supports, the default first.
    public var precisions: [ExportPrecision] {
        switch self {
        case .hf, .onnx: [.f32, .bf16, .f16]
        case .gguf: [.f32, .f16, .bf16, .q8_0]
        case .torchscript: [.f32]
        }
    }

    /// Whether it is a directory rather than a file.
    public var isDirectory: Bool { self == .hf }
}

/// The number formats of exported weights.
public enum ExportPrecision: String, CaseIterable, Sendable {
    /// 32-bit floats, in which the model was trained.
    case f32
    /// Half precision: 11 significant bits, and no number greater than 65504.
    case f16
    /// bfloat16: 8 significant bits.
    case bf16
    /// 8-bit integers with a scale for each 32.
    case q8_0

    var encoding: NumberEncoding {
        switch self {
        case .f32: .float32
        case .f16: .float16
        case .bf16: .bfloat16
        case .q8_0: .q8_0
        }
    }

    /// The type in an ONNX graph, which does not support blocks.
    var graphType: ONNXType {
        switch self {
        case .f16: .float16
        case .bf16: .bfloat16
        case .f32, .q8_0: .float32
        }
    }

    /// The maximum error of exported logits, in standard deviations of the logits. Rounding causes a tenth of this or less; a
    /// misplaced weight causes an error of about one standard deviation.
    var tolerance: Double {
        switch self {
        case .f32: 1e-5
        case .f16: 0.02
        case .bf16, .q8_0: 0.1
        }
    }
}
