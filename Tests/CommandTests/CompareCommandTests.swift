import GPTKit
import Platform
import StrictJSON
import TestSupport
import Testing

@Suite struct CompareCommandTests {
    let directory = TemporaryDirectory()

    @Test func trainsTheLadderAndSaysWhoBeatsCounting() throws {
        let text = try directory.file(containing: String(repeating: Models.verse, count: 40))
        let out = directory.file("models")
        let result = try runCommand([
            "compare", "--text", text, "--steps", "4", "--layers", "1", "--heads", "2", "--width", "8", "--context",
            "8",
            "--order", "4", "--out", out, "--json",
        ])
        #expect(result.status == 0)
        let last = try #require(result.lines.last)
        let rungs = try #require(try JSON(parsing: Array(last.utf8))["models"]?.arrayValue)
        #expect(rungs.compactMap { $0["model"]?.stringValue } == ["ngram", "bigram", "attention", "gpt"])
        // A text that repeats itself is counting's own; four steps teach nothing.
        #expect(rungs.dropFirst().allSatisfy { $0["beats_counting"] == false })
        for name in ["bigram", "attention", "gpt"] {
            #expect(result.text.contains("\(name) is worse than the n-gram baseline by"))
        }
        #expect(result.text.contains("The best model is ngram (4)."))

        for rung in rungs {
            let name = try #require(rung["model"]?.stringValue)
            let loss = try #require(rung["loss"]?.doubleValue)
            let bits = try #require(rung["bits_per_character"]?.doubleValue)
            #expect(abs(bits - loss / log(2)) < 1e-9)
            let saved = try ModelDirectory.load(out + "/" + name)
            #expect(rung["parameters"]?.intValue == saved.model.parameterCount)
        }
        // What is kept is not overwritten.
        let again = try runCommand(["compare", "--text", text, "--steps", "4", "--out", out])
        #expect(again.status == 1)
        #expect(again.errorLines.count == 1)
        #expect(again.errorText.contains("already contains a model"))
    }

    @Test func comparesVocabularies() throws {
        let text = try directory.file(
            containing: String(repeating: "Tea for two, and two for tea: \u{E9}\n", count: 60))
        let out = directory.file("models")
        let result = try runCommand([
            "compare", "--text", text, "--models", "ngram,bigram", "--tokenizer", "char,bpe:265", "--steps", "3",
            "--out", out, "--json",
        ])
        #expect(result.status == 0, "\(result.errorText)")
        let last = try #require(result.lines.last)
        let rungs = try #require(try JSON(parsing: Array(last.utf8))["models"]?.arrayValue)
        #expect(rungs.compactMap { $0["tokenizer"]?.stringValue } == ["char", "char", "bpe:265", "bpe:265"])
        for rung in rungs {
            let loss = try #require(rung["loss"]?.doubleValue)
            let perByte = try #require(rung["bits_per_byte"]?.doubleValue)
            let perCharacter = try #require(rung["bits_per_character"]?.doubleValue)
            // A byte is less than a character, as some are of two; a character is a token or less.
            #expect(perByte < perCharacter)
            #expect(perCharacter <= loss / log(2) + 1e-9)
        }
        #expect(result.text.contains("by bits per byte"))
        #expect(try ModelDirectory.load(out + "/bpe-265/bigram").model.vocabularySize == 265)
        for wrong in ["char,char", ",", "char,words"] {
            #expect(try runCommand(["compare", "--text", text, "--tokenizer", wrong]).status == 64)
        }
    }

