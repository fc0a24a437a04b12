import LanguageModels
import Tensors

/// What a model makes of given ids, for other programs to compare with: a safetensors file with the tensor `logits`
/// (B, T, V) in 32-bit floats.
public enum LogitsFile {
    /// Computes the logits of every position of every row and writes them to `path`, in one piece in place of an older file.
    /// The logits of one row exist at a time.
    /// - Throws: where the file cannot be written.
    public static func write(_ ids: TokenIDs, of model: any NeuralLanguageModel, to path: String) throws {
        let logits = SafetensorsTensor(
            name: "logits", dtype: .float32, shape: [ids.rows.count, ids.length, model.vocabularySize]
        ) { piece in
            for row in ids.rows {
                let logits = model.logits(TokenBatch(batch: 1, length: row.count, ids: row))
                try logits.withElements { try piece(UnsafeRawBufferPointer($0)) }
            }
        }
        try SafetensorsWriter.write(to: path, tensors: [logits])
    }
}
