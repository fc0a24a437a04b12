import Files
import Interchange
import Layers
import Models
import Platform
import StrictJSON
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite struct ModelDirectoryTests {
    private static let tokenizer = CharacterTokenizer(alphabetOf: ["\nabcdé"])
    private static let size = tokenizer.vocabularySize

    /// One model of each kind.
    private static func models() throws -> [any LanguageModel] {
        [
            Transformer(
                TransformerConfiguration(vocabularySize: size, contextLength: 8, layers: 2, heads: 2, width: 8), seed: 1
            ),
            Transformer(
                TransformerConfiguration(
                    vocabularySize: size, contextLength: 5, layers: 1, heads: 3, width: 9, feedForwardWidth: 11,
                    normEpsilon: 1e-3, feedForward: .relu, tiesEmbeddings: false), seed: 2),
            Transformer(llama, seed: 5),
            Transformer(
                TransformerConfiguration(
                    .qwen3, vocabularySize: size, contextLength: 8, layers: 2, heads: 3, width: 7, keyValueHeads: 1,
                    headSize: 6, tiesEmbeddings: false), seed: 6),
            Transformer(
                TransformerConfiguration(
                    vocabularySize: size, contextLength: 8, layers: 1, heads: 2, width: 8, normalization: .rmsNorm,
                    normEpsilon: 1e-4, positions: .sinusoidal, feedForward: .relu, biases: .attentionInput), seed: 7),
            AttentionModel(.init(vocabularySize: size, contextLength: 8, width: 6), seed: 3),
            BigramModel(vocabularySize: size, seed: 4),
            try NGramModel(order: 3, vocabularySize: size, documents: [[1, 2, 3, 1, 2, 4, 1, 2, 3]]),
        ]
    }

    private static let llama = TransformerConfiguration(
        .llama, vocabularySize: size, contextLength: 8, layers: 2, heads: 4, width: 8, keyValueHeads: 2, headSize: 6)

    @Test("A model comes back from disk as it went", arguments: 0..<8)
    func roundTrip(index: Int) throws {
        let model = try Self.models()[index], directory = TemporaryDirectory()
        try ModelDirectory.save(model, tokenizer: Self.tokenizer, to: directory.path)
        let read = try ModelDirectory.load(directory.path)
        #expect(read.model.modelType == model.modelType)
        #expect(read.model.contextLength == model.contextLength)
        #expect((read.model as? Transformer)?.configuration == (model as? Transformer)?.configuration)
        #expect(try read.tokenizer.encode("abé") == Self.tokenizer.encode("abé"))
        let prompt: [Int32] = [1, 2, 3]
        let logits = model.startDecoding().append(prompt).values
        #expect(try read.languageModel.startDecoding().append(prompt).values == logits)
        #expect(
            directory.contents == [
                "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
            ])
    }

    /// A directory with one thing in it changed.
    private func directory(
        of model: Int = 0, _ change: (TemporaryDirectory) throws -> Void
    ) throws -> TemporaryDirectory {
        let directory = TemporaryDirectory()
        try ModelDirectory.save(try Self.models()[model], tokenizer: Self.tokenizer, to: directory.path)
        try change(directory)
        return directory
    }

    private func failure(_ directory: TemporaryDirectory, acceptingEdits: Bool = false) -> String? {
        do { _ = try ModelDirectory.load(directory.path, acceptingEdits: acceptingEdits) } catch { return "\(error)" }
        return nil
    }

    /// The directory of one of the models with something else in its config.json.
    private func directory(of model: Int, replacing original: String, by changed: String) throws -> TemporaryDirectory {
        try directory(of: model) {
            let text = String(decoding: try Fixtures.bytes($0.file("config.json")), as: UTF8.self)
            let index = try #require(text.utf8.firstRange(of: Array(original.utf8)))
            try $0.write(
                Array((text[..<index.lowerBound] + changed + text[index.upperBound...]).utf8), to: "config.json")
        }
    }

    @Test(
        "What the config.json of a Llama asks for and is not computed is named",
        arguments: [
            (#""hidden_act": "silu""#, #""hidden_act": "gelu""#, "hidden_act"),
            (#""use_cache""#, #""use_sliding_window": true, "use_cache""#, "use_sliding_window"),
            (#""use_cache""#, #""layer_types": ["sliding_attention"], "use_cache""#, "sliding_attention"),
            (#""rope_type": "default""#, #""rope_type": "yarn""#, "yarn"),
            (#""rope_type": "default""#, #""rope_type": "llama3""#, "original_max_position_embeddings"),
            (#""rope_type": "default""#, #""rope_type": "linear", "factor": 0"#, "above 0"),
            (#""rope_type": "default""#, #""partial_rotary_factor": 0.5"#, "partial_rotary_factor"),
            (#""num_key_value_heads": 2"#, #""num_key_value_heads": 3"#, "multiple"),
            (#""head_dim": 6"#, #""head_dim": 5"#, "even"),
            (#""head_dim": 6"#, #""head_dim": 4"#, "q_proj"),
            (#""tie_word_embeddings": true"#, #""tie_word_embeddings": false"#, "lm_head.weight is missing"),
        ])
    func newerConfiguration(original: String, changed: String, mention: String) throws {
        let message = try #require(
            failure(try directory(of: 2, replacing: original, by: changed), acceptingEdits: true))
        #expect(message.contains(mention))
        #expect(!message.contains("\n"))
    }

    /// transformers 5 has `rope_parameters`; before, there were `rope_theta` and `rope_scaling`, whose kind was once `type`.
    @Test(
        "Rotary positions are read as every version wrote them",
        arguments: [
            (#"{"rope_theta": 500.0, "rope_type": "default"}, "x": "#, RotaryFrequencies(base: 500)),
            (#"null, "rope_theta": 300, "x": "#, RotaryFrequencies(base: 300)),
            (
                #"null, "rope_theta": 300, "rope_scaling": {"type": "linear", "factor": 2}, "x": "#,
                RotaryFrequencies(base: 300, scaling: .linear(factor: 2))
            ),
            (
                #"{"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "rope_theta": 20, "#
                    + #""original_max_position_embeddings": 6}, "x": "#,
                RotaryFrequencies(
                    base: 20,
                    scaling: .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 6))
            ),
        ])
    func positions(written: String, expected: RotaryFrequencies) throws {
        let directory = try directory(of: 2) {
            let text = String(decoding: try Fixtures.bytes($0.file("config.json")), as: UTF8.self)
            let others = text.split(separator: "\n").filter {
                !$0.hasPrefix("  \"rope_theta") && !$0.hasPrefix("  \"rope_scaling")
            }
            let old = others.joined(separator: "\n")
            let index = try #require(old.utf8.firstRange(of: Array(#""rope_parameters": "#.utf8)))
            try $0.write(
                Array((old[..<index.upperBound] + written + old[index.upperBound...]).utf8), to: "config.json")
        }
        let model = try #require(
            try ModelDirectory.load(directory.path, acceptingEdits: true).model as? Transformer)
        #expect(model.configuration.positions == .rotary(expected))
        // What is written is read the same.
        let again = TemporaryDirectory()
        try ModelDirectory.save(model, tokenizer: Self.tokenizer, to: again.path)
        #expect((try ModelDirectory.load(again.path).model as? Transformer)?.configuration == model.configuration)
    }

    @Test(
        "Options of a transformer of no family are refused where they are unknown or a family's",
        arguments: [
            (#""positions": "sinusoidal""#, #""positions": "relative""#, "positions"),
            (#""feed_forward": "relu""#, #""feed_forward": "maxout""#, "feed_forward"),
            (#""normalization": "rms_norm""#, #""normalization": 3"#, "normalization"),
        ])
    func ownConfiguration(original: String, changed: String, mention: String) throws {
        let message = try #require(
            failure(try directory(of: 4, replacing: original, by: changed), acceptingEdits: true))
        #expect(message.contains(mention) && !message.contains("\n"))
    }

    @Test(
        "What config.json asks for and is not computed is named",
        arguments: [
            (#""activation_function": "gelu_new""#, #""activation_function": "silu""#, "activation_function"),
            (#""model_type": "gpt2""#, #""model_type": "t5""#, "t5"),
            (#""model_type": "gpt2""#, #""scale_attn_by_inverse_layer_idx": true, "model_type": "gpt2""#, "scale_attn"),
            (#""n_head": 2"#, #""n_head": 3"#, "multiple"),
            (#""n_embd": 8"#, #""n_embd": -8"#, "n_embd"),
            (#""n_embd": 8"#, #""n_embd": 1048576"#, "do not belong together"),
            (#""n_layer": 2"#, #""n_layer": 4096"#, "transformer.h.2.ln_1.weight and"),
            (#""n_layer": 2"#, #""n_layer": 9223372036854775807"#, "n_layer"),
            (#""n_positions": 8"#, #""n_positions": 7"#, "wpe"),
            ("{", "", "JSON"),
        ])
    func configuration(original: String, changed: String, mention: String) throws {
        let message = try #require(
            failure(try directory(of: 0, replacing: original, by: changed), acceptingEdits: true))
        #expect(message.contains(mention))
        #expect(!message.contains("\n"))
    }

    @Test("Weights that were cut off or altered are refused")
    func damage() throws {
        for keep in [0, 7, 100, 1000] {
            let cut = try directory {
                try $0.write(
                    Array(try Fixtures.bytes($0.file("model.safetensors")).prefix(keep)), to: "model.safetensors")
            }
            #expect(failure(cut) != nil)
        }
        let altered = try directory {
            var bytes = try Fixtures.bytes($0.file("model.safetensors"))
            bytes[bytes.count - 5] ^= 1
            try $0.write(bytes, to: "model.safetensors")
        }
        #expect(failure(altered)?.contains("checksum") == true)
    }

    @Test("A tokenizer of another vocabulary is refused, a missing one only where it is needed")
    func tokenizers() throws {
        let other = try directory {
            try TokenizerFile.write(CharacterTokenizer(alphabetOf: ["\nabcdéfg"]), directory: $0.path)
        }
        #expect(failure(other, acceptingEdits: true)?.contains("do not match") == true)
        let missing = try ModelDirectory.load(Fixtures.reference)
        #expect(throws: ModelError.self) { try missing.tokenizer }
    }

    @Test("A directory that is none is refused")
    func absent() throws {
        let directory = TemporaryDirectory()
        #expect(throws: ModelError.self) { try ModelDirectory.load(directory.file("nothing")) }
        try directory.write([1], to: "file")
        #expect(throws: ModelError.self) { try ModelDirectory.load(directory.file("file")) }
        #expect(failure(directory)?.contains("config.json") == true)
    }

    @Test("Why a path leads nowhere is said, rather than that there is nothing")
    func unreachable() throws {
        let directory = TemporaryDirectory(), loop = directory.file("loop"), dangling = directory.file("dangling")
        try directory.write([1], to: "file")
        symlink(loop, loop)
        symlink(directory.file("nothing"), dangling)
        let long = directory.file(String(repeating: "a", count: 300))
        for (path, words) in [
            (directory.file("file/model"), "not a directory"), (loop, "symbolic links"), (long, "too long"),
            (dangling, "it is a broken symbolic link"),
        ] {
            for use in [
                { _ = try ModelDirectory.load($0) }, { _ = try ModelImport.run($0, to: directory.file("out")) },
                { _ = try ModelExport.run($0, to: .gguf, precision: .f32, at: directory.file("out")) },
            ] as [(String) throws -> Void] {
                let error = #expect(throws: FileError.self) { try use(path) }
                #expect(error?.description.contains("\(path): ") == true && error?.description.contains(words) == true)
            }
        }
    }

    @Test("A model in several files, in half precision and with the names of the first GPT-2 is read")
    func published() throws {
        let model = try Self.models()[0], directory = TemporaryDirectory()
        try ModelDirectory.save(model, tokenizer: Self.tokenizer, to: directory.path)
        let whole = try SafetensorsFile(path: directory.file("model.safetensors"))
        func bfloat16(_ name: String) throws -> SafetensorsTensor {
            let bits = try whole.floats(name).map { UInt16($0.bitPattern >> 16) }
            let bare = String(name.dropFirst("transformer.".count))
            return SafetensorsTensor(name: bare, dtype: .bfloat16, shape: try whole.shape(name)) { piece in
                try bits.withUnsafeBytes(piece)
            }
        }
        let names = whole.names, half = names.count / 2
        let mask = SafetensorsTensor(
            name: "h.0.attn.bias", shape: [1, 1, 8, 8], floats: (0..<64).map { $0 % 8 <= $0 / 8 ? 1 : 0 })
        try SafetensorsWriter.write(to: directory.file("a.safetensors"), tensors: names[..<half].map(bfloat16) + [mask])
        try SafetensorsWriter.write(to: directory.file("b.safetensors"), tensors: names[half...].map(bfloat16))
        let map = names.enumerated().map { ($1, JSON.string($0 < half ? "a.safetensors" : "b.safetensors")) }
        let index = JSON.object(JSONObject([("weight_map", .object(JSONObject(map)))]))
        try directory.write(Array(index.serialized().utf8), to: "model.safetensors.index.json")
        try Files.remove(directory.file("model.safetensors"))

        let read = try #require(try ModelDirectory.load(directory.path).model as? Transformer)
        let original = try #require(model as? Transformer)
        for (a, b) in zip(read.parameters, original.parameters) {
            let rounded = b.parameter.value.values.map { Float(bitPattern: $0.bitPattern & 0xffff_0000) }
            #expect(a.parameter.value.values == rounded, "\(a.name)")
        }
    }
}
