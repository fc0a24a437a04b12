import Files
import Models
import Tokenizers

/// A model that was read from disk.
public struct SavedModel {
    /// The model.
    public let model: any LanguageModel
    /// The path of its directory, or of the GGUF file.
    public let path: String
    /// Its tokenizer, or why there is none.
    package let tokenizerState: TokenizerState

    /// Its tokenizer.
    /// - Throws: why there is none that can be used, in one line.
    public var tokenizer: any Tokenizer { get throws { try tokenizerState.get() } }
}
