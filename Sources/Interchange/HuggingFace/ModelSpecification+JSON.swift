import Files
import Models
import StrictJSON

// A specification as config.json.
//
// For `gpt2`, `llama` and `qwen3` the file is Hugging Face's, key for key; other transformers, and the other kinds of model,
// have a `model_type` of their own.
extension ModelSpecification {
    package static let configurationFile = "config.json"

    /// Reads a config.json, naming what it asks for that we do not compute.
    package init(file path: String) throws {
        do { try self.init(try JSON(parsing: try TextFile.bytes(path)), file: path) } catch let error as JSONError {
            throw ModelError(path: path, reason: "not JSON: \(error)")
        }
    }

    /// Reads the contents of a config.json; `path` is what errors call the file.
    package init(_ json: JSON, file path: String) throws {
        let fields = try ConfigurationFields(json, path)
        try fields.requireTypesOfOthers()
        guard let type = try fields.string("model_type") else { throw fields.failure("model_type is missing") }
        if let family = TransformerConfiguration.Family(rawValue: type) {
            self = .transformer(try TransformerConfiguration(family: family, fields))
            return
        }
        switch type {
        case TransformerConfiguration.customType: self = .transformer(try TransformerConfiguration(custom: fields))
        case EncoderConfiguration.modelType: self = .encoder(try EncoderConfiguration(fields))
        case EncoderDecoderConfiguration.modelType:
            self = .encoderDecoder(try EncoderDecoderConfiguration(fields))
        case "attention":
            self = .attention(
                AttentionModel.Configuration(
                    vocabularySize: try fields.size("vocab_size", limit: 1 << 24),
                    contextLength: try fields.size("n_positions", limit: 1 << 24),
                    width: try fields.size("n_embd", limit: 1 << 20)))
        case "bigram":
            self = .bigram(.init(vocabularySize: try fields.size("vocab_size", limit: 1 << 20)))
        case "ngram":
            self = .ngram(
                .init(
                    order: try fields.size("order", limit: NGramModel.maximumOrder),
                    vocabularySize: try fields.size("vocab_size", limit: 1 << 24)))
        default:
            let known =
                TransformerConfiguration.Family.allCases.map(\.rawValue)
                + [
                    TransformerConfiguration.customType, EncoderConfiguration.modelType,
                    EncoderDecoderConfiguration.modelType, "attention", "bigram",
                ]
            throw fields.failure(
                "a model of type \(quoted(type)); only \(known.joined(separator: ", ")) and ngram are supported")
        }
    }

    /// The class of transformers that reads the model with its head.
    package var transformersClass: String {
        switch self {
        case .encoder(let configuration):
            switch configuration.head {
            case .none: "AutoModel"
            case .classifier: "AutoModelForSequenceClassification"
            case .maskedTokens: "AutoModelForMaskedLM"
            }
        case .encoderDecoder: "AutoModelForSeq2SeqLM"
        case .ngram, .bigram, .attention, .transformer: "AutoModelForCausalLM"
        }
    }

    /// The inputs that a tokenizer makes for the model in transformers, where its versions assume others; else nil.
    var inputNames: [String]? {
        switch self {
        case .encoder: ["input_ids", "token_type_ids", "attention_mask"]
        case .encoderDecoder: ["input_ids", "attention_mask"]
        case .ngram, .bigram, .attention, .transformer: nil
        }
    }

    /// The members of config.json that describe the model. `ModelDescription` adds the others.
    /// - Parameter dtype: transformers' name for the number format of the weights.
    package func json(dtype: String = "float32") -> JSONObject {
        var fields: [(String, JSON)]
        switch self {
        case .transformer(let c): fields = c.json(dtype: dtype)
        case .encoder(let c): fields = c.json(dtype: dtype)
        case .encoderDecoder(let c): fields = c.json(dtype: dtype)
        case .attention(let c):
            fields = [
                ("model_type", "attention"), ("n_embd", .int(c.width)), ("n_positions", .int(c.contextLength)),
            ]
        case .bigram: fields = [("model_type", "bigram")]
        case .ngram(let c): fields = [("model_type", "ngram"), ("order", .int(c.order))]
        }
        fields.append(("vocab_size", .int(vocabularySize)))
        return JSONObject(fields)
    }
}
