import Interchange
import Layers
import Models
import Tensors

/// The results of a model for given ids, to compare it with other programs: a safetensors file with the tensor `logits`
/// (B, T, V) in 32-bit floats.
///
/// Of an encoder the file has all outputs under their names in transformers: `logits` (B, labels) or (B, T, V), or without a head
/// `last_hidden_state` (B, T, C) and `pooler_output` (B, C). The logits of an encoder-decoder are those of the targets.
public enum LogitsFile {
    /// The name and the shape of a tensor of the file.
    public typealias Entry = (name: String, shape: Shape)

    /// Computes the results for every row and writes them to `path`, replacing an older file at once when all are written. The
    /// results for one row at a time are in memory.
    /// - Parameters:
    ///   - ids: the rows.
    ///   - saved: the model.
    ///   - path: the file.
    /// - Returns: what the file contains.
    /// - Throws: one line: the model is an n-gram model, a result is infinite or NaN, or the file cannot be written.
    @discardableResult
    public static func write(_ ids: TokenIDs, of saved: SavedModel, to path: String) throws -> [Entry] {
        let first = try results(of: saved, ids, row: 0)
        let entries = first.map { result -> Entry in
            (result.name, Shape([ids.rows.count] + result.value.shape.dimensions.dropFirst()))
        }
        let tensors = entries.enumerated().map { number, entry in
            SafetensorsTensor(name: entry.name, dtype: .float32, shape: entry.shape.dimensions) { piece in
                for row in ids.rows.indices {
                    let result = row == 0 ? first[number].value : try results(of: saved, ids, row: row)[number].value
                    try result.withElements { numbers in
                        guard numbers.allSatisfy(\.isFinite) else {
                            throw ModelError(numbersOf: saved.model, path: saved.path)
                        }
                        try piece(UnsafeRawBufferPointer(numbers))
                    }
                }
            }
        }
        try SafetensorsWriter.write(to: path, tensors: tensors)
        return entries
    }

    /// The results for one row, in a batch of one.
    private static func results(
        of saved: SavedModel, _ ids: TokenIDs, row: Int
    ) throws -> [(name: String, value: Tensor)] {
        let tokens = TokenBatch(ids.rows[row])
        switch saved.model.form {
        case .neural(let model): return [("logits", model.logits(tokens))]
        case .encoder(let model):
            return model.outputs(tokens, types: ids.types?[row], ForwardPass(.serving)).map {
                ($0.name, $0.value.value)
            }
        case .encoderDecoder(let model):
            return [("logits", model.logits(tokens, TokenBatch(ids.targets?[row] ?? [model.configuration.startToken])))]
        case .counted, .other:
            throw ModelError(
                path: saved.path,
                reason: "a model of type '\(saved.model.modelType)' has no logits; give a model with weights")
        }
    }
}
