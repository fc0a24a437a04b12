/// What a model can be made into for other programs.
public enum ExportFormat: String, CaseIterable, Sendable {
    /// A directory as Hugging Face's transformers reads it.
    case hf
    /// A file of llama.cpp.
    case gguf
    /// A graph for onnxruntime.
    case onnx
    /// A program for torch.jit.load.
    case torchscript

    /// How numbers may be stored in it, first what is taken unless another is asked for.
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

/// The numbers of an exported model.
public enum ExportPrecision: String, CaseIterable, Sendable {
    /// 32-bit floats: what the model was trained in.
    case f32
    /// Half precision: 11 bits of each number are kept, none may be greater than 65504.
    case f16
    /// bfloat16: 8 bits of each number are kept.
    case bf16
    /// 8-bit integers with a scale for each 32 of them.
    case q8_0

    var encoding: NumberEncoding {
        switch self {
        case .f32: .float32
        case .f16: .float16
        case .bf16: .bfloat16
        case .q8_0: .q8_0
        }
    }

    /// For a graph, which has no blocks.
    var graphType: ONNXType {
        switch self {
        case .f16: .float16
        case .bf16: .bfloat16
        case .f32, .q8_0: .float32
        }
    }

    /// How far logits may be off, as a share of their own spread, before a file is held for wrong. Rounding moves them by a
    /// tenth of it or less; a weight in a wrong place by about as much as they are.
    var tolerance: Double {
        switch self {
        case .f32: 1e-5
        case .f16: 0.02
        case .bf16, .q8_0: 0.1
        }
    }
}
