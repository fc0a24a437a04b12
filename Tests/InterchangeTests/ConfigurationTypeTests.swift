import Interchange
import Models
import StrictJSON
import TestSupport
import Testing

/// A key of a wrong type in anyone's config.json is an error, and never counts as absent.
@Suite struct ConfigurationTypeTests {
    /// The least that config.json of each kind has to say.
    private static let least: [String: JSON] = [
        "gpt2": ["model_type": "gpt2", "vocab_size": 11, "n_positions": 8, "n_embd": 8, "n_layer": 1, "n_head": 2],
        "llama": [
            "model_type": "llama", "vocab_size": 11, "max_position_embeddings": 8, "hidden_size": 8,
            "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
        ],
        "qwen3": [
            "model_type": "qwen3", "vocab_size": 11, "max_position_embeddings": 8, "hidden_size": 8,
            "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "num_key_value_heads": 2,
        ],
        "transformer": [
            "model_type": "transformer", "vocab_size": 11, "max_position_embeddings": 8, "hidden_size": 8,
            "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "num_key_value_heads": 2,
            "head_dim": 4, "normalization": "rms_norm", "norm_epsilon": 1e-5, "positions": "rotary",
            "rope_theta": 100.0,
            "feed_forward": "relu", "qk_norm": false, "attention_input_bias": true, "attention_output_bias": false,
            "feed_forward_bias": false, "tie_word_embeddings": true,
        ],
        "attention": ["model_type": "attention", "vocab_size": 11, "n_positions": 8, "n_embd": 8],
        "bigram": ["model_type": "bigram", "vocab_size": 11],
        "ngram": ["model_type": "ngram", "vocab_size": 11, "order": 3],
    ]

    /// Keys that decide results but no shape, with what is valid for them.
    private static let deciding: [(kind: String, key: String, value: JSON)] =
        [
            ("gpt2", "layer_norm_epsilon", 1e-4), ("gpt2", "activation_function", "relu"),
            ("gpt2", "tie_word_embeddings", true), ("gpt2", "scale_attn_weights", true),
            ("gpt2", "scale_attn_by_inverse_layer_idx", false), ("gpt2", "add_cross_attention", false),
            ("llama", "mlp_bias", false),
        ]
        + ["llama", "qwen3"].flatMap { kind -> [(String, String, JSON)] in
            [
                (kind, "rms_norm_eps", 1e-4), (kind, "rope_theta", 300.0), (kind, "hidden_act", "silu"),
                (kind, "attention_bias", false), (kind, "tie_word_embeddings", false),
                (kind, "use_sliding_window", false),
            ]
        }
        + [
            "normalization", "norm_epsilon", "positions", "rope_theta", "feed_forward", "qk_norm",
            "attention_input_bias", "attention_output_bias", "feed_forward_bias", "tie_word_embeddings",
        ].map { ("transformer", $0, least["transformer"]?[$0] ?? .null) }

    private func read(
        _ kind: String, _ change: (inout JSONObject) -> Void = { _ in }
    ) throws -> ModelSpecification {
        var object = try #require(Self.least[kind]?.objectValue)
        change(&object)
        return try ModelSpecification(.object(object), file: "a/config.json")
    }

    private func refusal(_ kind: String, _ change: (inout JSONObject) -> Void) -> String {
        do { return "none: \(try read(kind, change))" } catch { return "\(error)" }
    }

