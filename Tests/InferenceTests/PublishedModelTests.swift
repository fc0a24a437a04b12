import Files
import Inference
import Interchange
import Models
import StrictJSON
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Directories as other programs publish them. Each test has a trait of which a wrong reading would change the text.
@Suite struct PublishedModelTests {
    let directory = TemporaryDirectory()

    /// Writes a model and reads it.
    private func saved(_ model: PublishedModel, _ name: String = "model") throws -> SavedModel {
        try model.write(to: directory.file(name))
        return try ModelDirectory.load(directory.file(name))
    }

    /// Exports a model and reads the export.
    private func exported(_ name: String, to format: ExportFormat) throws -> SavedModel {
        let out = directory.file("\(name)-\(format.rawValue)" + (format == .gguf ? ".gguf" : ""))
        _ = try ModelExport.run(directory.file(name), to: format, precision: .f32, at: out)
        return try ModelDirectory.load(out)
    }

    private func failure(_ model: PublishedModel) throws -> String? {
        do { _ = try saved(model) } catch { return "\(error)" }
        return nil
    }

    private func greedy(_ saved: SavedModel, _ prompt: String, length: Int = 20) throws -> [Int32] {
        let generator = try TextGenerator(saved)
        var ids: [Int32] = []
        let request = GenerationRequest(
            prompt: try generator.encode(prompt: prompt), length: length, settings: .greedy)
        try generator.generate(request) { ids.append($0.id) }
        return ids
    }

    private func logits(_ saved: SavedModel, _ ids: [Int32] = [1, 2, 3]) throws -> [Float] {
        try #require(saved.model.neural).logits(TokenBatch(ids)).values
    }

    // MARK: Counts

    @Test("Rows beyond the tokens have logits and are never generated, in the model and in its exports")
    func paddedRows() throws {
        var model = PublishedModel(rows: 288)
        // The row that would always be drawn.
        model.tensors["transformer.wte.weight"]?.values.replaceSubrange(
            280 * 8..<281 * 8, with: [Float](repeating: 40, count: 8))
        model.tensors["transformer.ln_f.bias"]?.values = [Float](repeating: 9, count: 8)
        let original = try saved(model)
        #expect(original.model.vocabularySize == 288)
        #expect(try original.tokenizer.vocabularySize == 260)
        let row = try logits(original)[(2 * 288)...]
        #expect(row.max() == row[2 * 288 + 280])
        let ids = try greedy(original, "on")
        #expect(ids.count == 20 && ids.allSatisfy { $0 < 260 })
        for format in [ExportFormat.hf, .gguf] {
            let copy = try exported("model", to: format)
            #expect(copy.model.vocabularySize == 288)
            #expect(try copy.tokenizer.vocabularySize == 260)
            #expect(try greedy(copy, "on") == ids)
        }
    }

    @Test("A tokenizer with more tokens than the model has rows is refused")
    func tooFewRows() throws {
        let message = try #require(try failure(PublishedModel(rows: 259)))
        #expect(message.contains("260 tokens, more than the 259"))
    }

    // MARK: Tensors

    @Test("A classifier that differs from the embedding is used, although config.json ties them")
    func ownClassifier() throws {
        var model = PublishedModel()
        let tied = try logits(try saved(model, "tied"))
        let embedding = try #require(model.tensors["transformer.wte.weight"])
        model.tensors["lm_head.weight"] = embedding
        #expect(try logits(try saved(model, "copy")) == tied)
        model.tensors["lm_head.weight"]?.values.reverse()
        let own = try logits(try saved(model, "own"))
        var untied = model
        untied.configuration["tie_word_embeddings"] = false
        #expect(try logits(try saved(untied, "untied")) == own)
        #expect(own != tied)
        for format in [ExportFormat.hf, .gguf] { #expect(try logits(try exported("own", to: format)) == own) }
    }

    @Test("The first missing tensor is named, and the number of the others")
    func missingTensors() throws {
        var model = PublishedModel()
        model.tensors = model.tensors.filter { !$0.key.hasSuffix(".bias") }
        let message = try #require(try failure(model))
        #expect(message.contains("the tensor transformer.h.0.ln_1.bias and 6 others are missing"), "\(message)")
        var one = PublishedModel()
        one.configuration["tie_word_embeddings"] = false
        try one.write(to: directory.file("one"))
        #expect {
            try ModelDirectory.load(directory.file("one"))
        } throws: {
            "\($0)".contains("the tensor lm_head.weight is missing")
        }
    }

