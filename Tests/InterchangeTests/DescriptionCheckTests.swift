import Files
import Interchange
import StrictJSON
import TestSupport
import Testing
import Tokenizers

/// The comparison of what the files of an export say beside the weights.
@Suite struct DescriptionCheckTests {
    private let directory = TemporaryDirectory()

    /// A model with a token before each text, an end, a padding token and a template of conversations.
    private static func published() -> PublishedModel {
        var model = PublishedModel(special: ["<|start|>", "<|endoftext|>", "<|pad|>"], beginning: "<|start|>")
        for (key, id) in [("bos_token_id", 259), ("eos_token_id", 260), ("pad_token_id", 261)] {
            model.configuration[key] = .int(id)
        }
        model.files["generation_config.json"] = ["suppress_tokens": [256]]
        model.files["tokenizer_config.json"] = [
            "bos_token": "<|start|>", "eos_token": "<|endoftext|>", "chat_template": "{{ messages[0].content }}",
        ]
        return model
    }

    private func saved(_ model: PublishedModel, _ name: String) throws -> SavedModel {
        try model.write(to: directory.file(name))
        return try ModelDirectory.load(directory.file(name))
    }

    /// What the check says of a copy with a change; nil if it finds no difference.
    private func difference(
        _ name: String, inexact: Set<TextFeature> = [], _ change: (inout PublishedModel) -> Void
    ) throws -> String? {
        var changed = Self.published()
        change(&changed)
        let check = try DescriptionCheck(
            Files.exists(directory.file("original"))
                ? ModelDirectory.load(directory.file("original")) : saved(Self.published(), "original"))
        do { try check.compare(with: saved(changed, name), format: .hf, inexact: inexact) } catch {
            return "\(error)"
        }
        return nil
    }

    @Test("A copy has no difference, and what another says otherwise is named")
    func roles() throws {
        #expect(try difference("copy") { _ in } == nil)
        func expect(_ name: String, _ words: String, _ change: (inout PublishedModel) -> Void) throws {
            let found = try difference(name, change)
            #expect(found?.contains(words) == true, "\(name): \(found ?? "no difference")")
        }
        try expect("begins", "begins a text: none instead of 259") { $0.configuration["bos_token_id"] = .null }
        try expect("ends", "end a text: 260, 261 instead of 260") { $0.configuration["eos_token_id"] = [260, 261] }
        try expect("pads", "pads a text: 260 instead of 261") { $0.configuration["pad_token_id"] = 260 }
        try expect("suppressed", "never generated: none instead of 256") { $0.files["generation_config.json"] = nil }
        try expect("chat", "chat template differs") {
            $0.files["tokenizer_config.json"] = ["bos_token": "<|start|>", "eos_token": "<|endoftext|>"]
        }
        try expect("name", "the unk_token is \"<|pad|>\" instead of none") {
            var object = $0.files["tokenizer_config.json"]?.objectValue ?? JSONObject()
            object["unk_token"] = "<|pad|>"
            $0.files["tokenizer_config.json"] = .object(object)
        }
    }

    @Test("A tokenizer is compared by its tokens, its template and the ids of texts")
    func tokenizers() throws {
        func expect(_ name: String, _ words: String, _ change: (inout JSONObject) -> Void) throws {
            let found = try difference(name) { change(&$0.tokenizer!) }
            #expect(found?.contains(words) == true, "\(name): \(found ?? "no difference")")
        }
        func change(_ number: Int, _ key: String, _ value: JSON, _ tokenizer: inout JSONObject) {
            var tokens = tokenizer["added_tokens"]?.arrayValue ?? []
            var token = tokens[number].objectValue ?? JSONObject()
            token[key] = value
            tokens[number] = .object(token)
            tokenizer["added_tokens"] = .array(tokens)
        }
        try expect("shorter", "the number of tokens: 261 instead of 262") {
            $0["added_tokens"] = .array(($0["added_tokens"]?.arrayValue ?? []).dropLast())
        }
        try expect("ordinary", "its token 261 differs") { change(2, "special", false, &$0) }
        try expect("strips", "the special token 261, \"<|pad|>\", differs") { change(2, "lstrip", true, &$0) }
        try expect("template", "before a text: none instead of 259") { $0["post_processor"] = .null }
        try expect("normal", "na\u{EF}ve") { $0["normalizer"] = ["type": "NFC"] }
        try expect("spaces", "na\u{EF}ve") {
            $0["pre_tokenizer"] = [
                "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true,
            ]
        }
        // An order of merges in which "the" is never reached.
        try expect("merges", "differ") {
            var model = $0["model"]?.objectValue ?? JSONObject()
            model["merges"] = [["t", "h"], ["o", "n"]]
            $0["model"] = .object(model)
        }
    }

    @Test("A feature that a format does not support is not compared")
    func inexact() throws {
        func normalize(_ model: inout PublishedModel) { model.tokenizer?["normalizer"] = ["type": "NFC"] }
        #expect(try difference("a", normalize) != nil)
        #expect(try difference("b", inexact: [.accents], normalize) == nil)
        #expect(try difference("c", inexact: [.whiteSpace], normalize) != nil)
    }

    @Test("Exports keep the roles of tokens", arguments: [ExportFormat.hf, .gguf], [true, false])
    func exports(format: ExportFormat, hasTokenizer: Bool) throws {
        var model = Self.published()
        model.configuration["eos_token_id"] = [260, 261]
        if !hasTokenizer { model.tokenizer = nil }
        try model.write(to: directory.file("model"))
        _ = try ModelExport.run(directory.file("model"), to: format, precision: .f32, at: directory.file("out"))
        let expected = try ModelDirectory.load(directory.file("model")).description
        let description = try ModelDirectory.load(directory.file("out")).description
        #expect(description.roles == expected.roles && description.roles.ends == [260, 261])
        #expect(description.chatTemplate == expected.chatTemplate)
    }

    @Test("A template that a format cannot store is an error, and nothing is left")
    func twoTokens() throws {
        var model = Self.published()
        func token(_ text: String) -> JSON { ["SpecialToken": ["id": .string(text), "type_id": 0]] }
        var template = model.tokenizer?["post_processor"]?.objectValue ?? JSONObject()
        template["single"] = [token("<|start|>"), token("<|start|>"), ["Sequence": ["id": "A", "type_id": 0]]]
        model.tokenizer?["post_processor"] = .object(template)
        try model.write(to: directory.file("model"))
        _ = try ModelExport.run(directory.file("model"), to: .hf, precision: .f32, at: directory.file("hf"))
        let out = directory.file("out.gguf")
        let error = #expect(throws: ModelError.self) {
            try ModelExport.run(directory.file("model"), to: .gguf, precision: .f32, at: out)
        }
        #expect(
            error?.reason == "read back, the tokens before a text: 259 instead of 259, 259; the file was removed",
            "\(error?.reason ?? "")")
        #expect(directory.contents == ["hf", "model"])
    }
}
