import GPTKit
import Platform
import TestSupport
import Testing

@Suite struct GenerateCommandTests {
    let directory = TemporaryDirectory()

    /// Runs `gpt generate` with the most probable tokens.
    private func greedy(_ model: String, _ arguments: String..., input: String? = nil) throws -> CommandResult {
        try runCommand(["generate", model, "--temperature", "0"] + arguments, input: input)
    }

    @Test func writesThePromptAndWhatFollows() throws {
        let model = try Models.parrot(in: directory)
        let result = try greedy(model, "--prompt", "tea for", "--length", "13")
        #expect(result.text == "tea for two\nand two \n")
        #expect(result.errorText == "")
        #expect(result.status == 0)
        #expect(try greedy(model, "--length", "7").text == "and two\n", "after a newline")
        #expect(try greedy(model, "--prompt", "", "--length", "7").text == "and two\n")
        #expect(try greedy(model, "--prompt", "tea", "--length", "0").text == "tea\n")
    }

    @Test func aTypedPromptHasEscapes() throws {
        let model = try Models.parrot(in: directory)
        #expect(try greedy(model, "--prompt", "tea for two\\n", "--length", "7").text == "tea for two\nand two\n")
        let other = TemporaryDirectory()
        let slashes = try Models.parrot(in: other, text: "a\\nb\tc\n")
        #expect(try greedy(slashes, "--prompt", "a\\\\n", "--length", "1").text == "a\\nb\n")
        #expect(try greedy(slashes, "--prompt", "b\\t", "--length", "1").text == "b\tc\n")
        // What is not typed is taken as it is.
        #expect(try greedy(slashes, "--length", "1", input: "a\\n").text == "a\\nb\n")
        let file = directory.file("prompt.txt")
        try write("a\\n", to: file)
        #expect(try greedy(slashes, "--length", "1", "--prompt-file", file).text == "a\\nb\n")
    }

    @Test func takesThePromptFromAPipeOrAFile() throws {
        let model = try Models.parrot(in: directory)
        #expect(try greedy(model, "--length", "4", input: "tea for").text == "tea for two\n")
        #expect(try greedy(model, "--length", "4", "--prompt-file", "-", input: "tea for").text == "tea for two\n")
        #expect(try greedy(model, "--length", "3", input: "").text == "and\n")
        let file = directory.file("prompt.txt")
        try write("and two", to: file)
        #expect(try greedy(model, "--length", "4", "--prompt-file", file).text == "and two for\n")
        try write("", to: file)
        #expect(try greedy(model, "--length", "3", "--prompt-file", file).text == "and\n")
    }

    @Test func saysThatItWaitsForThePrompt() throws {
        let command = try RunningCommand([
            "generate", try Models.parrot(in: directory), "--temperature", "0", "--length", "4",
        ])
        try command.wait { _, errors in errors.contains("Waiting for the prompt on standard input") }
        command.write("tea for")
        #expect(try command.finish().text == "tea for two\n")
    }

    @Test func endsBeforeAStopString() throws {
        let model = try Models.parrot(in: directory)
        #expect(try greedy(model, "--prompt", "tea", "--stop", "\\nand").text == "tea for two\n")
        #expect(try greedy(model, "--prompt", "tea", "--stop", "xyz", "--stop", "two").text == "tea for \n")
        #expect(try greedy(model, "--prompt", "tea", "--stop", "\\n\\n").text == "tea for two\nand two for tea\n")
    }

    @Test func writesSeveralTexts() throws {
        let model = try Models.transformer(in: directory)
        let together = try runCommand([
            "generate", model, "--prompt", "tea", "--count", "3", "--length", "40", "--seed", "5",
        ])
        let separator = "\n" + String(repeating: "-", count: 15) + "\n"
        let pieces = together.text.split(separator: separator, omittingEmptySubsequences: false)
        #expect(pieces.count == 3)
        #expect(pieces.allSatisfy { $0.hasPrefix("tea") })
        #expect(Set(pieces).count == 3)
        let alone = try runCommand(["generate", model, "--prompt", "tea", "--length", "40", "--seed", "5"])
        #expect(alone.text == pieces[0] + "\n")
    }

