import Layers
import Models
import StrictJSON

/// config.json of an encoder-decoder: that of Marian in Hugging Face's transformers, key for key.
extension EncoderDecoderConfiguration {
    static let modelType = "marian"

    /// Reads a config.json.
    /// - Throws: the member that requires something that is not supported.
    init(_ fields: ConfigurationFields) throws {
        try fields.require([
            ("is_encoder_decoder", true), ("share_encoder_decoder_embeddings", true), ("tie_word_embeddings", true),
            ("add_final_layer_norm", false), ("normalize_before", false), ("normalize_embedding", false),
            ("add_bias_logits", false), ("extra_pos_embeddings", false),
        ])
        if let architecture = try fields.optionalStrings("architectures")?.first, architecture != "MarianMTModel" {
            throw fields.failure("its architecture is \(quoted(architecture)); only MarianMTModel is supported")
        }
        func side(_ name: String) throws -> Side {
            Side(
                layers: try fields.size("\(name)_layers", limit: 4096),
                heads: try fields.size("\(name)_attention_heads", limit: 1 << 20),
                feedForwardWidth: try fields.size("\(name)_ffn_dim", limit: 1 << 22))
        }
        let vocabularySize = try fields.size("vocab_size", limit: 1 << 24)
        if let size = try fields.optionalSize("decoder_vocab_size", limit: 1 << 24), size != vocabularySize {
            throw fields.failure(
                "decoder_vocab_size = \(size) is not vocab_size = \(vocabularySize), which is not supported")
        }
        func token(_ key: String) throws -> Int32 {
            guard let id = try fields.tokenIDs(key).first else { throw fields.failure("\(key) is missing") }
            return id
        }
        self.init(
            vocabularySize: vocabularySize,
            contextLength: try fields.size("max_position_embeddings", limit: 1 << 24),
            width: try fields.size("d_model", limit: 1 << 20), encoder: try side("encoder"),
            decoder: try side("decoder"),
            feedForward: try fields.feedForward("activation_function", default: "gelu"),
            scalesEmbeddings: try fields.bool("scale_embedding") ?? false,
            startToken: try token("decoder_start_token_id"), endToken: try token("eos_token_id"),
            paddingToken: try fields.tokenIDs("pad_token_id").first)
        if let problem { throw fields.failure(problem) }
    }

    /// The members of generation_config.json: the search for the best target. Other programs read the tokens there, and how
    /// long a target can be: the last token, which ends it, has no position.
    var generation: [(String, JSON)] {
        [
            ("decoder_start_token_id", .int(Int(startToken))), ("eos_token_id", .int(Int(endToken))),
            ("forced_eos_token_id", .int(Int(endToken))), ("max_new_tokens", .int(contextLength)),
        ]
            // The padding token begins a target, and is in none.
            + (paddingToken.map { [("pad_token_id", .int(Int($0))), ("bad_words_ids", [[.int(Int($0))]])] } ?? [])
    }

    /// The members of config.json, but for the vocabulary.
    /// - Parameter dtype: transformers' name for the number format of the weights.
    func json(dtype: String) -> [(String, JSON)] {
        return [
            ("model_type", .string(Self.modelType)), ("architectures", ["MarianMTModel"]), ("is_encoder_decoder", true),
            ("activation_function", .string(feedForward.activationName)), ("d_model", .int(width)),
            ("encoder_layers", .int(encoder.layers)), ("decoder_layers", .int(decoder.layers)),
            ("encoder_attention_heads", .int(encoder.heads)), ("decoder_attention_heads", .int(decoder.heads)),
            ("encoder_ffn_dim", .int(encoder.feedForwardWidth)), ("decoder_ffn_dim", .int(decoder.feedForwardWidth)),
            ("max_position_embeddings", .int(contextLength)), ("scale_embedding", .bool(scalesEmbeddings)),
            ("share_encoder_decoder_embeddings", true), ("decoder_vocab_size", .int(vocabularySize)),
            ("decoder_start_token_id", .int(Int(startToken))), ("eos_token_id", .int(Int(endToken))),
            ("forced_eos_token_id", .int(Int(endToken))), ("pad_token_id", paddingToken.map { .int(Int($0)) } ?? .null),
            ("dropout", 0.0), ("attention_dropout", 0.0), ("activation_dropout", 0.0), ("init_std", 0.02),
            ("tie_word_embeddings", true), ("dtype", .string(dtype)),
        ]
    }
}