    @Test("The least is enough, and what is not said is as transformers has it")
    func defaults() throws {
        for kind in Self.least.keys { _ = try read(kind) }
        guard case .transformer(let gpt2) = try read("gpt2"), case .transformer(let llama) = try read("llama"),
            case .transformer(let qwen3) = try read("qwen3")
        else {
            Issue.record("not transformers")
            return
        }
        #expect(
            gpt2.normEpsilon == 1e-5 && gpt2.feedForward == .gelu && gpt2.tiesEmbeddings && gpt2.feedForwardWidth == 32)
        for model in [llama, qwen3] {
            #expect(model.normEpsilon == 1e-6 && model.positions == .rotary(RotaryFrequencies(base: 10_000)))
            #expect(!model.tiesEmbeddings && model.biases.isEmpty)
        }
        #expect(llama.headSize == 4 && llama.keyValueHeads == 2 && qwen3.headSize == 128)
        #expect(refusal("qwen3") { $0["num_key_value_heads"] = nil }.contains("32"))
        guard case .transformer(let null) = try read("qwen3", { $0["num_key_value_heads"] = .some(.null) }) else {
            return
        }
        #expect(null.keyValueHeads == 2)
    }

    @Test(
        "A valid value is taken, any other type is an error that names file, key and what is there", arguments: deciding
    )
    func types(kind: String, key: String, value: JSON) throws {
        _ = try read(kind) { $0[key] = value }
        var wrong: [JSON] = [.null, 3, 0.5, true, "1e-06", "x", [value], ["a": value]]
        switch value {
        case .bool: wrong.removeAll { $0.boolValue != nil }
        case .number: wrong.removeAll { $0.doubleValue != nil }
        case .string: wrong.removeAll { $0.stringValue != nil }
        default: Issue.record("\(key) has no value to try")
        }
        #expect(wrong.count >= 6)
        for other in wrong {
            let message = refusal(kind) { $0[key] = .some(other) }
            #expect(message.hasPrefix("a/config.json: \(key) is \(other.isNull ? "null" : other.kind)"), "\(message)")
            #expect(message.contains(", not ") && !message.contains("\n"))
        }
    }

    @Test(
        "Keys that decide nothing here but in other programs have their types too",
        arguments: [
            ("eos_token_id", [3, [3, 4], .null, -1], ["59", true, 0.5, [3, "4"], ["a": 1]]),
            ("pad_token_id", [0, .null], ["a", [["a": 1]]]), ("bos_token_id", [0, .null], ["", false]),
            ("attention_dropout", [0.0, 0, .null], ["0.0", true]), ("dtype", ["float32", .null], [5, true]),
            ("torch_dtype", ["bfloat16", .null], [16]), ("use_cache", [true, .null], ["true", 1]),
        ] as [(String, [JSON], [JSON])])
    func others(key: String, valid: [JSON], wrong: [JSON]) throws {
        for kind in Self.least.keys {
            for value in valid { _ = try read(kind) { $0[key] = .some(value) } }
            for value in wrong {
                let message = refusal(kind) { $0[key] = .some(value) }
                #expect(message.hasPrefix("a/config.json: \(key) is "), "\(message)")
            }
        }
    }

    @Test("Sizes are whole numbers", arguments: Array(least.keys.sorted()))
    func sizes(kind: String) throws {
        for (key, value) in try #require(Self.least[kind]?.objectValue) where value.intValue != nil {
            for other in [.null, "8", true, 8.0, 0, -1, 1e30, [8]] as [JSON] {
                if key == "num_key_value_heads", kind == "qwen3", other.isNull { continue }
                let message = refusal(kind) { $0[key] = .some(other) }
                #expect(
                    message.hasPrefix("a/config.json: \(key) is ") && message.contains("whole number"), "\(message)")
            }
            if key == "num_key_value_heads", kind == "qwen3" { continue }
            #expect(refusal(kind) { $0[key] = nil } == "a/config.json: \(key) is missing")
        }
        for other in [.null, 3, true] as [JSON] {
            #expect(refusal(kind) { $0["model_type"] = .some(other) }.contains("model_type is "))
        }
    }

    @Test(
        "null is absence where transformers writes it for that",
        arguments: [
            ("gpt2", "n_inner"), ("llama", "head_dim"), ("llama", "num_key_value_heads"), ("llama", "rope_scaling"),
            ("llama", "rope_parameters"), ("qwen3", "layer_types"), ("llama", "pad_token_id"),
        ])
    func nulls(kind: String, key: String) throws {
        #expect(try read(kind) { $0[key] = .some(.null) } == read(kind))
        if key != "pad_token_id" {
            #expect(refusal(kind) { $0[key] = "x" }.hasPrefix("a/config.json: \(key) is a string"))
        }
    }

    @Test(
        "Numbers are within the bounds of what they are",
        arguments: [
            ("gpt2", "layer_norm_epsilon"), ("llama", "rms_norm_eps"), ("qwen3", "rms_norm_eps"),
            ("transformer", "norm_epsilon"), ("llama", "rope_theta"), ("transformer", "rope_theta"),
        ])
    func bounds(kind: String, key: String) throws {
        for other in [0, -1e-6, -1] as [JSON] {
            #expect(refusal(kind) { $0[key] = other }.contains("above 0"), "\(key) = \(other)")
        }
        let infinite = try JSON(parsing: "1e999")
        #expect(refusal(kind) { $0[key] = infinite }.contains("finite"))
    }

    @Test(
        "A model of this program's own kind says all that decides results",
        arguments: [
            "normalization", "norm_epsilon", "positions", "rope_theta", "feed_forward", "qk_norm",
            "attention_input_bias",
            "attention_output_bias", "feed_forward_bias", "tie_word_embeddings",
        ])
    func ownKind(key: String) {
        #expect(refusal("transformer") { $0[key] = nil }.contains(key))
    }

    @Test(
        "Rotary positions of a wrong type, or said twice and differently, are refused",
        arguments: [
            (#"{"rope_parameters": {"rope_theta": "300"}}"#, "rope_parameters.rope_theta is a string"),
            (#"{"rope_parameters": {"rope_theta": null}}"#, "rope_parameters.rope_theta is null"),
            (#"{"rope_parameters": {"rope_theta": 300, "rope_type": 3}}"#, "rope_parameters.rope_type is a number"),
            (#"{"rope_parameters": {"rope_type": null}}"#, "rope_parameters.rope_type is null"),
            (#"{"rope_scaling": {"type": "linear", "factor": "2"}}"#, "rope_scaling.factor is a string"),
            (#"{"rope_scaling": {"type": "linear"}}"#, "rope_scaling.factor"),
            (#"{"rope_scaling": {"rope_type": "llama3", "factor": 8}}"#, "original_max_position_embeddings"),
            (#"{"rope_theta": 300, "rope_parameters": {"rope_theta": 301}}"#, "contradict"),
            (
                #"{"rope_scaling": {"rope_type": "linear", "factor": 2}, "rope_parameters": {"rope_theta": 300}}"#,
                "different types of scaling"
            ),
            (
                #"{"rope_scaling": {"type": "linear", "factor": 2}, "rope_parameters": {"rope_type": "linear", "factor": 3}}"#,
                "contradict"
            ),
            (#"{"partial_rotary_factor": "0.5"}"#, "partial_rotary_factor is a string"),
            (#"{"layer_types": ["full_attention", 3]}"#, "layer_types is"),
        ])
    func rotary(members: String, mention: String) throws {
        let members = try #require(try JSON(parsing: members).objectValue)
        let message = refusal("llama") { object in for (key, value) in members { object[key] = .some(value) } }
        #expect(message.hasPrefix("a/config.json: ") && message.contains(mention), "\(message)")
    }

    @Test("The same said twice is no contradiction")
    func agreement() throws {
        let read = try read("llama") {
            $0["rope_theta"] = 300
            $0["rope_scaling"] = ["type": "linear", "factor": 2]
            $0["rope_parameters"] = ["rope_theta": 300.0, "rope_type": "linear", "factor": 2.0]
        }
        guard case .transformer(let model) = read else { return }
        #expect(model.positions == .rotary(RotaryFrequencies(base: 300, scaling: .linear(factor: 2))))
    }
}