    @Test func theSeedDecides() throws {
        let model = try Models.transformer(in: directory)
        func text(_ arguments: String...) throws -> String {
            try runCommand(["generate", model, "--length", "60"] + arguments).text
        }
        let first = try text("--seed", "1", "--threads", "1")
        #expect(try text("--seed", "1", "--threads", "2") == first)
        #expect(try text("--seed", "2") != first)
        #expect(try text() != text(), "another text each time")
        for option in ["--top-k", "--top-p", "--min-p"] {
            // Each of these leaves only the most probable.
            let value = option == "--top-p" ? "0.0001" : "1"
            #expect(try text(option, value) == text("--temperature", "0"))
        }
    }

    @Test func saysThatItKeepsTheEndOfALongPrompt() throws {
        let model = try Models.transformer(in: directory)
        let prompt = "tea for two\nand two for tea\n"
        let result = try greedy(model, "--prompt", prompt, "--length", "50")
        #expect(result.text.hasPrefix(prompt))
        #expect(result.text.count == prompt.count + 51)
        #expect(
            result.errorLines == [
                "The prompt has 28 tokens, more than the model's context of 16: only the last 16 are used."
            ])
        let end = try greedy(model, "--prompt", String(prompt.suffix(16)), "--length", "50")
        #expect(end.text.suffix(51) == result.text.suffix(51))
        #expect(end.errorText == "")
    }

    @Test func replacesUnknownCharacters() throws {
        let model = try Models.parrot(in: directory)
        #expect(
            try greedy(model, "--prompt", "t€a for", "--replace-unknown", "e", "--length", "4").text == "tea for two\n")
        let result = try greedy(model, "--prompt", "téa")
        #expect(result.status == 1)
        #expect(result.text == "")
        let alphabet = Set(Models.verse.unicodeScalars).count
        #expect(
            result.errorLines == [
                "gpt: the character 'é' (U+00E9) at position 1 is not in the alphabet of \(alphabet) characters; "
                    + "--replace-unknown CHARACTER replaces it with another"
            ])
    }

    static let outOfBounds: [([String], String)] = [
        (["--temperature", "-1"], "temperature is -1.0"), (["--temperature", "nan"], "temperature is nan"),
        (["--temperature", "inf"], "temperature is inf"), (["--top-p", "0"], "top-p is 0.0"),
        (["--top-p", "1.5"], "top-p is 1.5"), (["--top-p", "nan"], "top-p is nan"), (["--top-k", "0"], "top-k is 0"),
        (["--min-p", "-0.1"], "min-p is -0.1"), (["--repetition-penalty", "0"], "repetition penalty is 0.0"),
        (["--length", "-1"], "--length is -1"), (["--count", "0"], "--count is 0"),
        (["--stop", ""], "stop string is empty"),
        (["--threads", "0"], "--threads is 0"), (["--replace-unknown", "ab"], "--replace-unknown is 'ab'"),
    ]

    @Test(arguments: outOfBounds)
    func refusesWhatCannotBe(_ arguments: [String], _ reason: String) throws {
        let result = try runCommand(["generate", "model"] + arguments)
        #expect(result.status == 64 && result.text == "")
        #expect(result.errorText.contains(reason) && result.errorText.contains("Usage: gpt generate"))
    }

    @Test(arguments: [
        (["--prompt-file", "/nowhere/at all"], "/nowhere/at all: no such file"), (["--prompt-file", "/"], "directory"),
    ])
    func refusesInOneLine(_ arguments: [String], _ reason: String) throws {
        let model = try Models.parrot(in: directory)
        let result = try runCommand(["generate", model] + arguments)
        #expect(result.status == 1)
        #expect(result.text == "")
        #expect(result.errorLines.count == 1)
        #expect(result.errorText.hasPrefix("gpt: "))
        #expect(result.errorText.contains(reason), "\(result.errorText)")
    }

    @Test(arguments: [
        ["generate"], ["generate", "model", "--lenght", "5"], ["generate", "model", "--temperature", "warm"],
        ["generate", "model", "--prompt", "a", "--prompt-file", "b"], ["generate", "model", "another"],
        ["generate", "model", "--precision", "f8"],
    ])
    func misuseShowsTheUsage(_ arguments: [String]) throws {
        let result = try runCommand(arguments)
        #expect(result.status == 64)
        #expect(result.text == "")
        #expect(result.errorText.contains("Usage: gpt generate"))
    }

    @Test(arguments: ["f32", "bf16", "int8"]) func precisions(_ precision: String) throws {
        let model = try Models.transformer(in: directory)
        let result = try greedy(model, "--prompt", "tea", "--length", "20", "--precision", precision)
        #expect(result.status == 0 && result.errorText == "")
        #expect(result.text.hasPrefix("tea") && result.text.unicodeScalars.count == 3 + 20 + 1)
        #expect(try greedy(model, "--prompt", "tea", "--length", "20", "--precision", precision).text == result.text)
    }

    @Test func refusesWhatIsNoText() throws {
        let model = try Models.parrot(in: directory)
        let file = directory.file("prompt.txt")
        try write([0x61, 0x62, 0xFF], to: file)
        let result = try greedy(model, "--prompt-file", file)
        #expect(result.status == 1)
        #expect(
            result.errorLines == [
                "gpt: cannot read \(file): not valid UTF-8 at byte 2; if it is in another encoding, convert it, for example "
                    + "with iconv -f WINDOWS-1252 -t UTF-8"
            ])
        let pipe = directory.file("pipe")
        mkfifo(pipe, 0o600)
        let refused = try greedy(model, "--prompt-file", pipe)
        #expect(refused.status == 1)
        #expect(refused.errorText.contains("it is a pipe"))
    }

    @Test func refusesAModelThatIsNotSound() throws {
        let missing = try greedy(directory.file("nothing"))
        #expect(missing.status == 1)
        #expect(missing.errorLines == ["gpt: \(directory.file("nothing")): there is no such model directory"])

        let model = try Models.transformer(in: directory) { model in
            model.tokenEmbedding.value.withElements { $0.update(repeating: .nan) }
        }
        let nan = try greedy(model, "--prompt", "tea")
        #expect(nan.status == 1)
        // The error begins a line of its own.
        #expect(nan.text == "tea\n")
        #expect(nan.errorLines.count == 1)
        #expect(nan.errorText.hasPrefix("gpt: \(model): its weights are not finite numbers"), "\(nan.errorText)")
        #expect(nan.errorText.contains("transformer.wte.weight"))

        let weights = model + "/model.safetensors"
        try write(Fixtures.bytes(weights).dropLast(100), to: weights)
        let truncated = try greedy(model, "--prompt", "tea")
        #expect(truncated.status == 1)
        #expect(truncated.text == "")
        #expect(truncated.errorLines.count == 1)
        #expect(truncated.errorText.contains("model.safetensors"))
    }

    @Test func streams() throws {
        let model = try Models.parrot(in: directory)
        let command = try RunningCommand(["generate", model, "--length", "1000000000"], takesInput: false)
        try command.wait { output, _ in output.count > 10_000 }
        #expect(command.isRunning)
        command.send(SIGINT)
        let result = try command.finish()
        #expect(result.status == 130)
        #expect(result.text.hasSuffix("\n"))
        #expect(result.errorText == "")
    }

    @Test func endsQuietlyWhereNobodyReads() throws {
        let model = try Models.parrot(in: directory)
        let command = try RunningCommand(
            ["generate", model, "--length", "1000000000"], takesInput: false, readsOutput: false)
        command.closeOutput()
        let result = try command.finish()
        #expect(result.status == 0)
        #expect(result.errorText == "")
    }

    private func write(_ text: String, to path: String) throws { try write(Array(text.utf8), to: path) }

    private func write(_ bytes: some Sequence<UInt8>, to path: String) throws {
        try #require(Fixtures.write(Array(bytes), to: path))
    }
}
