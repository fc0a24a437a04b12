import GPTKit
import StrictJSON
import TestSupport
import Testing

@Suite struct InfoCommandTests {
    let directory = TemporaryDirectory()

    private func object(_ result: CommandResult) throws -> JSON {
        try JSON(parsing: Array(try #require(result.lines.last).utf8))
    }

    @Test func takesATransformerApart() throws {
        let path = try Models.transformer(in: directory)
        let result = try runCommand(["info", path, "--json"])
        #expect(result.status == 0)
        #expect(result.errorText == "")
        #expect(result.text.contains("GPT-2: 2 layers, 4 heads of 8, width 32"))
        #expect(result.text.contains("trained       unknown"))
        let info = try object(result)
        let model = try ModelDirectory.load(path).model
        #expect(info["parameters"]?.intValue == model.parameterCount)
        let parts = try #require(info["parts"]?.objectValue)
        #expect(parts.reduce(0) { $0 + ($1.value.intValue ?? 0) } == model.parameterCount)
        #expect(info["parts"]?["final norm"] == 64)
        #expect(info["parts"]?["classifier"] == 0)
        #expect(info["context"] == 16)
        #expect(info["tokenizer"] == "characters")
        // Keys and values of two layers.
        #expect(info["cache_bytes_per_token"] == .int(2 * 2 * 32 * 4))
        #expect(info["training"]?.isNull == true)
    }

    @Test func knowsEveryRung() throws {
        let tokenizer = CharacterTokenizer(alphabetOf: [Models.verse])
        let V = tokenizer.vocabularySize
        let models: [any LanguageModel] = [
            try NGramModel(order: 3, vocabularySize: V, documents: [tokenizer.encode(Models.verse)]),
            BigramModel(vocabularySize: V, seed: 1),
            AttentionModel(.init(vocabularySize: V, contextLength: 8, width: 4), seed: 1),
        ]
        for model in models {
            let path = try Models.save(model, tokenizer, in: directory)
            let info = try object(try runCommand(["info", path, "--json"]))
            #expect(info["model_type"]?.stringValue == model.modelType)
            #expect(info["parameters"]?.intValue == model.parameterCount)
            let parts = try #require(info["parts"]?.objectValue)
            #expect(parts.reduce(0) { $0 + ($1.value.intValue ?? 0) } == model.parameterCount)
        }
    }

    @Test func tellsHowItWasTrained() throws {
        let path = try Models.transformer(in: directory)
        func write(_ text: String, _ name: String) throws {
            try #require(Fixtures.write(Array(text.utf8), to: path + "/training/" + name))
        }
        try #require(Fixtures.makeDirectory(path + "/training"))
        try write(
            """
            {"settings": {"steps": 7000, "batch": 16, "accumulate": 1, "context": 64, "learning_rate": 0.003, "seed": "1"},
             "progress": {"step": 7000, "seconds": 200, "final_validation_loss": 1.5432, "best_step": 6750},
             "text": {"origin": "tiny-shakespeare", "training_tokens": 1003854, "validation_tokens": 111540}}
            """, "settings.json")
        try write("step,training_loss\n6990,1.5\n7000,1.25\n", "metrics.csv")
        let text = try runCommand(["info", path]).text
        #expect(text.contains("tiny Shakespeare, 1.0 million training tokens, 111,540 validation tokens"))
        #expect(text.contains("7,000 steps, 16 windows of 64 tokens, learning rate 0.003, seed 1, 3 min 20 s"))
        #expect(text.contains("validation loss 1.5432, best at step 6,750, last training loss 1.2500"))
        for number in ["-1e300", "1e300", "-1e18", "9223372036854775807"] {
            try write("{\"progress\": {\"step\": \(number), \"seconds\": \(number)}}", "settings.json")
            #expect(try runCommand(["info", path]).status == 0, "\(number)")
        }
        // What is not as expected is passed over.
        for broken in ["", "{", "[]", "{\"settings\": 3, \"progress\": {\"step\": \"x\"}}"] {
            try write(broken, "settings.json")
            #expect(try runCommand(["info", path]).status == 0)
        }
    }

    @Test(.enabled(if: Fixtures.golden != nil, "GPT_GOLDEN names no folder of references"))
    func knowsAModelMadeByTransformers() throws {
        let path = try #require(Fixtures.golden) + "/gpt2-tiny"
        let info = try object(try runCommand(["info", path, "--json"]))
        #expect(info["model_type"] == "gpt2")
        #expect(info["parameters"] == 31616)
        #expect(info["tokenizer"]?.isNull == true)
    }

    @Test func refusesInOneLine() throws {
        for (path, reason) in [(directory.file("nothing"), "no such model directory"), (directory.path, "config.json")]
        {
            let result = try runCommand(["info", path])
            #expect(result.status == 1)
            #expect(result.text == "")
            #expect(result.errorLines.count == 1)
            #expect(result.errorText.contains(reason))
        }
        #expect(try runCommand(["info"]).status == 64)
    }
}
