import Files
import StrictJSON
import Tensors
import Tokenizers

/// A small GPT-2 as other programs publish it: a directory with weights, config.json and tokenizer.json, which a test changes
/// before it is written. It has one block of width 8 and a context of 32 tokens.
package struct PublishedModel {
    /// The tensors of the weights, by name.
    package var tensors: [String: (shape: [Int], values: [Float])] = [:]
    package var configuration: JSONObject
    /// The contents of further files, by name.
    package var files: [String: JSON] = [:]
    /// The contents of tokenizer.json; nil for none.
    package var tokenizer: JSONObject?
    package let width = 8

    /// The number of tokens before the special ones: the bytes by their values, "th", "the" and "on".
    package static let ordinaryTokens = 259

    /// A model with these special tokens after the ordinary ones, and random weights.
    /// - Parameters:
    ///   - special: the texts of the special tokens.
    ///   - rows: the number of rows of the embedding; by default as many as there are tokens.
    ///   - beginning: the token that a template adds before each text.
    package init(special: [String] = ["<|endoftext|>"], rows: Int? = nil, beginning: String? = nil) {
        let rows = rows ?? Self.ordinaryTokens + special.count
        configuration = JSONObject([
            ("model_type", "gpt2"), ("architectures", JSON.array(["GPT2LMHeadModel"])), ("n_embd", .int(width)),
            ("n_head", 1),
            ("n_layer", 1), ("n_positions", 32), ("vocab_size", .int(rows)),
        ])
        tokenizer = Self.tokenizer(special, beginning)
        let C = width
        var random = Philox(7)
        func set(_ name: String, _ shape: [Int], scale: Double, offset: Float = 0) {
            let count = shape.reduce(1, *)
            tensors[name] = (shape, (0..<count).map { _ in offset + Float(scale * (2 * random.nextUniform() - 1)) })
        }
        set("transformer.wte.weight", [rows, C], scale: 2)
        set("transformer.wpe.weight", [32, C], scale: 2)
        for norm in ["h.0.ln_1", "h.0.ln_2", "ln_f"] {
            set("transformer.\(norm).weight", [C], scale: 0.3, offset: 1)
            set("transformer.\(norm).bias", [C], scale: 0.3)
        }
        for (layer, inputs, outputs) in [
            ("attn.c_attn", C, 3 * C), ("attn.c_proj", C, C), ("mlp.c_fc", C, 4 * C), ("mlp.c_proj", 4 * C, C),
        ] {
            set("transformer.h.0.\(layer).weight", [inputs, outputs], scale: 0.5)
            set("transformer.h.0.\(layer).bias", [outputs], scale: 0.5)
        }
    }

    /// Replaces the weights by those of a model that generates "a" six times after "on", and then the token `id` for ever.
    package mutating func generateSixTimesAThen(_ id: Int) {
        for (name, tensor) in tensors {
            let isNorm = name.hasSuffix("weight") && name.contains("ln_")
            tensors[name] = (tensor.shape, tensor.values.map { _ in isNorm ? 1 : 0 })
        }
        for position in 0..<32 {
            tensors["transformer.wpe.weight"]?.values[position * width + (position < 6 ? 0 : 1)] = 5
        }
        let rows = tensors["transformer.wte.weight"]?.shape[0] ?? 0
        var head = [Float](repeating: 0, count: rows * width)
        head[97 * width] = 3  // "a"
        head[98 * width + 1] = 1  // "b"
        head[id * width + 1] = 3
        tensors["lm_head.weight"] = ([rows, width], head)
        configuration["tie_word_embeddings"] = false
    }

    /// Writes the directory.
    package func write(to directory: String) throws {
        guard Fixtures.makeDirectory(directory) else { throw FileError("cannot create", directory, "it exists") }
        func write(_ bytes: [UInt8], _ name: String) throws {
            guard Fixtures.write(bytes, to: "\(directory)/\(name)") else { throw FileError("cannot write", name, "") }
        }
        var header = JSONObject(), numbers: [UInt8] = []
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            let start = numbers.count
            for value in tensor.values {
                withUnsafeBytes(of: value.bitPattern.littleEndian) { numbers.append(contentsOf: $0) }
            }
            header[name] = [
                "dtype": "F32", "shape": .array(tensor.shape.map(JSON.int)),
                "data_offsets": [.int(start), .int(numbers.count)],
            ]
        }
        let text = Array(JSON.object(header).serialized().utf8)
        let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
        try write(length + text + numbers, "model.safetensors")
        try write(Array(JSON.object(configuration).serialized().utf8), "config.json")
        if let tokenizer { try write(Array(JSON.object(tokenizer).serialized().utf8), "tokenizer.json") }
        for (name, json) in files { try write(Array(json.serialized().utf8), name) }
    }

    private static func tokenizer(_ special: [String], _ beginning: String?) -> JSONObject {
        var vocabulary = JSONObject()
        for (byte, symbol) in ByteSymbols.scalars.enumerated() { vocabulary[String(symbol)] = .int(byte) }
        let merges: [JSON] = [["t", "h"], ["th", "e"], ["o", "n"]]
        for (number, token) in ["th", "the", "on"].enumerated() { vocabulary[token] = .int(256 + number) }
        let added = special.enumerated().map { number, text -> JSON in
            [
                "id": .int(ordinaryTokens + number), "content": .string(text), "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true,
            ]
        }
        let level: JSON = ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true]
        var template: JSON = nil
        if let beginning {
            let id = ordinaryTokens + (special.firstIndex(of: beginning) ?? 0)
            let text: JSON = ["Sequence": ["id": "A", "type_id": 0]]
            let name = JSON.string(beginning)
            let token: JSON = ["id": name, "ids": [.int(id)], "tokens": [name]]
            template = [
                "type": "TemplateProcessing", "single": [["SpecialToken": ["id": name, "type_id": 0]], text],
                "pair": [text, ["Sequence": ["id": "B", "type_id": 1]]],
                "special_tokens": .object(JSONObject([(beginning, token)])),
            ]
        }
        let model: JSON = [
            "type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil,
            "end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": .object(vocabulary), "merges": .array(merges),
        ]
        let members: [(String, JSON)] = [
            ("version", "1.0"), ("truncation", nil), ("padding", nil), ("added_tokens", .array(added)),
            ("normalizer", nil), ("pre_tokenizer", level), ("post_processor", template), ("decoder", level),
            ("model", model),
        ]
        return JSONObject(members)
    }
}
