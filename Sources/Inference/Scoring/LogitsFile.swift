import Interchange
import Models
import Tensors

/// The logits of a model for given ids, to compare it with other programs: a safetensors file with the tensor `logits`
/// (B, T, V) in 32-bit floats.
public enum LogitsFile {
    /// Computes the logits of every position of every row and writes them to `path`, replacing an older file at once when
    /// all are written. The logits of one row at a time are in memory.
    /// - Parameters:
    ///   - ids: the rows.
    ///   - saved: the model.
    ///   - path: the file.
    /// - Throws: one line: the model is an n-gram model, a logit is infinite or NaN, or the file cannot be written.
    public static func write(_ ids: TokenIDs, of saved: SavedModel, to path: String) throws {
        guard let model = saved.model.neural else {
            throw ModelError(
                path: saved.path,
                reason: "a model of type '\(saved.model.modelType)' has no logits; use a bigram, attention or gpt model"
            )
        }
        let logits = SafetensorsTensor(
            name: "logits", dtype: .float32, shape: [ids.rows.count, ids.length, model.vocabularySize]
        ) { piece in
            for row in ids.rows {
                let logits = model.logits(TokenBatch(batch: 1, length: row.count, ids: row))
                try logits.withElements { logits in
                    guard logits.allSatisfy(\.isFinite) else {
                        throw ModelError(numbersOf: saved.model, path: saved.path)
                    }
                    try piece(UnsafeRawBufferPointer(logits))
                }
            }
        }
        try SafetensorsWriter.write(to: path, tensors: [logits])
    }
}
