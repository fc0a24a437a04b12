import ChatTemplates
import Inference
import Interchange
import Models
import Tensors
import Tokenizers

/// A model that the server computes with.
public struct ServedModel: Sendable {
    /// The name of the model in requests.
    public let id: String
    /// The path of its directory, or of the GGUF file.
    public let path: String
    let kind: Kind
    let summary: ModelFacts

    /// What the model does.
    enum Kind: Sendable {
        /// It continues texts.
        case language(ServedLanguageModel)
        /// It has a vector for each text, and perhaps probabilities of labels.
        case encoder(ServedEncoder)
        /// It translates texts.
        case translator(ServedTranslator)
    }

    /// Reads a model.
    /// - Parameters:
    ///   - id: the name of the model in requests.
    ///   - path: the path of its directory, or of a GGUF file.
    ///   - limits: how many texts are generated at the same time, and how many may wait.
    ///   - execution: how everything is computed.
    ///   - acceptingEdits: whether files beside the weights may have been edited since the model was saved.
    /// - Throws: one line: what is wrong with the model, or that a thread cannot be started.
    public init(
        id: String, path: String, limits: EngineLimits = EngineLimits(), execution: Execution = .current,
        acceptingEdits: Bool = false
    ) throws {
        let saved = try ModelDirectory.load(path, acceptingEdits: acceptingEdits)
        try self.init(id: id, path: path, saved, limits: limits, execution: execution)
    }

    /// Takes over a model that was read.
    init(
        id: String, path: String, _ saved: sending SavedModel, limits: EngineLimits, execution: Execution
    ) throws {
        self.id = id
        self.path = path
        summary = ModelFacts(saved.model)
        let tokenizer = try saved.tokenizer
        switch saved.model.form {
        case .neural, .counted, .other:
            let chat = Result { try ChatForm(saved.description, tokenizer) }
            kind = .language(
                ServedLanguageModel(
                    id: id,
                    engine: try InferenceEngine(
                        saved.languageModel, tokenizer: tokenizer, roles: saved.description.roles, limits: limits,
                        execution: execution), chat: chat))
        case .encoder:
            let labels = saved.model.encoder?.configuration.labels ?? []
            let parts = ServedEncoder.Parts(
                embedder: try TextEmbedder(saved), classifier: labels.isEmpty ? nil : try TextClassifier(saved),
                inspector: ModelInspector(try Explainer(saved)))
            kind = .encoder(
                ServedEncoder(
                    labels: labels, tokenizer: tokenizer, model: try SharedModel(parts, execution: execution)))
        case .encoderDecoder:
            kind = .translator(
                ServedTranslator(
                    tokenizer: tokenizer,
                    model: try SharedModel(
                        ServedTranslator.Parts(
                            translator: try Translator(saved), inspector: ModelInspector(try Explainer(saved))),
                        execution: execution)))
        }
    }

    /// The tokenizer of the model.
    var tokenizer: any Tokenizer {
        switch kind {
        case .language(let model): model.engine.tokenizer
        case .encoder(let model): model.tokenizer
        case .translator(let model): model.tokenizer
        }
    }
}

/// A language model, which several requests share.
struct ServedLanguageModel: Sendable {
    let id: String
    let engine: InferenceEngine
    /// How conversations become prompts; nil if the model has no chat template, or why its template cannot be used.
    let chat: Result<ChatForm?, any Error>
}

/// An encoder, which computes one request after another.
struct ServedEncoder: Sendable {
    struct Parts {
        let embedder: TextEmbedder
        /// nil for a model without labels.
        let classifier: TextClassifier?
        let inspector: ModelInspector
    }

    let labels: [String]
    let tokenizer: any Tokenizer
    let model: SharedModel<Parts>
}

/// An encoder-decoder, which computes one request after another.
struct ServedTranslator: Sendable {
    struct Parts {
        let translator: Translator
        let inspector: ModelInspector
    }

    let tokenizer: any Tokenizer
    let model: SharedModel<Parts>
}

/// The properties of a model that the API reports.
struct ModelFacts: Sendable {
    let vocabularySize: Int
    let contextLength: Int?
    let parameterCount: Int
    /// The bytes of the weights.
    let size: Int
    /// The number of layers and heads, and the length of the vectors: 0 for a model of counts.
    var layers = 0, heads = 0, width = 0

    init(_ model: any Model) {
        vocabularySize = model.vocabularySize
        contextLength = model.contextLength
        parameterCount = model.parameterCount
        size = ModelSummary(model).weightBytes
        switch model.specification {
        case .transformer(let c): (layers, heads, width) = (c.layers, c.heads, c.width)
        case .attention(let c): (layers, heads, width) = (1, 1, c.width)
        case .encoder(let c): (layers, heads, width) = (c.layers, c.heads, c.width)
        case .encoderDecoder(let c): (layers, heads, width) = (c.decoder.layers, c.decoder.heads, c.width)
        case .ngram, .bigram, nil: break
        }
    }
}

extension ChatForm {
    /// - Throws: `ChatTemplateError` if the template of the model cannot be read.
    init?(_ description: ModelDescription, _ tokenizer: any Tokenizer) throws {
        guard let source = description.chatTemplate else { return nil }
        template = try ChatTemplate(source)
        variables = description.tokenTexts(tokenizer)
    }
}