    @Test(
        "A stored mask is compared with the one that is computed",
        arguments: [(0, true), (1, false)])
    func masks(change: Float, isCausal: Bool) throws {
        var model = PublishedModel()
        var mask = (0..<32).flatMap { row in (0..<32).map { Float($0 <= row ? 1 : 0) } }
        mask[5] += change
        model.tensors["transformer.h.0.attn.bias"] = ([1, 1, 32, 32], mask)
        model.tensors["transformer.h.0.attn.masked_bias"] = ([1], [-1e4])
        let message = try failure(model)
        #expect((message == nil) == isCausal)
        if let message { #expect(message.contains("transformer.h.0.attn.bias")) }
    }

    @Test("A tensor that is not part of the model is refused by name")
    func unknownTensor() throws {
        var model = PublishedModel()
        model.tensors["transformer.adapter.weight"] = ([2], [1, 2])
        #expect(try #require(try failure(model)).contains("transformer.adapter.weight"))
    }

    // MARK: Ends and beginnings

    /// After "on": "aaaaaa", then the token 260 for ever.
    private func ending() -> PublishedModel {
        var model = PublishedModel(special: ["<|endoftext|>", "<|im_end|>"])
        model.generateSixTimesAThen(260)
        return model
    }

    @Test(
        "Generation stops at the end tokens of the files, in the order in which transformers looks",
        arguments: [
            ("config.json", 260, nil, true), ("config.json", [259, 260], nil, true), ("config.json", 259, nil, false),
            ("generation_config.json", 260, 259, true), ("generation_config.json", [259, 260], 259, true),
            ("generation_config.json", nil, 260, false), ("tokenizer_config.json", "<|im_end|>", nil, true),
        ] as [(String, JSON, JSON?, Bool)])
    func ends(file: String, value: JSON, inConfiguration other: JSON?, ends: Bool) throws {
        var model = ending()
        model.configuration["eos_token_id"] = other
        switch file {
        case "config.json": model.configuration["eos_token_id"] = value
        case "tokenizer_config.json": model.files[file] = ["eos_token": value]
        default: model.files[file] = ["eos_token_id": value]
        }
        // Position 0 is the prompt "on".
        let expected: [Int32] = [97, 97, 97, 97, 97, 97, 260]
        let ids = try greedy(try saved(model), "on")
        #expect(ids == (ends ? expected : expected + [Int32](repeating: 260, count: 13)))
        let copy = try exported("model", to: .hf)
        #expect(try greedy(copy, "on") == ids)
        #expect(copy.description.roles == (try ModelDirectory.load(directory.file("model"))).description.roles)
        if ends { #expect(try greedy(try exported("model", to: .gguf), "on") == ids) }
    }

    @Test("The token before a text is added to prompts, in the model and in its exports")
    func beginning() throws {
        let begin = "<|begin_of_text|>"
        var model = PublishedModel(special: ["<|end_of_text|>", begin], beginning: begin)
        model.files["tokenizer_config.json"] = ["bos_token": .string(begin), "eos_token": "<|end_of_text|>"]
        let original = try saved(model)
        var generator = try TextGenerator(original)
        #expect(try generator.encode(prompt: "on") == [260, 258])
        #expect(try generator.encode(prompt: "") == [260])
        let text = try generator.text(after: "on", length: 8, settings: .greedy)
        generator.encoding.addsTemplate = false
        #expect(try generator.encode(prompt: "on") == [258])
        #expect(try generator.encode(prompt: "") == [260])
        for format in [ExportFormat.hf, .gguf] {
            let copy = try TextGenerator(try exported("model", to: format))
            #expect(try copy.encode(prompt: "on") == [260, 258])
            #expect(try copy.text(after: "on", length: 8, settings: .greedy) == text)
        }
    }

    @Test(
        "The template is that of tokenizer.json, whatever add_bos_token says, as in transformers",
        arguments: [true, false])
    func addedTokens(addsBeginning: Bool) throws {
        let begin = "<|begin_of_text|>"
        for template in [begin, nil] {
            var model = PublishedModel(special: ["<|end_of_text|>", begin], beginning: template)
            model.files["tokenizer_config.json"] = [
                "bos_token": .string(begin), "add_bos_token": .bool(addsBeginning), "add_eos_token": true,
            ]
            let ids = try TextGenerator(try saved(model, "model-\(template ?? "")")).encode(prompt: "on")
            #expect(ids == (template == nil ? [258] : [260, 258]))
        }
    }

    @Test("A directory made from a GGUF file names the special tokens, and encodes them as transformers does")
    func directoryFromGGUF() throws {
        let begin = "<|begin_of_text|>"
        var model = PublishedModel(special: ["<|end_of_text|>", begin], beginning: begin)
        model.configuration["bos_token_id"] = 260
        model.configuration["eos_token_id"] = 259
        model.configuration["pad_token_id"] = 259
        try model.write(to: directory.file("model"))
        _ = try exported("model", to: .gguf)
        _ = try ModelImport.run(directory.file("model-gguf.gguf"), to: directory.file("imported"))
        let configuration = try JSON(parsing: Fixtures.bytes(directory.file("imported/tokenizer_config.json")))
        #expect(configuration["bos_token"] == .string(begin))
        #expect(configuration["eos_token"] == "<|end_of_text|>" && configuration["pad_token"] == "<|end_of_text|>")
        #expect(configuration["split_special_tokens"] == nil)
    }

    @Test("Members of config.json that were left out stay out")
    func absentMembers() throws {
        try PublishedModel().write(to: directory.file("model"))
        _ = try exported("model", to: .hf)
        let configuration = try JSON(parsing: Fixtures.bytes(directory.file("model-hf/config.json")))
        #expect(configuration["attn_pdrop"] == nil && configuration["initializer_range"] == nil)
    }

    // MARK: Special tokens

    @Test("Special tokens in a text are plain text unless they are allowed")
    func specialTokens() throws {
        var generator = try TextGenerator(try saved(PublishedModel(special: ["<|endoftext|>", "<|im_start|>"])))
        let prompt = "<|im_start|>the"
        #expect(try generator.encode(prompt: prompt).count == 12 + 1)
        #expect(generator.tokenizer.firstSpecialToken(in: prompt)?.id == 260)
        generator.encoding.special = .allowed
        #expect(try generator.encode(prompt: prompt) == [260, 257])
        generator.encoding.special = .refused
        #expect(throws: TokenizerError.self) { try generator.encode(prompt: prompt) }
    }

    // MARK: What is kept

    @Test("What the files say beside the weights is kept by export and import")
    func keptFiles() throws {
        var model = PublishedModel(special: ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
        model.configuration["bos_token_id"] = 259
        model.configuration["eos_token_id"] = 261
        model.configuration["initializer_range"] = 0.05
        model.configuration["torch_dtype"] = "float32"
        model.configuration["task_specific_params"] = ["text-generation": ["max_length": 50]]
        model.files["generation_config.json"] = [
            "eos_token_id": [261, 259], "pad_token_id": 259, "top_k": 20, "transformers_version": "4.51.0",
        ]
        model.files["tokenizer_config.json"] = [
            "bos_token": nil, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "model_max_length": 131_072,
            "chat_template": "{% for m in messages %}{{ m.content }}{% endfor %}", "tokenizer_class": "Qwen2Tokenizer",
        ]
        model.files["special_tokens_map.json"] = ["eos_token": "<|im_end|>"]
        let original = try saved(model)
        #expect(original.description.roles == TokenRoles(beginning: 259, ends: [261, 259], padding: 259))
        #expect(original.description.chatTemplate?.hasPrefix("{% for m in") == true)
        _ = try exported("model", to: .hf)
        _ = try ModelImport.run(directory.file("model"), to: directory.file("imported"))
        for copy in ["model-hf", "imported"] {
            for (name, json) in model.files {
                #expect(try JSON(parsing: Fixtures.bytes(directory.file("\(copy)/\(name)"))) == json, "\(copy)/\(name)")
            }
            let configuration = try JSON(parsing: Fixtures.bytes(directory.file("\(copy)/config.json")))
            for (key, value) in model.configuration { #expect(configuration[key] == value, "\(copy): \(key)") }
        }
        let gguf = try exported("model", to: .gguf).description
        #expect(gguf.roles == TokenRoles(beginning: 259, ends: [261, 259], padding: 259))
        #expect(gguf.chatTemplate == original.description.chatTemplate)
    }

    @Test("A template in a file of its own is kept there")
    func chatTemplateFile() throws {
        var model = PublishedModel()
        model.files["tokenizer_config.json"] = ["eos_token": "<|endoftext|>"]
        try model.write(to: directory.file("model"))
        let template = "{{ messages[0].content }}\n"
        _ = try directory.file("model/chat_template.jinja", containing: template)
        #expect(try ModelDirectory.load(directory.file("model")).description.chatTemplate == template)
        #expect(try exported("model", to: .hf).description.chatTemplate == template)
        #expect(try Fixtures.bytes(directory.file("model-hf/chat_template.jinja")) == Array(template.utf8))
    }

    @Test("Templates for other uses are kept")
    func otherChatTemplates() throws {
        var model = PublishedModel()
        model.files["tokenizer_config.json"] = ["eos_token": "<|endoftext|>", "chat_template": "default"]
        try model.write(to: directory.file("model"))
        let folder = "additional_chat_templates"
        #expect(Fixtures.makeDirectory(directory.file("model/\(folder)")))
        _ = try directory.file("model/\(folder)/tool_use.jinja", containing: "tools")
        #expect(try exported("model", to: .hf).description.chatTemplate == "default")
        let written = try JSON(parsing: Fixtures.bytes(directory.file("model-hf/tokenizer_config.json")))
        #expect(
            written["chat_template"] == [
                ["name": "default", "template": "default"], ["name": "tool_use", "template": "tools"],
            ])
        _ = try ModelImport.run(directory.file("model"), to: directory.file("imported"))
        #expect(try Fixtures.bytes(directory.file("imported/\(folder)/tool_use.jinja")) == Array("tools".utf8))
    }

    @Test("A model without a tokenizer is exported with a remark", arguments: [ExportFormat.hf, .gguf, .onnx])
    func withoutTokenizer(format: ExportFormat) throws {
        var model = PublishedModel()
        model.tokenizer = nil
        let original = try saved(model)
        let out = directory.file("out")
        let report = try ModelExport.run(directory.file("model"), to: format, precision: .f32, at: out)
        #expect(report.remarks.contains { $0.contains("no tokenizer") })
        if format != .onnx { #expect(try logits(try ModelDirectory.load(out)) == logits(original)) }
    }
}
