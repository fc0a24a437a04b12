import Models

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

    /// The formats that a model can be exported to.
    private static func formats(for model: ModelSpecification) -> [ExportFormat] {
        switch model {
        case .ngram: []
        case .bigram, .attention: [.onnx, .torchscript]
        case .transformer(let configuration):
            if configuration.family != nil {
                [.hf, .gguf, .onnx, .torchscript]
            } else {
                // The distances of linear biases depend on the cache, which every TorchScript graph has.
                configuration.positions == .linearBiases ? [.onnx] : [.onnx, .torchscript]
            }
        case .encoder: [.hf, .onnx, .torchscript]
        case .encoderDecoder: [.hf, .onnx]
        }
    }

    /// Throws if a model cannot be exported to this format.
    /// - Parameters:
    ///   - model: what the model is; nil for a model of another module, which may have a graph.
    ///   - path: the model.
    func requireSupport(of model: ModelSpecification?, path: String) throws(ModelError) {
        guard let model else { return }
        let supported = Self.formats(for: model)
        if supported.contains(self) { return }
        throw ModelError(
            path: path,
            reason: supported.isEmpty
                ? "a model of type '\(model.modelType)' cannot be exported; export a model with weights"
                : "a model of type '\(model.modelType)' cannot be exported to \(rawValue); export it to "
                    + supported.map(\.rawValue).joined(separator: " or "))
    }
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
