import GPTKit
import Platform
import StrictJSON
import TestSupport
import Testing

@Suite struct TestCommandTests {
    let directory = TemporaryDirectory()

    /// The JSON object on the last line.
    private func object(_ result: CommandResult) throws -> JSON {
        try JSON(parsing: Array(try #require(result.lines.last).utf8))
    }

    @Test func measuresTheWholeText() throws {
        let text = String(repeating: Models.verse, count: 3) + "tea"
        let path = try Models.transformer(in: directory)
        let result = try runCommand(["test", path, "--text", try directory.file(containing: text), "--json"])
        #expect(result.status == 0)
        #expect(result.errorText == "")
        let measured = try object(result)

        let saved = try ModelDirectory.load(path)
        let ids = try saved.tokenizer.encode(text)
        let loss = try saved.languageModel.evaluate(ids).loss
        #expect(measured["loss"]?.doubleValue == loss)
        #expect(measured["perplexity"]?.doubleValue == exp(loss))
        // Every token is a character, and the first is not predicted.
        let bits = try #require(measured["bits_per_character"]?.doubleValue)
        #expect(abs(bits - loss / log(2)) < 1e-12)
        #expect(measured["tokens"]?.intValue == ids.count)
        #expect(measured["characters"]?.intValue == ids.count)
        #expect(measured["seconds"]?.doubleValue.map { $0 >= 0 } == true)
        #expect(measured["continuation"] == nil)
    }

    @Test func countsCharactersWhateverTheTokens() throws {
        let text = "añb→c🙂d"
        let path = try Models.transformer(in: directory, tokenizer: ByteTokenizer())
        let measured = try object(
            try runCommand(["test", path, "--text", try directory.file(containing: text), "--json"]))
        let model = try ModelDirectory.load(path).languageModel
        let evaluation = model.evaluate(Array(text.utf8).map(Int32.init))
        #expect(measured["tokens"]?.intValue == text.utf8.count)
        #expect(measured["characters"]?.intValue == 7)
        let bits = try #require(measured["bits_per_character"]?.doubleValue)
        #expect(abs(bits - evaluation.total / log(2) / 6) < 1e-9)
    }

    @Test func continuesThePrompt() throws {
        let path = try Models.parrot(in: directory)
        let arguments = [
            "test", path, "--text", try directory.file(containing: Models.verse), "--temperature", "0", "--length", "8",
            "--json",
        ]
        let result = try runCommand(arguments + ["--prompt", "tea"])
        #expect(result.text.contains("\n\ntea for two\n{"))
        let measured = try object(result)
        #expect(measured["prompt"] == "tea")
        #expect(measured["continuation"] == " for two")
        let second = try runCommand(arguments + ["--prompt", "tea for two\\n"])
        #expect(second.text.contains("\n\ntea for two\nand two \n{"))
        #expect(try object(second)["prompt"] == "tea for two\n")
        // The same text through a pipe.
        let piped = try runCommand(
            ["test", path, "--text", "-", "--json"], input: Models.verse)
        #expect(try object(piped)["loss"] == measured["loss"])
    }

    @Test func refusesInOneLine() throws {
        let path = try Models.parrot(in: directory)
        func refused(_ arguments: String..., reason: String) throws {
            let result = try runCommand(["test", path] + arguments)
            #expect(result.isRefusal(reason), "\(result.errorText)")
        }
        try refused("--text", "/nowhere", reason: "gpt: cannot read /nowhere: no such file")
        try refused("--text", directory.path, reason: "it is a directory")
        try refused(
            "--text", try directory.file(containing: ""), reason: "it has 0 tokens, and evaluation needs at least 2")
        try refused(
            "--text", try directory.file(containing: "t"), reason: "it has 1 token, and evaluation needs at least 2")
        try refused(
            "--text", try directory.file(containing: "tea€"),
            reason: "text.txt: the character '€' (U+20AC) at position 3")
        try refused(
            "--text", try directory.file(containing: "tea"), "--prompt", "€",
            reason: "the character '€' (U+20AC) at position 0")
        let replaced = try runCommand([
            "test", path, "--text", try directory.file(containing: "tea€"), "--replace-unknown", "a",
        ])
        #expect(replaced.status == 0)
        #expect(try runCommand(["test", path]).status == 64)
        for arguments in [["--text", "val.bin"], ["--text", "x", "--length", "-1"], ["--text", "x", "--top-k", "0"]] {
            #expect(try runCommand(["test", path] + arguments).status == 64)
        }
    }

    @Test func refusesAModelWhoseWeightsAreNoNumbers() throws {
        let path = try Models.transformer(in: directory) { model in
            model.tokenEmbedding.value.withElements { $0.update(repeating: .infinity) }
        }
        let result = try runCommand(["test", path, "--text", try directory.file(containing: Models.verse)])
        #expect(result.status == 1 && result.text == "" && result.errorLines.count == 1)
        #expect(result.errorText.contains("are infinite or NaN"), "\(result.errorText)")
    }
}
