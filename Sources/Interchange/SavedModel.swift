import Files
import Models
import Tokenizers

/// A model that was read from disk.
public struct SavedModel {
    public let model: any LanguageModel
    /// The directory, or the GGUF file.
    public let path: String
    /// What turns text into the model's ids, if there is anything.
    package let tokenizerState: TokenizerState

    /// What turns text into its ids; throws why there is none that can be used.
    public var tokenizer: any Tokenizer { get throws { try tokenizerState.get() } }
}

/// The tokenizer of a model that was read. One that is there and broken is none of these: the model is not read then.
package enum TokenizerState: Sendable {
    case usable(any Tokenizer)
    /// The model has none, so it can take ids but no text.
    case missing(ModelError)
    /// The model has one of a kind that this program does not know. There is nothing wrong with the model.
    case unsupported(TokenizerError)

    /// The tokenizer; throws why there is none that can be used.
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
    ///   - record: what its tokenizer.json has to say, if that is known.
    /// - Throws: where the file is broken, or is not what was recorded.
    init(directory: String, _ record: DescriptionRecord?) throws {
        let path = "\(directory)/\(TokenizerFile.name)"
        let bytes = try Files.find(path) ? TextFile.bytes(path) : nil
        try record?.verify(TokenizerFile.name, bytes, in: directory)
        guard let bytes else {
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

    /// Reads a tokenizer that may be of a kind that is not supported.
    init(_ read: () throws(TokenizerError) -> any Tokenizer) throws(TokenizerError) {
        do { self = .usable(try read()) } catch {
            guard case .unsupported = error else { throw error }
            self = .unsupported(error)
        }
    }
}
