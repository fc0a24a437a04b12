import Files
import GPTKit
import StrictJSON
import TestSupport
import Testing

/// Training on conversations, and talking to the model.
@Suite("Conversations")
struct ConversationTrainingTests {
    let directory = TemporaryDirectory()

    private static let exchanges = [
        ("sun", "a star"), ("cat", "a pet"), ("oak", "a tree"), ("red", "a hue"), ("tea", "a drink"),
        ("two", "a count"),
    ]

    /// Each exchange several times, in another order each time.
    private func write(_ name: String) throws {
        let lines = (0..<60).map { number -> String in
            let (question, answer) = Self.exchanges[(number * 5 + number / 6) % 6]
            let messages: JSON = [
                ["role": "user", "content": .string(question)], ["role": "assistant", "content": .string(answer)],
            ]
            return JSON.object(JSONObject([("messages", messages)])).serialized()
        }
        try directory.write(Array(lines.joined(separator: "\n").utf8), to: name)
    }

    private func run(_ arguments: [String], input: String? = nil) throws -> CommandResult {
        try runCommand(arguments, input: input, directory: directory.path)
    }

    private static let options = [
        "--layers", "2", "--heads", "2", "--width", "32", "--context", "64", "--batch", "8", "--lr", "0.01", "--quiet",
    ]

    @Test("A model trained on conversations answers them and stops, after a save and in a GGUF file")
    func answers() throws {
        try write("talk.jsonl")
        let trained = try run(
            ["train", "--text", "talk.jsonl", "--steps", "250", "--out", "model"] + Self.options)
        #expect(trained.status == 0, "\(trained.errorText)")
        #expect(trained.text.contains("gpt chat model"))
        _ = try run(["export", "model", "--to", "gguf", "model.gguf"])
        for model in ["model", "model.gguf"] {
            for (question, answer) in Self.exchanges {
                let said = try run(["chat", model, "--temperature", "0"], input: question + "\n")
                #expect(said.text == " \(answer)\n", "\(model): \(said.errorText)")
            }
        }
        let configuration = try JSON(parsing: Fixtures.bytes(directory.file("model/tokenizer_config.json")))
        #expect(configuration["chat_template"]?.stringValue?.contains("add_generation_prompt") == true)
        #expect(configuration["eos_token"] == "<|endoftext|>" && configuration["split_special_tokens"] == nil)
    }

    @Test("A resumed run has the same weights as one that was not interrupted")
    func resumes() throws {
        try write("talk.jsonl")
        for (name, steps) in [("whole", "20"), ("part", "10")] {
            _ = try run(
                [
                    "train", "--text", "talk.jsonl", "--steps", steps, "--out", name, "--schedule", "constant",
                    "--warmup", "1",
                ]
                    + Self.options)
        }
        let resumed = try run(["train", "--resume", "part", "--steps", "20", "--quiet"])
        #expect(resumed.status == 0, "\(resumed.errorText)")
        let weights = try ["whole", "part"].map { name -> [UInt8] in
            let bytes = try TextFile.bytes(directory.file("\(name)/model.safetensors"))
            let header = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            return Array(bytes[(8 + header)...])
        }
        #expect(weights[0].elementsEqual(weights[1]))
    }

    @Test("A model that has a template is trained further with it, and a turn ends with its token")
    func fineTunes() throws {
        try write("talk.jsonl")
        var model = PublishedModel(special: ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
        model.configuration["n_positions"] = 64
        model.tensors["transformer.wpe.weight"] = ([64, 8], [Float](repeating: 0.1, count: 512))
        model.configuration["eos_token_id"] = 259
        model.files["tokenizer_config.json"] = ["eos_token": "<|endoftext|>"]
        try model.write(to: directory.file("base"))
        let trained = try run(
            [
                "train", "--from", "base", "--text", "talk.jsonl", "--chat-template", "chatml", "--steps", "2",
                "--batch", "2",
            ]
                + ["--out", "tuned", "--quiet"])
        #expect(trained.status == 0, "\(trained.errorText)")
        let description = try ModelDirectory.load(directory.file("tuned")).description
        #expect(description.roles.ends == [259, 261])
        #expect(description.chatTemplate?.contains("<|im_start|>") == true)
    }

    @Test("A model that was trained on a text, without an end, ends its answers when it is trained on conversations")
    func learnsEnds() throws {
        try write("talk.jsonl")
        let text = "User: abcdefghijklmnopqrstuvwxyz\nAssistant: a User, an Assistant\n"
        try directory.write(Array(String(repeating: text, count: 40).utf8), to: "text.txt")
        _ = try run(["train", "--text", "text.txt", "--steps", "5", "--out", "base"] + Self.options)
        #expect(try ModelDirectory.load(directory.file("base")).description.roles.suppressed.count == 1)
        let tuned = try run([
            "train", "--from", "base", "--text", "talk.jsonl", "--steps", "5", "--out", "tuned", "--quiet",
        ])
        #expect(tuned.status == 0, "\(tuned.errorText)")
        let roles = try ModelDirectory.load(directory.file("tuned")).description.roles
        #expect(roles.suppressed == [] && roles.ends.count == 1 && roles.beginning == nil)
    }

    @Test(
        "What cannot be learned from is said in one line",
        arguments: [
            (#"{"messages": [{"role": "user", "content": "a"}]}"#, "plain", "no message of the assistant"),
            (#"{"messages": [{"content": "a"}]}"#, "plain", "line 1"),
            (#"{"messages": [{"role": "assistant", "content": "a"}]}"#, "chatml", "special token"),
            (#"{"messages": [{"role": "assistant", "content": "a"}]}"#, "{{ x", "chat template"),
        ])
    func errors(line: String, template: String, words: String) throws {
        try directory.write(Array("\(line)\n\(line)\n".utf8), to: "bad.jsonl")
        try directory.write(Array(template.utf8), to: "template")
        let chosen = template == "{{ x" ? "template" : template
        let result = try run(
            ["train", "--text", "bad.jsonl", "--chat-template", chosen, "--out", "x"] + Self.options)
        #expect(
            result.status == 1 && result.errorLines.count == 1 && result.errorText.contains(words),
            "\(result.errorText)")
    }
}
