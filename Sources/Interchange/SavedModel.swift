import Files
import Models
import Tokenizers

/// A model that was read from disk.
public struct SavedModel {
    /// The model: a language model, an encoder or an encoder-decoder.
    public let model: any Model
    /// The path of its directory, or of the GGUF file.
    public let path: String
    /// Its tokenizer, or why there is none.
    package let tokenizerState: TokenizerState
    /// What its files say beside the weights: which tokens begin and end a text, for example.
    public let description: ModelDescription

    /// Its tokenizer.
    /// - Throws: why there is none that can be used, in one line.
    public var tokenizer: any Tokenizer { get throws { try tokenizerState.get() } }

    /// The model, if it is a language model.
    /// - Throws: that it is none, in one line.
    public var languageModel: any LanguageModel {
        get throws {
            switch model.form {
            case .neural(let model): return model
            case .counted(let model): return model
            case .encoder, .encoderDecoder, .other:
                throw ModelError(
                    path: path,
                    reason:
                        "it is a model of type \(quoted(model.modelType)), which is not a language model and cannot continue a text"
                )
            }
        }
    }

    /// - Throws: if the tokenizer has more tokens than the model. A model may have more rows than its tokenizer has tokens, since
    ///   others round the number up; rows without a token are never generated.
    init(model: any Model, path: String, tokenizerState: TokenizerState, description: ModelDescription) throws {
        if case .usable(let tokenizer) = tokenizerState, tokenizer.vocabularySize > model.vocabularySize {
            throw ModelError(
                path: path,
                reason:
                    "its tokenizer has \(tokenizer.vocabularySize) tokens, more than the \(model.vocabularySize) of its model: "
                    + "they do not match; restore the model's own tokenizer")
        }
        self.model = model
        self.path = path
        self.tokenizerState = tokenizerState
        self.description = description
    }
}
