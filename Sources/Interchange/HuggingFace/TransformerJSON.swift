import Layers
import Models
import StrictJSON

/// config.json of a transformer: Hugging Face's, key for key, where the model is of a family, and for other combinations of
/// options one with keys of its own, under a `model_type` that nobody takes for something else.
extension TransformerConfiguration {
    /// Reads what a family's config.json says, naming what it asks for that is not computed here.
    init(family: Family, _ fields: ConfigurationFields) throws {
        switch family {
        case .gpt2: self = try Self.gpt2(fields)
        case .llama, .qwen3: self = try Self.llama(family, fields)
        }
        if let problem { throw fields.failure(problem) }
        if self.family != family {
            throw fields.failure("it does not describe a model of the \(family.rawValue) family")
        }
    }

    /// The members of config.json, but for the vocabulary.
    /// - Parameter dtype: transformers' name for the numbers of the weights.
    func json(dtype: String) -> [(String, JSON)] {
        let options =
            switch family {
            case .gpt2: gpt2JSON
            case .llama, .qwen3: llamaJSON
            case nil: ownJSON
            }
        return options + [("tie_word_embeddings", .bool(tiesEmbeddings)), ("dtype", .string(dtype))]
    }

    // MARK: - GPT-2

    private static func gpt2(_ fields: ConfigurationFields) throws -> TransformerConfiguration {
        // Variations of GPT-2 that transformers knows and this program does not compute.
        try fields.require([
            ("scale_attn_weights", true), ("scale_attn_by_inverse_layer_idx", false), ("add_cross_attention", false),
        ])
        let feedForward = try fields.feedForward(
            "activation_function", default: "gelu_new", among: [.gelu, .relu])
        let width = try fields.size("n_embd", limit: 1 << 20)
        return TransformerConfiguration(
            vocabularySize: try fields.size("vocab_size", limit: 1 << 24),
            contextLength: try fields.size("n_positions", limit: 1 << 24),
            layers: try fields.size("n_layer", limit: 4096), heads: try fields.size("n_head", limit: 1 << 20),
            width: width, feedForwardWidth: try fields.optionalSize("n_inner", limit: 1 << 22),
            normEpsilon: try fields.positive("layer_norm_epsilon") ?? 1e-5, feedForward: feedForward,
            tiesEmbeddings: try fields.bool("tie_word_embeddings") ?? true)
    }

    private var gpt2JSON: [(String, JSON)] {
        [
            ("model_type", "gpt2"), ("architectures", ["GPT2LMHeadModel"]),
            ("activation_function", .string(feedForward.activationName)),
            ("attn_pdrop", 0.0), ("embd_pdrop", 0.0), ("resid_pdrop", 0.0), ("initializer_range", 0.02),
            ("layer_norm_epsilon", .double(normEpsilon)), ("n_embd", .int(width)),
            ("n_head", .int(heads)), ("n_inner", feedForwardWidth == 4 * width ? .null : .int(feedForwardWidth)),
            ("n_layer", .int(layers)), ("n_positions", .int(contextLength)),
        ]
    }

    // MARK: - Llama and Qwen3

    private static func llama(_ family: Family, _ fields: ConfigurationFields) throws -> TransformerConfiguration {
        try fields.require([("use_sliding_window", false)])
        for kind in try fields.optionalStrings("layer_types") ?? [] where kind != "full_attention" {
            throw fields.failure("its layer_types contain \(quoted(kind)), which is not supported")
        }
        if let activation = try fields.string("hidden_act"), activation != "silu" {
            throw fields.failure("its hidden_act is \(quoted(activation)); only silu is supported")
        }
        var biases: Biases = []
        if try fields.bool("attention_bias") == true { biases.formUnion([.attentionInput, .attentionOutput]) }
        if family == .llama, try fields.bool("mlp_bias") == true { biases.insert(.feedForward) }
        // The defaults are those of transformers. For Qwen3 they are numbers, and null means that a size follows from others.
        let isQwen3 = family == .qwen3
        let headSize = try fields.optionalSize("head_dim", limit: 1 << 20) ?? (isQwen3 ? 128 : nil)
        let keyValueHeads =
            try fields.optionalSize("num_key_value_heads", limit: 1 << 20)
            ?? (isQwen3 && !fields.contains("num_key_value_heads") ? 32 : nil)
        return TransformerConfiguration(
            vocabularySize: try fields.size("vocab_size", limit: 1 << 24),
            contextLength: try fields.size("max_position_embeddings", limit: 1 << 24),
            layers: try fields.size("num_hidden_layers", limit: 4096),
            heads: try fields.size("num_attention_heads", limit: 1 << 20),
            width: try fields.size("hidden_size", limit: 1 << 20),
            keyValueHeads: keyValueHeads, headSize: headSize,
            feedForwardWidth: try fields.size("intermediate_size", limit: 1 << 22), normalization: .rmsNorm,
            normEpsilon: try fields.positive("rms_norm_eps") ?? 1e-6,
            positions: .rotary(try RotaryFrequencies(fields, defaultBase: 10_000)), feedForward: .swiglu,
            usesQKNorm: isQwen3, biases: biases,
            tiesEmbeddings: try fields.bool("tie_word_embeddings") ?? false)
    }