    /// Two files of one name, in directories with a space in theirs.
    @Test func comparesFilesOfOneName() throws {
        let text = try directory.file(containing: String(repeating: "Tea for two, and two for tea\n", count: 60))
        var files: [String] = []
        for (folder, size) in [("my words", 260), ("my  words", 262)] {
            let path = directory.file(folder)
            try #require(Fixtures.makeDirectory(path))
            files.append(path + "/x.json")
            let trained = try runCommand([
                "tokenizer", "train", "--text", text, "--vocabulary", "\(size)", "--out", path + "/x.json",
            ])
            try #require(trained.status == 0, "\(trained.errorText)")
        }
        let out = directory.file("models")
        let result = try runCommand([
            "compare", "--text", text, "--models", "ngram,bigram", "--tokenizer", " \(files[0]) , \(files[1])",
            "--steps", "2", "--out", out, "--json",
        ])
        #expect(result.status == 0, "\(result.errorText)")
        let last = try #require(result.lines.last)
        let rungs = try #require(try JSON(parsing: Array(last.utf8))["models"]?.arrayValue)
        let names = ["my words/x.json", "my  words/x.json"]
        #expect(rungs.compactMap { $0["tokenizer"]?.stringValue } == [names[0], names[0], names[1], names[1]])
        for name in names { #expect(result.text.contains("bigram with \(name)")) }
        #expect(try ModelDirectory.load(out + "/my-words-x.json/bigram").model.vocabularySize == 260)
        #expect(try ModelDirectory.load(out + "/my--words-x.json/bigram").model.vocabularySize == 262)
    }

    @Test func somethingCanBeatCounting() throws {
        // A single token to go by, against a trained table of the same.
        let text = try directory.file(containing: String(repeating: "ab", count: 500))
        let result = try runCommand([
            "compare", "--text", text, "--models", "bigram,ngram", "--order", "1", "--steps", "100", "--context", "16",
        ])
        #expect(result.status == 0)
        #expect(result.text.contains("bigram is better than the n-gram baseline by"))
        #expect(result.text.contains("The best model is bigram."))
    }

    static let refused: [([String], Int32)] = [
        (["--models", "ngram,llama"], 64), (["--models", ","], 64), (["--models", "gpt,gpt"], 64),
        (["--steps", "1", "--minutes", "1"], 64), (["--steps", "0"], 64), (["--minutes", "-1"], 64),
        (["--order", "0"], 64), (["--heads", "3"], 64), (["--validation", "1"], 64), (["--text", "train.bin"], 64),
        (["--out", "-"], 64), (["--context", "100000"], 1),
    ]

    @Test(arguments: refused)
    func refuses(_ arguments: [String], _ status: Int32) throws {
        let text = try directory.file(containing: String(repeating: Models.verse, count: 40))
        let result = try runCommand(["compare", "--text", text] + arguments)
        #expect(result.status == status)
        #expect(result.text == "")
        if status == 1 { #expect(result.errorLines.count == 1) }
    }

    @Test func stopsWhenItIsAskedTo() throws {
        let text = try directory.file(containing: String(repeating: Models.verse, count: 40))
        let command = try RunningCommand(
            ["compare", "--text", text, "--models", "ngram,gpt", "--minutes", "10"], takesInput: false)
        try command.wait { _, errors in errors.contains("training gpt") }
        command.send(SIGINT)
        let result = try command.finish()
        #expect(result.status == 130)
        #expect(result.text.contains("ngram (7)"))
    }

    @Test("Kinds of positions are compared at the trained length and beyond, with several seeds")
    func positions() throws {
        let text = try directory.file(containing: String(repeating: Models.verse, count: 60))
        let small = ["--steps", "3", "--layers", "1", "--heads", "2", "--width", "8", "--context", "8"]
        let result = try runCommand(
            ["compare", "--text", text, "--positions", "learned,alibi,none", "--seeds", "2", "--json"] + small)
        try #require(result.status == 0, "\(result.errorText)")
        let object = try JSON(parsing: Array(try #require(result.lines.last).utf8))
        let kinds = try #require(object["positions"]?.arrayValue)
        #expect(kinds.compactMap { $0["positions"]?.stringValue } == ["learned", "alibi", "none"])
        for (kind, longest) in zip(kinds, ["1", "4", "4"]) {
            let runs = try #require(kind["runs"]?.arrayValue)
            #expect(runs.compactMap { $0["seed"]?.stringValue } == ["1", "2"])
            for run in runs {
                #expect(run["losses"]?[longest]?.doubleValue ?? 0 > 0 && run["seconds_per_step"]?.doubleValue ?? 0 > 0)
                #expect((run["losses"]?["4"] == .null) == (longest == "1"))
            }
            // Seeds differ.
            #expect(runs[0]["losses"]?["1"] != runs[1]["losses"]?["1"])
        }
        #expect(result.lines.contains { $0.hasPrefix("alibi") && $0.contains("±") })
        let short = try runCommand(["compare", "--text", text, "--positions", "none", "--context", "128"])
        #expect(short.status == 1 && short.errorText.contains("is too short"), "\(short.errorText)")
    }

    @Test(
        "Options of the other comparison, and kinds of positions that are none, are wrong usage",
        arguments: [
            (["--positions", "rotray"], "choose from learned, sinusoidal, rotary, alibi, none"),
            (["--positions", "none,none"], "twice"), (["--seeds", "2"], "--seeds applies to --positions"),
            (["--positions", "none", "--seeds", "0"], "between 1 and 1000"),
            (["--positions", "none", "--models", "ngram"], "leave out --models"),
            (["--positions", "none", "--out", "x"], "--out does not apply"),
            (["--positions", "none", "--tokenizer", "char,byte"], "one --tokenizer"),
            (["--positions", ""], "is empty"),
        ])
    func positionsMisused(_ arguments: [String], _ reason: String) throws {
        let result = try runCommand(["compare"] + arguments)
        #expect(result.status == 64 && result.errorText.contains(reason), "\(result.errorText)")
    }
}
