import Files
import Models
import Tokenizers

/// Writes a model as an archive that PyTorch runs by itself: `torch.jit.load` (2.0 and later) takes it, without any of the
/// code or the text that the model was made with.
///
/// The archive has the methods
///
/// - `forward(ids)`: logits (B, T, V) of ids (B, T);
/// - `generate_ids(ids, n, temperature=0.0)`: a list of ids with n more;
/// - `encode(text)`, `decode(ids)` and `generate(text, n, temperature=0.0)`, where the tokenizer is one of characters, of
///   bytes, or of byte pairs that texts are neither cut for by the pattern of o200k nor normalized.
///
/// The computation is the model's own graph. The parameters are tensors of the names they have in a checkpoint.
public enum TorchScriptExport {
    /// Writes `model` to the file at `path`, which it replaces in one piece, and only once what was written has been read
    /// again and found to be the model, byte for byte.
    ///
    /// - Parameters:
    ///   - model: one that has a graph.
    ///   - tokenizer: that of the model; nil for one of ids only.
    ///   - path: what is written.
    ///   - progress: told from time to time which share of the archive has been written.
    /// - Returns: whether texts can be encoded and generated, and not ids alone.
    /// - Throws: why the model has no form in TorchScript, or could not be written.
    @discardableResult
    public static func write(
        _ model: any LanguageModel, tokenizer: (any Tokenizer)?, to path: String, progress: (Double) -> Void = { _ in }
    ) throws -> Bool {
        let archive = try TorchScriptArchive(model, tokenizer: tokenizer, path: path)
        try AtomicFile.replace(at: path) { file in
            try archive.write(to: file, progress: progress)
        } check: { temporary in
            try archive.verify(at: temporary)
        }
        return archive.hasText
    }
}