    private var llamaJSON: [(String, JSON)] {
        let isQwen3 = family == .qwen3
        var fields: [(String, JSON)] = [
            ("model_type", isQwen3 ? "qwen3" : "llama"),
            ("architectures", [isQwen3 ? "Qwen3ForCausalLM" : "LlamaForCausalLM"]),
            ("attention_bias", .bool(biases.contains(.attentionInput))), ("attention_dropout", 0.0),
        ]
        if !isQwen3 { fields.append(("mlp_bias", .bool(biases.contains(.feedForward)))) }
        return fields + sizes + [
            ("hidden_act", "silu"), ("initializer_range", 0.02), ("rms_norm_eps", .double(normEpsilon)),
            ("use_cache", true), ("pad_token_id", .null),
        ] + positionsJSON
    }

    private var sizes: [(String, JSON)] {
        [
            ("head_dim", .int(headSize)), ("hidden_size", .int(width)), ("intermediate_size", .int(feedForwardWidth)),
            ("max_position_embeddings", .int(contextLength)), ("num_attention_heads", .int(heads)),
            ("num_hidden_layers", .int(layers)), ("num_key_value_heads", .int(keyValueHeads)),
        ]
    }

    /// Rotary positions, as transformers 5 has them and as it was before.
    private var positionsJSON: [(String, JSON)] {
        guard case .rotary(let frequencies) = positions else { return [] }
        let scaling = frequencies.scalingJSON(contextLength: contextLength)
        let theta = JSON.double(frequencies.base)
        return [
            ("rope_theta", theta),
            ("rope_scaling", frequencies.scaling == nil ? .null : .object(JSONObject(scaling))),
            ("rope_parameters", .object(JSONObject(scaling + [("rope_theta", theta)]))),
        ]
    }

    // MARK: - Others

    /// Reads a config.json of that type. It is written by this program alone, so no key that decides results has a default.
    init(custom fields: ConfigurationFields) throws {
        func bool(_ key: String) throws -> Bool {
            guard let value = try fields.bool(key) else { throw fields.failure("\(key) is missing") }
            return value
        }
        func option<Option: RawRepresentable & CaseIterable>(
            _ key: String, _ type: Option.Type
        ) throws -> Option where Option.RawValue == String {
            if let value = try fields.string(key).flatMap(Option.init) { return value }
            let known = Option.allCases.map(\.rawValue).joined(separator: ", ")
            throw fields.failure("its \(key) is missing or not one of \(known)")
        }
        let kind = try option("positions", Positions.Kind.self)
        let positions = kind == .rotary ? .rotary(try RotaryFrequencies(fields, defaultBase: nil)) : Positions(kind)
        var biases: Biases = []
        for (key, part) in Self.biasKeys where try bool(key) { biases.insert(part) }
        self.init(
            vocabularySize: try fields.size("vocab_size", limit: 1 << 24),
            contextLength: try fields.size("max_position_embeddings", limit: 1 << 24),
            layers: try fields.size("num_hidden_layers", limit: 4096),
            heads: try fields.size("num_attention_heads", limit: 1 << 20),
            width: try fields.size("hidden_size", limit: 1 << 20),
            keyValueHeads: try fields.size("num_key_value_heads", limit: 1 << 20),
            headSize: try fields.size("head_dim", limit: 1 << 20),
            feedForwardWidth: try fields.size("intermediate_size", limit: 1 << 22),
            normalization: try option("normalization", Normalization.self),
            normEpsilon: try fields.requiredPositive("norm_epsilon"), positions: positions,
            feedForward: try option("feed_forward", FeedForwardKind.self),
            usesQKNorm: try bool("qk_norm"), biases: biases,
            tiesEmbeddings: try bool("tie_word_embeddings"))
        if let problem { throw fields.failure(problem) }
        if let family {
            throw fields.failure("its options are those of \(family.rawValue): set model_type to \(family.rawValue)")
        }
    }

