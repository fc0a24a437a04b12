import Files
import LanguageModels
import StrictJSON

/// What config.json says a model is: enough to make it, but for its weights.
///
/// For `gpt2` the file is Hugging Face's, key for key; the other rungs of the ladder have a `model_type` of their own.
package enum ModelConfiguration: Equatable {
    case gpt2(TransformerConfiguration)
    case attention(AttentionModel.Configuration)
    case bigram(vocabularySize: Int)
    case ngram(order: Int, vocabularySize: Int)

    package static let fileName = "config.json"

    /// Reads a config.json, naming what it asks for that we do not compute.
    package init(file path: String) throws {
        let fail = { (reason: String) in ModelError(path: path, reason: reason) }
        let json: JSON
        do { json = try JSON(parsing: try TextFile.bytes(path)) } catch let error as JSONError {
            throw fail("not JSON: \(error)")
        }
        let fields = try Fields(json, path)
        switch fields.string("model_type") {
        case "gpt2": self = .gpt2(try Self.transformer(fields))
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
        case let other?: throw fail("a model of type '\(other)'; only gpt2, attention, bigram and ngram are known here")
        case nil: throw fail("it does not name a model_type")
        }
    }

    private static func transformer(_ fields: Fields) throws -> TransformerConfiguration {
        // Variations of GPT-2 that transformers knows and this program does not compute.
        for (key, expected) in [
            ("scale_attn_weights", true), ("scale_attn_by_inverse_layer_idx", false), ("add_cross_attention", false),
        ] {
            guard let value = fields[key]?.boolValue, value != expected else { continue }
            throw fields.failure("it asks for \(key) = \(value), which is not supported")
        }
        let activation: TransformerConfiguration.ActivationFunction
        switch fields.string("activation_function") ?? "gelu_new" {
        case "gelu_new", "gelu_pytorch_tanh": activation = .gelu
        case "relu": activation = .relu
        case let other:
            throw fields.failure(
                "its activation_function is '\(other)'; gelu_new, gelu_pytorch_tanh and relu are known")
        }
        let width = try fields.size("n_embd", limit: 1 << 20)
        let configuration = TransformerConfiguration(
            vocabularySize: try fields.size("vocab_size", limit: 1 << 24),
            contextLength: try fields.size("n_positions", limit: 1 << 24),
            layers: try fields.size("n_layer", limit: 4096), heads: try fields.size("n_head", limit: 1 << 20),
            width: width, innerWidth: try fields.optionalSize("n_inner", limit: 1 << 22), activation: activation,
            layerNormEpsilon: fields["layer_norm_epsilon"]?.doubleValue ?? 1e-5,
            tiesEmbeddings: fields["tie_word_embeddings"]?.boolValue ?? true)
        if let problem = configuration.problem { throw fields.failure(problem) }
        return configuration
    }

    /// The configuration of a model of ours, or nil if it is of a kind without a form on disk.
    package init?(of model: any LanguageModel) {
        switch model {
        case let model as Transformer: self = .gpt2(model.configuration)
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
        case .gpt2(let c):
            fields = [
                ("model_type", "gpt2"), ("architectures", ["GPT2LMHeadModel"]),
                ("activation_function", c.activation == .gelu ? "gelu_new" : "relu"),
                ("attn_pdrop", 0.0), ("embd_pdrop", 0.0), ("resid_pdrop", 0.0), ("initializer_range", 0.02),
                ("layer_norm_epsilon", .double(c.layerNormEpsilon)), ("n_embd", .int(c.width)),
                ("n_head", .int(c.heads)), ("n_inner", c.innerWidth == 4 * c.width ? .null : .int(c.innerWidth)),
                ("n_layer", .int(c.layers)), ("n_positions", .int(c.contextLength)),
                ("tie_word_embeddings", .bool(c.tiesEmbeddings)), ("dtype", .string(dtype)),
            ]
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
        case .gpt2(let c): c.vocabularySize
        case .attention(let c): c.vocabularySize
        case .bigram(let size): size
        case .ngram(_, let size): size
        }
    }

    /// The number of weights, as a measure of the memory that is needed; unknown for counts.
    package var parameterCount: Int? {
        switch self {
        case .gpt2(let c): c.parameterCount
        case .attention(let c): (2 * c.vocabularySize + c.contextLength) * c.width + 4 * c.width * (c.width + 1)
        case .bigram(let size): size * size
        case .ngram: nil
        }
    }
}

/// The members of a JSON object, with errors that name the file and the key.
private struct Fields {
    let object: JSONObject
    let path: String

    init(_ json: JSON, _ path: String) throws {
        guard let object = json.objectValue else {
            throw ModelError(path: path, reason: "it holds \(json.kind), not an object")
        }
        self.object = object
        self.path = path
    }

    /// A member; null is as good as none. (In a closure, `nil` would be the JSON value.)
    subscript(key: String) -> JSON? {
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    func string(_ key: String) -> String? { self[key]?.stringValue }

    func optionalSize(_ key: String, limit: Int) throws -> Int? {
        guard let value = self[key] else { return nil }
        guard let number = value.intValue, number >= 1, number <= limit else {
            throw failure("\(key) is not a whole number between 1 and \(limit)")
        }
        return number
    }

    func size(_ key: String, limit: Int) throws -> Int {
        guard let value = try optionalSize(key, limit: limit) else { throw failure("it does not say \(key)") }
        return value
    }

    func failure(_ reason: String) -> ModelError { ModelError(path: path, reason: reason) }
}
