import Layers
import Models

/// An architecture of llama.cpp: its keys, and the tensor of each parameter.
enum GGUFArchitecture: String, CaseIterable {
    case gpt2, llama, qwen3

    static let key = "general.architecture"

    /// The architecture of a model; nil for one that llama.cpp does not support.
    init?(of configuration: ModelSpecification) {
        guard case .transformer(let c) = configuration, let family = c.family else { return nil }
        switch family {
        case .gpt2 where c.feedForward == .gelu: self = .gpt2
        case .llama: self = .llama
        case .qwen3 where c.biases.isEmpty && !c.hasDivisors: self = .qwen3
        default: return nil
        }
    }

    /// The architecture of a file.
    /// - Throws: if it is not one of these.
    init(_ file: GGUFFile) throws(ModelError) {
        guard let name = try file.string(Self.key) else { throw file.failure("\(Self.key) is missing") }
        guard let architecture = Self(rawValue: name) else {
            let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw file.failure("the architecture \(quoted(name)) is not supported; only \(known) are")
        }
        self = architecture
    }

    // MARK: Configuration

    /// The keys that describe the configuration.
    func keys(of configuration: ModelSpecification) -> [(String, GGUFWrittenValue)] {
        guard case .transformer(let c) = configuration else { return [] }
        var keys: [(String, GGUFWrittenValue)] = [
            ("context_length", .uint32(c.contextLength)), ("embedding_length", .uint32(c.width)),
            ("block_count", .uint32(c.layers)), ("feed_forward_length", .uint32(c.feedForwardWidth)),
            ("attention.head_count", .uint32(c.heads)),
        ]
        if self == .gpt2 {
            keys.append(("attention.layer_norm_epsilon", .float32(c.normEpsilon)))
        } else {
            keys += [
                ("attention.head_count_kv", .uint32(c.keyValueHeads)), ("attention.key_length", .uint32(c.headSize)),
                ("attention.value_length", .uint32(c.headSize)),
                ("attention.layer_norm_rms_epsilon", .float32(c.normEpsilon)),
            ]
        }
        if case .rotary(let frequencies) = c.positions { keys += frequencies.keys(headSize: c.headSize) }
        return keys.map { ("\(rawValue).\($0)", $1) }
    }

    /// The configuration that a file describes.
    /// - Throws: if a number is missing or out of bounds, or if a feature is not supported.
    func configuration(_ file: GGUFFile) throws(ModelError) -> ModelSpecification {
        func size(_ name: String, limit: Int, or other: Int? = nil) throws(ModelError) -> Int {
            let key = "\(rawValue).\(name)"
            guard let value = try file.integer(key) ?? other else { throw file.failure("\(key) is missing") }
            guard 1...limit ~= value else { throw file.failure("its \(key) is \(value), not between 1 and \(limit)") }
            return value
        }

        // It has no default in llama.cpp either.
        func epsilon(_ name: String) throws(ModelError) -> Double {
            let key = "\(rawValue).\(name)"
            guard let value = try file.number(key) else { throw file.failure("\(key) is missing") }
            return value
        }

        if let experts = try file.integer("\(rawValue).expert_count"), experts > 0 {
            throw file.failure("it has \(experts) experts, which is not supported")
        }
        let heads = try size("attention.head_count", limit: 1 << 20)
        let width = try size("embedding_length", limit: 1 << 20)
        var shape = TransformerConfiguration(
            vocabularySize: try file.entry("token_embd.weight").shape[0],
            contextLength: try size("context_length", limit: 1 << 24), layers: try size("block_count", limit: 4096),
            heads: heads, width: width, keyValueHeads: try size("attention.head_count_kv", limit: 1 << 20, or: heads),
            feedForwardWidth: try size("feed_forward_length", limit: 1 << 22), tiesEmbeddings: try file.tiesEmbeddings()
        )
        if self == .gpt2 {
            shape.normEpsilon = try epsilon("attention.layer_norm_epsilon")
        } else {
            shape.headSize = try size("attention.key_length", limit: 1 << 20, or: max(1, width / heads))
            guard try size("attention.value_length", limit: 1 << 20, or: shape.headSize) == shape.headSize else {
                throw file.failure("its keys and values are of different lengths, which is not supported")
            }
            shape.normalization = .rmsNorm
            shape.normEpsilon = try epsilon("attention.layer_norm_rms_epsilon")
            shape.feedForward = .swiglu
            shape.usesQKNorm = self == .qwen3
            shape.biases = file.biases
            shape.positions = .rotary(try RotaryFrequencies(file, rawValue, headSize: shape.headSize))
        }
        if let problem = shape.problem { throw file.failure(problem) }
        guard shape.family?.rawValue == rawValue else {
            throw file.failure("it does not describe a model of the \(rawValue) family")
        }
        return .transformer(shape)
    }

