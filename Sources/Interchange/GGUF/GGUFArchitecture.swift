import LanguageModels

/// A family of models as llama.cpp has it: its keys, and where each parameter lies.
enum GGUFArchitecture: String, CaseIterable {
    case gpt2

    static let key = "general.architecture"

    /// The architecture of a model; nil for one that llama.cpp does not compute.
    init?(of configuration: ModelConfiguration) {
        switch configuration {
        case .transformer(let shape) where shape.family == .gpt2 && shape.feedForward == .gelu: self = .gpt2
        default: return nil
        }
    }

    /// What a file says of itself. Throws where it is of another architecture.
    init(_ file: GGUFFile) throws(ModelError) {
        guard let name = try file.string(Self.key) else { throw file.failure("it does not say its \(Self.key)") }
        guard let architecture = Self(rawValue: name) else {
            let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw file.failure("a model of the architecture \(quoted(name)); only \(known) can be read")
        }
        self = architecture
    }

    // MARK: The shape

    /// The keys that describe the shape.
    func keys(of configuration: ModelConfiguration) -> [(String, GGUFWrittenValue)] {
        guard case .transformer(let c) = configuration else { return [] }
        return [
            ("gpt2.context_length", .uint32(c.contextLength)), ("gpt2.embedding_length", .uint32(c.width)),
            ("gpt2.block_count", .uint32(c.layers)), ("gpt2.feed_forward_length", .uint32(c.innerWidth)),
            ("gpt2.attention.head_count", .uint32(c.heads)),
            ("gpt2.attention.layer_norm_epsilon", .float32(c.normEpsilon)),
        ]
    }

    /// The shape that a file describes, every number within limits.
    func configuration(_ file: GGUFFile) throws(ModelError) -> ModelConfiguration {
        func size(_ key: String, limit: Int) throws(ModelError) -> Int {
            let key = "\(rawValue).\(key)"
            guard let value = try file.integer(key) else { throw file.failure("it does not say \(key)") }
            guard 1...limit ~= value else { throw file.failure("its \(key) is \(value), not between 1 and \(limit)") }
            return value
        }

        let heads = try size("attention.head_count", limit: 1 << 20)
        if file["\(rawValue).attention.head_count_kv"] != nil {
            let shared = try size("attention.head_count_kv", limit: 1 << 20)
            guard shared == heads else {
                throw file.failure("its queries share keys, which \(rawValue) does not have here")
            }
        }
        let shape = TransformerConfiguration(
            vocabularySize: try file.entry("token_embd.weight").shape[0],
            contextLength: try size("context_length", limit: 1 << 24), layers: try size("block_count", limit: 4096),
            heads: heads, width: try size("embedding_length", limit: 1 << 20),
            innerWidth: try size("feed_forward_length", limit: 1 << 22),
            normEpsilon: try file.number("\(rawValue).attention.layer_norm_epsilon") ?? 1e-5,
            tiesEmbeddings: try file.tiesEmbeddings())
        if let problem = shape.problem { throw file.failure(problem) }
        return .transformer(shape)
    }

    // MARK: The tensors

    /// The name and layout of a parameter, named as in a checkpoint.
    func place(of parameter: String) -> (name: String, layout: WeightLayout)? {
        var pieces = parameter.split(separator: ".").map(String.init)
        if pieces.first == "transformer" { pieces.removeFirst() }
        guard let kind = pieces.popLast() else { return nil }
        var prefix = ""
        if pieces.first == "h", pieces.count > 2 {
            prefix = "blk.\(pieces[1])."
            pieces.removeFirst(2)
        }
        let module = pieces.joined(separator: ".")
        guard let name = Self.gpt2Names[module] else { return nil }
        let isTransposed = kind == "weight" && module.contains("c_")
        return ("\(prefix)\(name).\(kind)", isTransposed ? .transposed : .same)
    }

    private static let gpt2Names = [
        "wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm", "lm_head": "output", "ln_1": "attn_norm",
        "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "ln_2": "ffn_norm", "mlp.c_fc": "ffn_up",
        "mlp.c_proj": "ffn_down",
    ]

    /// How a tensor of that name is stored where most are stored as `encoding`: vectors and positions are small, and of
    /// rows that are no multiple of a block half-precision numbers are made, as by llama.cpp's own converters.
    static func encoding(_ encoding: NumberEncoding, of name: String, shape: [Int]) -> NumberEncoding {
        if shape.count < 2 || name == "position_embd.weight" { return .float32 }
        return shape[shape.count - 1] % encoding.blockLength == 0 ? encoding : .float16
    }
}

extension GGUFFile {
    /// Whether the classifier is the token embedding: it is left out then, or there a second time.
    fileprivate func tiesEmbeddings() throws(ModelError) -> Bool {
        guard contains("output.weight") else { return true }
        let output = try entry("output.weight"), embedding = try entry("token_embd.weight")
        guard output.encoding == embedding.encoding, output.shape == embedding.shape else { return false }
        return withBytes(of: output) { output in
            withBytes(of: embedding) { embedding in output.elementsEqual(embedding) }
        }
    }
}