    private static let biasKeys: [(String, Biases)] = [
        ("attention_input_bias", .attentionInput), ("attention_output_bias", .attentionOutput),
        ("feed_forward_bias", .feedForward),
    ]

    private var ownJSON: [(String, JSON)] {
        [
            ("model_type", JSON.string(Self.customType)), ("normalization", .string(normalization.rawValue)),
            ("norm_epsilon", .double(normEpsilon)), ("feed_forward", .string(feedForward.rawValue)),
            ("positions", .string(positions.kind.rawValue)), ("qk_norm", .bool(usesQKNorm)),
        ] + Self.biasKeys.map { ($0, .bool(biases.contains($1))) } + sizes + positionsJSON
    }
}

extension RotaryFrequencies {
    /// Reads `rope_parameters`, or the `rope_theta` and `rope_scaling` of before. Where a file says both, versions of
    /// transformers differ in which they read, so the two must agree.
    /// - Parameter defaultBase: the base where the file has none; nil where it must have one.
    fileprivate init(_ fields: ConfigurationFields, defaultBase: Double?) throws {
        let current = try fields.optionalObject("rope_parameters"), former = try fields.optionalObject("rope_scaling")
        func kind(_ parameters: ConfigurationFields) throws -> String {
            try parameters.string("rope_type") ?? parameters.string("type") ?? "default"
        }
        for parameters in [current, former] {
            if let contradiction = parameters?.contradiction(with: fields, keys: ["rope_theta"]) {
                throw fields.failure(contradiction)
            }
        }
        if let current, let former {
            if let contradiction = current.contradiction(with: former) { throw fields.failure(contradiction) }
            guard try kind(current) == kind(former) else {
                throw fields.failure("rope_parameters and rope_scaling have different types of scaling")
            }
        }
        let parameters = current ?? former
        for place in [parameters, fields] {
            if let share = try place?.optionalNumber("partial_rotary_factor"), share != 1 {
                throw fields.failure("partial_rotary_factor = \(share) is not supported")
            }
        }
        guard let base = try parameters?.positive("rope_theta") ?? fields.positive("rope_theta") ?? defaultBase else {
            throw fields.failure("rope_theta is missing")
        }
        self.init(base: base)
        guard let parameters else { return }
        switch try kind(parameters) {
        case "default": break
        case "linear": scaling = .linear(factor: try parameters.requiredPositive("factor"))
        case "llama3":
            let context = try parameters.size("original_max_position_embeddings", limit: 1 << 24)
            scaling = .llama3(
                factor: try parameters.requiredPositive("factor"),
                lowFrequencyFactor: try parameters.requiredPositive("low_freq_factor"),
                highFrequencyFactor: try parameters.requiredPositive("high_freq_factor"), originalContext: context)
        case "longrope": scaling = .divisors(try Self.divisors(parameters))
        case let other:
            throw fields.failure(
                "the rotary scaling \(quoted(other)) is not supported; default, linear and llama3 are, and longrope with "
                    + "equal factors")
        }
    }

    /// The divisors of `longrope`, if they are the same for short and long texts, and attention is not scaled.
    private static func divisors(_ parameters: ConfigurationFields) throws -> [Float] {
        let short = try parameters.numbers("short_factor"), long = try parameters.numbers("long_factor")
        guard short == long else {
            throw parameters.failure(
                "the rotary scaling longrope with a short_factor that is not its long_factor is not supported")
        }
        guard try parameters.optionalNumber("attention_factor") == 1 else {
            throw parameters.failure("the rotary scaling longrope without attention_factor = 1 is not supported")
        }
        return short.map { Float($0) }
    }

    /// The members that say how frequencies are scaled.
    /// - Parameter contextLength: the context of the model.
    fileprivate func scalingJSON(contextLength: Int) -> [(String, JSON)] {
        switch scaling {
        case nil: [("rope_type", "default")]
        case .linear(let factor): [("rope_type", "linear"), ("factor", .double(factor))]
        case .llama3(let factor, let low, let high, let context):
            [
                ("rope_type", "llama3"), ("factor", .double(factor)), ("low_freq_factor", .double(low)),
                ("high_freq_factor", .double(high)), ("original_max_position_embeddings", .int(context)),
            ]
        case .divisors(let divisors):
            [
                ("rope_type", "longrope"), ("factor", 1.0), ("attention_factor", 1.0),
                ("short_factor", .array(divisors.map { .double(Double($0)) })),
                ("long_factor", .array(divisors.map { .double(Double($0)) })),
                ("original_max_position_embeddings", .int(contextLength)),
            ]
        }
    }
}
