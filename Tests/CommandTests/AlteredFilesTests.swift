import Files
import GPTKit
import StrictJSON
import TestSupport
import Testing

/// What the commands do with a model whose files were edited, damaged or left out.
@Suite struct AlteredFilesTests {
    private let directory = TemporaryDirectory()

    /// A Llama, its text beside it.
    private func makeModel() throws -> String {
        let tokenizer = CharacterTokenizer(alphabetOf: [Models.verse])
        let model = Transformer(
            TransformerConfiguration(
                .llama, vocabularySize: tokenizer.vocabularySize, contextLength: 8, layers: 1, heads: 2, width: 16),
            seed: 1)
        try directory.write(Array(String(repeating: Models.verse, count: 40).utf8), to: "text.txt")
        try directory.write(Array(#"{"input_ids": [[1, 2, 3]]}"#.utf8), to: "ids.json")
        return try Models.save(model, tokenizer, in: directory)
    }

    private func edit(_ path: String, _ key: String, _ value: JSON?) throws {
        var object = try #require(try JSON(parsing: Fixtures.bytes(path)).objectValue)
        object[key] = value
        try #require(Fixtures.write(Array(JSON.object(object).serialized(pretty: true).utf8), to: path))
    }

    /// Every command that reads a model, with what it makes.
    private static let commands: [(arguments: [String], makes: String?)] = [
        (["generate", "MODEL", "--length", "3"], nil), (["test", "MODEL", "--text", "text.txt"], nil),
        (["info", "MODEL"], nil), (["logits", "MODEL", "--ids", "ids.json", "--out", "logits"], "logits"),
        (["export", "MODEL", "--to", "hf", "hf"], "hf"), (["export", "MODEL", "--to", "gguf", "gguf"], "gguf"),
        (["export", "MODEL", "--to", "onnx", "onnx"], "onnx"),
        (["export", "MODEL", "--to", "torchscript", "pt"], "pt"),
        (["import", "MODEL", "copy"], "copy"),
        (
            [
                "train", "--from", "MODEL", "--text", "text.txt", "--steps", "1", "--batch", "2", "--out", "run",
                "--quiet",
            ],
            "run"
        ),
    ]

    private func run(_ arguments: [String], _ model: String, _ options: [String] = []) throws -> CommandResult {
        try runCommand(arguments.map { $0 == "MODEL" ? model : $0 } + options, directory: directory.path)
    }

    @Test(
        "Every command that reads a model refuses an edited file and accepts it when told to",
        arguments: [
            ("config.json", "rms_norm_eps", 0.01), ("config.json", "rope_theta", nil),
            ("generation_config.json", "temperature", 0.5), ("tokenizer_config.json", "model_max_length", 9),
        ] as [(String, String, JSON?)])
    func edited(name: String, key: String, value: JSON?) throws {
        let model = try makeModel()
        try edit("\(model)/\(name)", key, value)
        for (arguments, makes) in Self.commands {
            let before = directory.contents
            let refused = try run(arguments, model)
            #expect(refused.status == 1 && refused.text == "", "\(arguments)")
            #expect(refused.errorLines.count == 1, "\(refused.errorText)")
            #expect(refused.errorText.hasPrefix("gpt: \(model)/\(name): edited since the model was saved: \(key) was "))
            #expect(directory.contents == before)
            let accepted = try run(arguments, model, ["--accept-edited-files"])
            #expect(accepted.status == 0, "\(arguments): \(accepted.errorText)")
            if let makes {
                #expect(Files.exists(directory.file(makes)))
                if arguments[0] == "train" || makes == "hf" {
                    #expect(try runCommand(["info", directory.file(makes)]).status == 0, "its record is of itself")
                }
            }
        }
    }

    @Test("Every command refuses a tokenizer that is broken, also where the model is another program's")
    func brokenTokenizer() throws {
        let model = try makeModel()
        try removeRecord(model)
        let path = model + "/tokenizer.json"
        let whole = try Fixtures.bytes(path)
        try #require(Fixtures.write(Array(whole.dropLast(10)), to: path))
        for (arguments, makes) in Self.commands {
            let result = try run(arguments, model)
            #expect(result.status == 1 && result.text == "" && result.errorLines.count == 1, "\(arguments)")
            #expect(result.errorText.hasPrefix("gpt: \(path): it is not a tokenizer.json: "), "\(result.errorText)")
            if let makes { #expect(!Files.exists(directory.file(makes))) }
        }
    }

    @Test("info shows a model without a tokenizer, or with one that cannot be used, and says so")
    func noTokenizer() throws {
        let model = try makeModel()
        try removeRecord(model)
        let path = model + "/tokenizer.json"
        try edit(path, "model", ["type": "Unigram", "vocab": []])
        let unsupported = try runCommand(["info", model, "--json"])
        #expect(unsupported.status == 0 && unsupported.errorText == "")
        #expect(unsupported.text.contains("the tokenizer is not supported") && unsupported.text.contains("Unigram"))
        try Files.remove(path)
        let missing = try runCommand(["info", model, "--json"])
        #expect(missing.status == 0 && missing.errorText == "")
        #expect(missing.text.contains("the model has no tokenizer and can be used with token ids only"))
        for result in [unsupported, missing] {
            let json = try JSON(parsing: Array(try #require(result.lines.last).utf8))
            #expect(json["tokenizer"]?.isNull == true && json["vocabulary"]?.intValue != nil)
        }
        #expect(try run(["logits", "MODEL", "--ids", "ids.json", "--out", "logits"], model).status == 0)
        let generated = try run(["generate", "MODEL"], model)
        #expect(generated.status == 1 && generated.errorText.contains("it has no tokenizer.json"))
    }

    /// Writes the weights as another program would.
    private func removeRecord(_ model: String) throws {
        let path = model + "/model.safetensors"
        let weights = try SafetensorsFile(path: path)
        let tensors = try weights.names.map { name in
            SafetensorsTensor(name: name, shape: try weights.shape(name), floats: try weights.floats(name))
        }
        try SafetensorsWriter.write(to: path, metadata: ["format": "pt"], tensors: tensors)
    }

    @Test("A key of a wrong type is one line in every command, whoever made the model")
    func wrongType() throws {
        let model = try makeModel()
        try removeRecord(model)
        try edit(model + "/config.json", "rms_norm_eps", "1e-06")
        for (arguments, makes) in Self.commands {
            let result = try run(arguments, model)
            #expect(result.status == 1 && result.text == "" && result.errorLines.count == 1, "\(arguments)")
            #expect(result.errorText.contains(#"config.json: rms_norm_eps is a string ("1e-06"), not a finite number"#))
            if let makes { #expect(!Files.exists(directory.file(makes))) }
        }
    }

    @Test(
        "A run is not resumed with an edited configuration",
        arguments: [("rms_norm_eps", 0.01), ("rope_theta", 20000.0)] as [(String, JSON)])
    func resumed(key: String, value: JSON) throws {
        _ = try makeModel()
        let run = directory.file("run")
        let options = ["--layers", "1", "--heads", "2", "--width", "16", "--context", "8", "--batch", "2"]
        let began = try runCommand(
            ["train", "--text", directory.file("text.txt"), "--steps", "4", "--out", run, "--quiet"] + options)
        #expect(began.status == 0, "\(began.errorText)")
        let original = try Fixtures.bytes(run + "/config.json")
        try edit(run + "/config.json", key, value)
        for acceptance in [[], ["--accept-edited-files"]] {
            let result = try runCommand(["train", "--resume", run, "--steps", "8", "--quiet"] + acceptance)
            #expect(result.status == 1 && result.errorLines.count == 1, "\(acceptance)")
            #expect(result.errorText.contains("config.json") && result.errorText.contains(key), "\(result.errorText)")
        }
        try #require(Fixtures.write(original, to: run + "/config.json"))
        // What the weights did not grow from may be edited, if that is said.
        try edit(run + "/generation_config.json", "temperature", 0.5)
        let refused = try runCommand(["train", "--resume", run, "--steps", "8", "--quiet"])
        #expect(refused.status == 1 && refused.errorText.contains("temperature was 1.0 and is 0.5"))
        let accepted = try runCommand(["train", "--resume", run, "--steps", "400", "--quiet", "--accept-edited-files"])
        #expect(accepted.status == 0, "\(accepted.errorText)")
        #expect(try runCommand(["info", run]).status == 0, "the weights that were saved since know the edited file")
    }
}
