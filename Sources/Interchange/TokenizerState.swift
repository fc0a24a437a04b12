import Files
import Tokenizers

/// The tokenizer of a model that was read. If the tokenizer file is damaged, reading the model throws instead.
package enum TokenizerState: Sendable {
    /// The tokenizer can be used.
    case usable(any Tokenizer)
    /// The model has none, so its input can be ids, but not text.
    case missing(ModelError)
    /// The model has a tokenizer of a kind that is not supported. The model itself is valid.
    case unsupported(TokenizerError)

    /// The tokenizer.
    /// - Throws: why there is none that can be used.
    package func get() throws -> any Tokenizer {
        switch self {
        case .usable(let tokenizer): return tokenizer
        case .missing(let reason): throw reason
        case .unsupported(let reason): throw reason
        }
    }

    /// Reads the tokenizer of a model's directory.
    /// - Parameters:
    ///   - directory: the directory.
    ///   - record: the recorded contents of its tokenizer.json, if there is a record.
    /// - Throws: if the file is damaged, or differs from the record.
    init(directory: String, _ record: DescriptionRecord?) throws {
        let path = "\(directory)/\(TokenizerFile.name)"
        let bytes = try Files.find(path) ? TextFile.bytes(path) : nil
        try record?.verify(TokenizerFile.name, bytes, in: directory)
        guard let bytes else {
            if let files = try TokenizerFile.separateFiles(in: directory) {
                try self.init(files.tokenizer)
                return
            }
            self = .missing(
                ModelError(
                    path: directory,
                    reason:
                        "it has no \(TokenizerFile.name) and can be used with token ids only; add the file to use it with text"
                ))
            return
        }
        try self.init { () throws(TokenizerError) in try TokenizerFile.tokenizer(from: bytes, file: path) }
    }

    /// Reads a tokenizer, whose kind may be unsupported.
    init(_ read: () throws(TokenizerError) -> any Tokenizer) throws(TokenizerError) {
        do { self = .usable(try read()) } catch {
            guard case .unsupported = error else { throw error }
            self = .unsupported(error)
        }
    }
}
