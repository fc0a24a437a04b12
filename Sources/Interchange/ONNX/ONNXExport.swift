import Files
import Layers
import Models
import StrictJSON
import Tensors
import Tokenizers

/// Writes a model as an ONNX graph, which runs where onnxruntime does (version 1.14 and later).
///
/// The graph is traced from the model, for any number of sequences of any length up to the context. Its inputs and outputs have
/// the names that Hugging Face's exports have.
///
/// Language models:
///
/// - input: `input_ids` (B, T), 64-bit integers; with a cache also `past_key_values.N.key` and `.value`
///   (B, heads, P, size) of each layer N, where P is 0 in the first call;
/// - output: `logits` (B, T, V); with a cache also `present.N.key` and `.value` (B, heads, P + T, size), the past of the next
///   call.
///
/// Encoders:
///
/// - input: `input_ids`, `token_type_ids` and `attention_mask` (B, T), 64-bit integers; the mask is 0 for padding;
/// - output: `logits` (B, labels) or (B, T, V), or without a head `last_hidden_state` (B, T, C) and `pooler_output` (B, C).
///
/// An encoder-decoder is a directory of three graphs (`ONNXTranslationExport`).
///
/// The metadata contain the texts of `config.json`, `tokenizer.json` and the other small files of the model.
package enum ONNXExport {
    /// The extension of a file of weights, after the name of the graph's file.
    package static let dataEnding = ".data"

    /// The options of an export.
    package struct Options: Sendable {
        /// Whether the keys and values of earlier tokens are inputs, and those of all tokens outputs.
        package var hasCache: Bool
        /// How the weights are stored: as 32-bit floats, or as 16-bit floats that the graph converts.
        package var weights: ONNXType
        /// The maximum size of a file in bytes; the weights of a larger export are written to a second file.
        package var greatestFile: Int

        package init(hasCache: Bool = false, weights: ONNXType = .float32, greatestFile: Int = ONNXWriter.greatestFile)
        {
            self.hasCache = hasCache
            self.weights = weights
            self.greatestFile = greatestFile
        }
    }

    /// The result of an export.
    package struct Report {
        /// The size of all files in bytes.
        package let size: Int
        /// Whether the weights are in a second file.
        package let hasDataFile: Bool
        /// Whether the replaced file had its weights in a second file, which was removed.
        package let removesDataFile: Bool
        /// The largest difference between a result of the model and one of the graph.
        package let difference: Float
    }

    /// Writes the file, reads it back, and compares its results with those of the model; only then it is renamed to `path`.
    ///
    /// The weights are written from where they are in memory.
    /// - Parameters:
    ///   - model: the model.
    ///   - tokenizer: the tokenizer for the metadata; nil for none.
    ///   - files: the description for the metadata; nil for that of a model that was trained on texts without end tokens.
    ///   - path: the file. A second file for the weights has the same name with `dataEnding` after it.
    ///   - options: with or without a cache, and in which precision.
    /// - Throws: why there is no file, in one line.
    @discardableResult
    package static func write(
        _ model: any Model, tokenizer: (any Tokenizer)?, description files: ModelDescription? = nil,
        to path: String, options: Options = Options()
    ) throws -> Report {
        let said = files ?? tokenizer.map { ModelDescription(for: $0, endsTexts: false) } ?? ModelDescription()
        let graph: Graph, check: ONNXCheck
        switch model.form {
        case .neural(let network):
            if options.hasCache, case .transformer(let configuration)? = network.specification,
                configuration.positions == .linearBiases
            {
                // The biases need the positions of all keys, which a graph with a cache does not have.
                throw ModelError(
                    path: path, reason: "a graph of a model with linear position biases has no cache; leave it out")
            }
            graph = try Graph(tracing: network, hasCache: options.hasCache)
            check = ONNXCheck(network, graph, hasCache: options.hasCache, path: path)
        case .encoder(let encoder):
            if options.hasCache {
                throw ModelError(path: path, reason: "an encoder reads whole texts, and its graph has no cache")
            }
            graph = try Graph(tracing: encoder)
            check = ONNXCheck(encoder, graph, path: path)
        case .encoderDecoder(let translator):
            return try ONNXTranslationExport.write(
                translator, tokenizer: tokenizer, description: said, to: path, options: options)
        case .counted, .other:
            throw ModelError(
                path: path,
                reason: "a model of type '\(model.modelType)' has no computation graph and cannot be exported to ONNX")
        }
        var metadata: [(String, String)] = []
        if let specification = model.specification {
            metadata = said.files(for: specification, tokenizer: tokenizer, dtype: "float32").map { ($0.name, $0.text) }
        }
        if let tokenizer {
            let vocabulary = (TokenizerFile.name, try TokenizerFile.contents(for: tokenizer))
            metadata.insert(vocabulary, at: min(1, metadata.count))
        }
        return try write(graph, metadata: metadata, to: path, options: options, check: check.run)
    }

    /// Writes a graph to a file.
    /// - Parameters:
    ///   - graph: the graph, with the parameters of the model.
    ///   - metadata: texts by key.
    ///   - path: the file.
    ///   - name: the path in errors; nil for that of the file.
    ///   - options: in which precision.
    ///   - check: reads the file, and the file of its weights if it has one, and returns the largest difference of a result.
    static func write(
        _ graph: Graph, metadata: [(String, String)], to path: String, called name: String? = nil, options: Options,
        check: (_ graph: String, _ data: String?) throws -> Float
    ) throws -> Report {
        guard [.float32, .float16, .bfloat16].contains(options.weights) else {
            throw ModelError(path: name ?? path, reason: "weights cannot be stored as \(options.weights)")
        }
        if options.weights == .float16, let large = graph.parameters.first(where: { $0.parameter.exceedsHalf }) {
            throw ModelError(
                path: name ?? path, reason: "\(large.name) has numbers too large for f16; choose bf16 or f32")
        }
        var description = ONNXModel(graph, weights: options.weights)
        description.metadata = metadata
        let message = ONNXWriter.message(description, dataFile: nil)
        guard message.byteCount <= options.greatestFile else { return try writeInTwo(description, to: path, check) }
        var difference: Float = 0
        let oldData = dataFile(of: path)
        try AtomicFile.replace(at: path) {
            try message.write(to: $0)
        } check: {
            difference = try check($0, nil)
        }
        if let oldData { try Files.remove(oldData) }
        return Report(
            size: message.byteCount, hasDataFile: false, removesDataFile: oldData != nil, difference: difference)
    }

    /// The second file with the weights of the graph at `path`; nil if the graph contains them, or is not one.
    private static func dataFile(of path: String) -> String? {
        let data = path + dataEnding
        guard Files.exists(data), let graph = try? ONNXFile(path: path).model else { return nil }
        let isNamed = graph.tensors.contains { tensor in
            guard case .external(let location, _, _) = tensor.content else { return false }
            return location == Files.name(of: data)
        }
        return isNamed ? data : nil
    }

    /// Writes the graph and a file of its weights. The weights are renamed before the graph, and after an older graph, which would
    /// read them, is removed.
    private static func writeInTwo(
        _ description: ONNXModel, to path: String, _ check: (_ graph: String, _ data: String?) throws -> Float
    ) throws -> Report {
        let data = path + dataEnding
        var difference: Float = 0, size = 0
        let message = ONNXWriter.message(description, dataFile: Files.name(of: data))
        try AtomicFile.replace(at: path) {
            try message.write(to: $0)
        } check: { graph in
            try AtomicFile.replace(at: data) {
                try ONNXWriter.writeData(description, to: $0)
                size = $0.position
            } check: {
                difference = try check(graph, $0)
                try Files.remove(path)
            }
        }
        return Report(
            size: message.byteCount + size, hasDataFile: true, removesDataFile: false, difference: difference)
    }
}

extension Parameter {
    /// Whether it has a number that is infinite in half precision.
    fileprivate var exceedsHalf: Bool { value.withElements { $0.contains { $0.isFinite && $0.magnitude >= 65520 } } }
}