    // MARK: Tensors

    /// The name and layout of the tensor of a parameter, which is given by its name in a checkpoint; nil if there is none.
    func place(of parameter: String, in configuration: ModelSpecification) -> (name: String, layout: WeightLayout)? {
        guard case .transformer(let c) = configuration else { return nil }
        var components = parameter.split(separator: ".").map(String.init)
        if components.first == "transformer" || components.first == "model" { components.removeFirst() }
        guard let kind = components.popLast() else { return nil }
        var prefix = ""
        if components.count > 2, components[0] == "h" || components[0] == "layers" {
            prefix = "blk.\(components[1])."
            components.removeFirst(2)
        }
        let module = components.joined(separator: ".")
        guard let name = Self.names[module] else { return nil }
        let layout: WeightLayout =
            switch module {
            case "attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj": kind == "weight" ? .transposed : .same
            // Both families rotate the two halves of a head. For Llama, llama.cpp rotates adjacent elements instead.
            case "self_attn.q_proj" where self == .llama: .interleaved(heads: c.heads)
            case "self_attn.k_proj" where self == .llama: .interleaved(heads: c.keyValueHeads)
            default: .same
            }
        return ("\(prefix)\(name).\(kind)", layout)
    }

    private static let names = [
        "wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm", "lm_head": "output", "ln_1": "attn_norm",
        "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "ln_2": "ffn_norm", "mlp.c_fc": "ffn_up",
        "mlp.c_proj": "ffn_down",
        "embed_tokens": "token_embd", "norm": "output_norm", "input_layernorm": "attn_norm",
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
        "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
    ]

    /// How a tensor is stored in a file of `encoding`, as by llama.cpp's own converters: vectors and position embeddings, which
    /// are small, in 32 bits, and rows that do not consist of whole blocks in half precision.
    static func encoding(_ encoding: NumberEncoding, of name: String, shape: [Int]) -> NumberEncoding {
        if shape.count < 2 || name == "position_embd.weight" { return .float32 }
        return shape[shape.count - 1] % encoding.blockLength == 0 ? encoding : .float16
    }
}

extension GGUFFile {
    /// Whether the classifier is the token embedding: the tensor is missing then, or equal to the embedding.
    fileprivate func tiesEmbeddings() throws(ModelError) -> Bool {
        guard contains("output.weight") else { return true }
        let output = try entry("output.weight"), embedding = try entry("token_embd.weight")
        guard output.encoding == embedding.encoding, output.shape == embedding.shape else { return false }
        return withBytes(of: output) { output in
            withBytes(of: embedding) { embedding in output.elementsEqual(embedding) }
        }
    }

    /// The layers that have biases, by those of the first block.
    fileprivate var biases: Biases {
        var biases: Biases = []
        if contains("blk.0.attn_q.bias") { biases.insert(.attentionInput) }
        if contains("blk.0.attn_output.bias") { biases.insert(.attentionOutput) }
        if contains("blk.0.ffn_up.bias") { biases.insert(.feedForward) }
        return biases
    }
}

extension TransformerConfiguration {
    /// Whether its frequencies need a tensor of divisors, which llama.cpp supports for Llama only.
    fileprivate var hasDivisors: Bool {
        guard case .rotary(let frequencies) = positions else { return false }
        return frequencies.divisors(headSize: headSize) != nil
    }
}
