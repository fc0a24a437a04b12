import Files
import Layers
import Models
import StrictJSON
import Tensors
import Tokenizers

/// Writes a model as an ONNX graph, which runs where onnxruntime does (version 1.14 and later).
///
/// The graph is traced from the model, and holds for any number of sequences of any length up to the context:
///
/// - input: `input_ids` (B, T), 64-bit integers; with a cache also `past_key_values.N.key` and `.value`
///   (B, heads, P, size) of each layer N, where P is 0 for a first call;
/// - output: `logits` (B, T, V); with a cache also `present.N.key` and `.value` (B, heads, P + T, size): the next past.
///
/// The metadata hold the texts of `config.json` and `tokenizer.json`.
package enum ONNXExport {
    /// What the name of a file of weights has more than the graph's.
    package static let dataEnding = ".data"

    package struct Options: Sendable {
        /// Whether the graph takes a cache and gives it back.
        package var hasCache: Bool
        /// In what the weights are stored: 32-bit floats, or 16-bit ones that are widened when the graph is loaded.
        package var weights: ONNXType
        /// Beyond so many bytes the weights go to a file of their own beside the graph.
        package var greatestFile: Int

        package init(hasCache: Bool = false, weights: ONNXType = .float32, greatestFile: Int = ONNXWriter.greatestFile)
        {
            self.hasCache = hasCache
            self.weights = weights
            self.greatestFile = greatestFile
        }
    }

    /// What was written.
    package struct Report {
        /// The bytes of all of it.
        package let size: Int
        /// Whether the weights are in a file of their own.
        package let hasDataFile: Bool
        /// Whether the file that was replaced had its weights beside it, and these were removed.
        package let removesDataFile: Bool
        /// The largest difference between a logit of the model and of the file's graph.
        package let difference: Float
    }

    /// Writes the file, reads it again, and holds what it computes against the model's logits.
    ///
    /// The weights go from where they are to the file. The file takes its name when it has passed.
    /// - Parameters:
    ///   - model: what is exported.
    ///   - tokenizer: what goes into the metadata; nil for none.
    ///   - path: the file. Weights that need one of their own go to the same name with `dataEnding` at its end.
    ///   - options: with or without a cache, and in which precision.
    /// - Throws: one line that says why there is no file.
    @discardableResult
    package static func write(
        _ model: any LanguageModel, tokenizer: (any Tokenizer)?, to path: String, options: Options = Options()
    ) throws -> Report {
        guard let network = model.neural else {
            throw ModelError(
                path: path,
                reason: "a model of type '\(model.modelType)' has no computation graph and cannot be exported to ONNX")
        }
        guard [.float32, .float16, .bfloat16].contains(options.weights) else {
            throw ModelError(path: path, reason: "weights cannot be stored as \(options.weights)")
        }
        if options.weights == .float16, let name = network.parameters.first(where: { $0.parameter.exceedsHalf })?.name {
            throw ModelError(
                path: path, reason: "\(name) has numbers too large for f16; choose bf16 or f32")
        }
        var description = ONNXModel(
            try Graph(tracing: network, hasCache: options.hasCache), weights: options.weights)
        if let specification = model.specification {
            description.metadata.append(
                (ModelSpecification.configurationFile, specification.json(endOfText: tokenizer?.endOfText).serialized())
            )
        }
        if let tokenizer {
            description.metadata.append((TokenizerFile.name, try TokenizerFile.contents(for: tokenizer)))
        }
        let check = ONNXCheck(network, hasCache: options.hasCache, path: path)
        let message = ONNXWriter.message(description, dataFile: nil)
        guard message.byteCount <= options.greatestFile else { return try writeInTwo(description, to: path, check) }
        var difference: Float = 0
        let oldData = dataFile(of: path)
        try AtomicFile.replace(at: path) {
            try message.write(to: $0)
        } check: {
            difference = try check.run(graph: $0, data: nil)
        }
        if let oldData { try Files.remove(oldData) }
        return Report(
            size: message.byteCount, hasDataFile: false, removesDataFile: oldData != nil, difference: difference)
    }

    /// The file beside the graph at `path` that has its weights; nil where it has them itself, or is no graph.
    private static func dataFile(of path: String) -> String? {
        let data = path + dataEnding
        guard Files.exists(data), let graph = try? ONNXFile(path: path).model else { return nil }
        let isNamed = graph.tensors.contains { tensor in
            guard case .external(let location, _, _) = tensor.content else { return false }
            return location == Files.name(of: data)
        }
        return isNamed ? data : nil
    }

    /// The weights take their name before the graph does, and no older graph is left that would read them.
    private static func writeInTwo(_ description: ONNXModel, to path: String, _ check: ONNXCheck) throws -> Report {
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
                difference = try check.run(graph: graph, data: $0)
                try Files.remove(path)
            }
        }
        return Report(
            size: message.byteCount + size, hasDataFile: true, removesDataFile: false, difference: difference)
    }
}

extension Parameter {
    /// Whether it has a number that half precision rounds to infinity.
    fileprivate var exceedsHalf: Bool { value.withElements { $0.contains { $0.isFinite && $0.magnitude >= 65520 } } }
}
