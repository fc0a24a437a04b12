import Files
import Models
import Tokenizers

/// Writes a model as a TorchScript archive, which `torch.jit.load` of PyTorch (2.0 and later) loads and runs without any other
/// code.
///
/// The archive has the methods
///
/// - `forward(ids)`: logits (B, T, V) of ids (B, T);
/// - `generate_ids(ids, n, temperature=0.0)`: a list of ids followed by n generated ones;
/// - `encode(text)`, `decode(ids)` and `generate(text, n, temperature=0.0)`, if the tokenizer has characters, bytes, or byte pairs
///   without the split pattern of o200k and without normalization.
///
/// That of an encoder has `forward(input_ids, attention_mask=None, token_type_ids=None)`, whose result is the logits or, without
/// a head, a tuple of the hidden vectors and the output of the pooler; `encode` and `decode`, which add no ids of a template;
/// and for a classifier the attribute `labels`.
///
/// The code is that of the model's computation graph. The parameters have their names in a checkpoint.
public enum TorchScriptExport {
    /// Writes `model` to a file, which is replaced atomically, after the archive was read back and compared byte by byte.
    ///
    /// - Parameters:
    ///   - model: a model with a computation graph.
    ///   - tokenizer: its tokenizer; nil for an archive that generates ids only.
    ///   - roles: the tokens that begin and end a text; nil for a model that was trained without special tokens.
    ///   - path: the file.
    ///   - progress: called repeatedly with the share of the archive that has been written.
    /// - Returns: whether the archive has the methods for text.
    /// - Throws: why the model cannot be exported to TorchScript, or not be written.
    @discardableResult
    public static func write(
        _ model: any Model, tokenizer: (any Tokenizer)?, roles: TokenRoles? = nil, to path: String,
        progress: (Double) -> Void = { _ in }
    ) throws -> Bool {
        let roles = roles ?? TokenRoles(suppressed: tokenizer?.specialTokenIDs ?? [])
        let archive = try TorchScriptArchive(model, tokenizer: tokenizer, roles: roles, path: path)
        try AtomicFile.replace(at: path) { file in
            try archive.write(to: file, progress: progress)
        } check: { temporary in
            try archive.verify(at: temporary)
        }
        return archive.hasText
    }
}
