import Files
import Layers
import Models
import Tensors
import Tokenizers

/// Writes an encoder-decoder as a directory of three ONNX graphs, under the names that Hugging Face's optimum has for them:
///
/// - `encoder_model.onnx`: `input_ids` and `attention_mask` (B, S) to `last_hidden_state` (B, S, C);
/// - `decoder_model.onnx`, for the first tokens of targets: `input_ids` (B, T), `encoder_attention_mask` (B, S) and
///   `encoder_hidden_states` (B, S, C) to `logits` (B, T, V) and, for each layer N, `present.N.decoder.key` and `.value`
///   (B, heads, T, size) and `present.N.encoder.key` and `.value` (B, heads, S, size), those of cross-attention;
/// - `decoder_with_past_model.onnx`, for each further token: `input_ids` (B, 1), `encoder_attention_mask` and all of these as
///   `past_key_values.N.decoder.key` and so on, to `logits` and the next `present.N.decoder.key` and `.value`. Those of
///   cross-attention stay the same.
///
/// The directory has config.json, the files of the tokenizer and generation_config.json as well.
enum ONNXTranslationExport {
    /// The names of the graphs.
    static let encoderFile = "encoder_model.onnx"
    static let decoderFile = "decoder_model.onnx"
    static let decoderWithPastFile = "decoder_with_past_model.onnx"

    /// Writes the directory, which must be new or empty, after the graphs were read back and compared with the model.
    /// - Throws: why there is no directory, in one line.
    static func write(
        _ model: EncoderDecoder, tokenizer: (any Tokenizer)?, description: ModelDescription, to path: String,
        options: ONNXExport.Options
    ) throws -> ONNXExport.Report {
        var size = 0, hasDataFile = false, difference: Float = 0
        try AtomicDirectory.make(at: path) { directory in
            /// Writes a graph, and returns it as it was read back.
            func write(_ graph: Graph, to name: String) throws -> ONNXInterpreter {
                var interpreter: ONNXInterpreter?
                let check = ONNXCheck(graph, path: "\(path)/\(name)") {
                    interpreter = $0
                    return 0
                }
                let report = try ONNXExport.write(
                    graph, metadata: [], to: "\(directory)/\(name)", called: "\(path)/\(name)", options: options,
                    check: check.run)
                size += report.size
                hasDataFile = hasDataFile || report.hasDataFile
                guard let interpreter else { preconditionFailure("a graph that was not checked") }
                return interpreter
            }
            let encoder = try write(Graph(tracingEncoderOf: model), to: encoderFile)
            let decoder = try write(Graph(tracingDecoderOf: model, isFirst: true), to: decoderFile)
            let decoderWithPast = try write(
                Graph(tracingDecoderOf: model, isFirst: false), to: decoderWithPastFile)
            difference = try ONNXCheck.reporting(path) {
                try Execution.with(weights: .float32) {
                    try ONNXCheck.compare(
                        encoder: encoder, decoder: decoder, decoderWithPast: decoderWithPast, model)
                }
            }
            _ = try ModelDirectory.saveDescription(of: model, tokenizer: tokenizer, description, to: directory)
        }
        return ONNXExport.Report(
            size: size, hasDataFile: hasDataFile, removesDataFile: false, difference: difference)
    }
}
