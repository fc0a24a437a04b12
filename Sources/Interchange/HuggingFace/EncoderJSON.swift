import Layers
import Models
import StrictJSON

/// config.json of an encoder: that of BERT in Hugging Face's transformers, key for key.
extension EncoderConfiguration {
    static let modelType = "bert"

    /// The classes of transformers that can be read.
    private static let classes = ["BertModel", "BertForSequenceClassification", "BertForMaskedLM"]

    /// Reads a config.json.
    /// - Throws: the member that requires something that is not supported.
    init(_ fields: ConfigurationFields) throws {
        try fields.require([
            ("is_decoder", false), ("add_cross_attention", false), ("tie_word_embeddings", true),
        ])
        if let positions = try fields.string("position_embedding_type"), positions != "absolute" {
            throw fields.failure("its position_embedding_type is \(quoted(positions)); only absolute is supported")
        }
        let head: Head
        switch try fields.optionalStrings("architectures")?.first {
        case nil, "BertModel": head = .none(hasPooler: true)
        case "BertForSequenceClassification": head = .classifier(labels: try Self.labels(fields))
        case "BertForMaskedLM": head = .maskedTokens
        case let other?:
            throw fields.failure(
                "its architecture is \(quoted(other)); \(Self.classes.joined(separator: ", ")) are supported")
        }
        self.init(
            vocabularySize: try fields.size("vocab_size", limit: 1 << 24),
            contextLength: try fields.size("max_position_embeddings", limit: 1 << 24),
            tokenTypes: try fields.optionalSize("type_vocab_size", limit: 1 << 10) ?? 2,
            layers: try fields.size("num_hidden_layers", limit: 4096),
            heads: try fields.size("num_attention_heads", limit: 1 << 20),
            width: try fields.size("hidden_size", limit: 1 << 20),
            feedForwardWidth: try fields.size("intermediate_size", limit: 1 << 22),
            feedForward: try fields.feedForward("hidden_act", default: "gelu"),
            normEpsilon: try fields.positive("layer_norm_eps") ?? 1e-12, head: head)
        if let problem { throw fields.failure(problem) }
    }

    /// The names of the labels: `id2label`, or as transformers names those of `num_labels`.
    private static func labels(_ fields: ConfigurationFields) throws -> [String] {
        // Without a type, each text has one of the labels. Other types have other losses.
        if let type = try fields.optionalString("problem_type"),
            type != "single_label_classification"
        {
            throw fields.failure("its problem_type is \(quoted(type)); only single_label_classification is supported")
        }
        guard let names = try fields.optionalObject("id2label") else {
            return (0..<(try fields.optionalSize("num_labels", limit: 1 << 20) ?? 2)).map { "LABEL_\($0)" }
        }
        return try (0..<names.count).map { number in
            guard let name = try names.string("\(number)") else {
                throw fields.failure("id2label does not name the labels 0 to \(names.count - 1)")
            }
            return name
        }
    }

    /// The members of config.json, but for the vocabulary.
    /// - Parameter dtype: transformers' name for the number format of the weights.
    func json(dtype: String) -> [(String, JSON)] {
        let architecture =
            switch head {
            case .none: "BertModel"
            case .classifier: "BertForSequenceClassification"
            case .maskedTokens: "BertForMaskedLM"
            }
        var members: [(String, JSON)] = [
            ("model_type", .string(Self.modelType)), ("architectures", [.string(architecture)]),
            ("hidden_act", .string(feedForward.activationName)), ("hidden_size", .int(width)),
            ("num_hidden_layers", .int(layers)), ("num_attention_heads", .int(heads)),
            ("intermediate_size", .int(feedForwardWidth)), ("max_position_embeddings", .int(contextLength)),
            ("type_vocab_size", .int(tokenTypes)), ("layer_norm_eps", .double(normEpsilon)),
            ("hidden_dropout_prob", 0.0), ("attention_probs_dropout_prob", 0.0), ("initializer_range", 0.02),
            ("tie_word_embeddings", true), ("dtype", .string(dtype)),
        ]
        if case .classifier(let labels) = head {
            members += [
                ("id2label", .object(JSONObject(labels.enumerated().map { ("\($0)", .string($1)) }))),
                ("label2id", .object(JSONObject(labels.enumerated().map { ($1, .int($0)) }))),
                ("problem_type", "single_label_classification"),
            ]
        }
        return members
    }
}
