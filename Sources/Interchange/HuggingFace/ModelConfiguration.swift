import Files
import Models
import StrictJSON

/// What config.json says a model is: enough to make it, but for its weights.
///
/// For `gpt2`, `llama` and `qwen3` the file is Hugging Face's, key for key; transformers that are none of these, and the
/// other rungs of the ladder, have a `model_type` of their own.
package enum ModelConfiguration: Equatable {
    case transformer(TransformerConfiguration)
    case attention(AttentionModel.Configuration)
    case bigram(vocabularySize: Int)
    case ngram(order: Int, vocabularySize: Int)

    package static let fileName = "config.json"

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
        case TransformerConfiguration.ownType: self = .transformer(try TransformerConfiguration(own: fields))
        case "attention":
            self = .attention(
                AttentionModel.Configuration(
                    vocabularySize: try fields.size("vocab_size", limit: 1 << 24),
                    contextLength: try fields.size("n_positions", limit: 1 << 24),
                    width: try fields.size("n_embd", limit: 1 << 20)))
        case "bigram": self = .bigram(vocabularySize: try fields.size("vocab_size", limit: 1 << 20))
        case "ngram":
            self = .ngram(
                order: try fields.size("order", limit: NGramModel.maximumOrder),
                vocabularySize: try fields.size("vocab_size", limit: 1 << 24))
        default:
            let known =
                TransformerConfiguration.Family.allCases.map(\.rawValue)
                + [TransformerConfiguration.ownType, "attention", "bigram"]
            throw fields.failure(
                "a model of type \(quoted(type)); only \(known.joined(separator: ", ")) and ngram are supported")
        }
    }

    /// The configuration of a model of ours, or nil if it is of a kind without a form on disk.
    package init?(of model: any LanguageModel) {
        switch model {
        case let model as Transformer: self = .transformer(model.configuration)
        case let model as AttentionModel: self = .attention(model.configuration)
        case let model as BigramModel: self = .bigram(vocabularySize: model.vocabularySize)
        case let model as NGramModel: self = .ngram(order: model.order, vocabularySize: model.vocabularySize)
        default: return nil
        }
    }

    /// The contents of config.json.
    /// - Parameters:
    ///   - endOfText: the id of `<|endoftext|>`. Where it is left out, transformers 4 assumes 50256.
    ///   - dtype: transformers' name for the numbers of the weights.
    package func json(endOfText: Int32?, dtype: String = "float32") -> JSON {
        let end = endOfText.map { JSON.int(Int($0)) } ?? .null
        var fields: [(String, JSON)]
        switch self {
        case .transformer(let c): fields = c.json(dtype: dtype)
        case .attention(let c):
            fields = [
                ("model_type", "attention"), ("n_embd", .int(c.width)), ("n_positions", .int(c.contextLength)),
            ]
        case .bigram: fields = [("model_type", "bigram")]
        case .ngram(let order, _): fields = [("model_type", "ngram"), ("order", .int(order))]
        }
        fields += [("vocab_size", .int(vocabularySize)), ("bos_token_id", end), ("eos_token_id", end)]
        return .object(JSONObject(fields))
    }

    package var vocabularySize: Int {
        switch self {
        case .transformer(let c): c.vocabularySize
        case .attention(let c): c.vocabularySize
        case .bigram(let size): size
        case .ngram(_, let size): size
        }
    }

    /// The number of weights, as a measure of the memory that is needed; unknown for counts.
    package var parameterCount: Int? {
        switch self {
        case .transformer(let c): c.parameterCount
        case .attention(let c): (2 * c.vocabularySize + c.contextLength) * c.width + 4 * c.width * (c.width + 1)
        case .bigram(let size): size * size
        case .ngram: nil
        }
    }
}
