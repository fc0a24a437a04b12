import Files
import GPTKit
import TestSupport
import Testing

@Suite struct DataCommandTests {
    let directory = TemporaryDirectory()

    @Test func showsATextAsTrainingSeesIt() throws {
        let path = try directory.file(containing: "abcdefghij\t\n" + String(repeating: "é", count: 88))
        let result = try runCommand(["data", "--text", path, "--batch", "2", "--context", "3"])
        #expect(result.status == 0)
        #expect(result.errorText == "")
        #expect(
            result.lines.prefix(5) == [
                "text        \(path), 100 characters", "alphabet    13 characters: \\t\\nabcdefghijé",
                "vocabulary  14 tokens including <|endoftext|>: characters", "training    90 tokens, the first 90%",
                "validation  10 tokens, the last 10%",
            ])
        #expect(result.text.contains("A batch: inputs (B, T) = (2, 3) and targets (B, T) = (2, 3)."))
        #expect(result.text.contains("The first row contains 3 predictions:"))
    }

    @Test func showsEveryGuessOfARow() throws {
        // After each letter comes the next, so that the targets are known wherever the row begins.
        let alphabet = "abcdefghijklmnopqrstuvwxyz"
        let path = try directory.file(containing: String(repeating: alphabet, count: 10))
        let lines = try runCommand(["data", "--text", path, "--context", "5", "--batch", "1"]).lines
        let guesses = lines.filter { $0.hasPrefix("  after ") }.map { $0.split(separator: "\"").map(String.init) }
        #expect(guesses.count == 5)
        for (number, guess) in guesses.enumerated() {
            #expect(guess[1].count == number + 1)
            #expect((alphabet + alphabet).contains(guess[1] + guess[3]))
        }
    }

    @Test func takesTheTextFromAPipeAndAsBytes() throws {
        let result = try runCommand(
            ["data", "--text", "-", "--tokenizer", "byte", "--context", "2", "--validation", "0.5"],
            input: "é→é→é→é→")
        #expect(
            result.lines.prefix(5) == [
                "text        standard input, 8 characters", "alphabet    2 characters: é→",
                "vocabulary  257 tokens including <|endoftext|>: bytes", "training    10 tokens, the first 50%",
                "validation  10 tokens, the last 50%",
            ])
    }

    @Test(
        "Patterns of compressed files have the tokens of the files they match",
        .enabled(if: (try? Subprocess.run("gzip", ["--version"])) == 0, "gzip is not installed"))
    func compressedFiles() throws {
        for name in ["a.txt", "b.txt"] {
            try AtomicFile.write(String(repeating: name + "\n", count: 50), to: directory.file(name))
        }
        func prepare(_ pattern: String, to out: String) throws -> [UInt8] {
            let result = try runCommand(
                ["data", "prepare", "--text", directory.file(pattern), "--out", directory.file(out)],
                environment: ["HOME": directory.file("home"), "XDG_CACHE_HOME": nil])
            #expect(result.status == 0, "\(result.errorText)")
            let files = try Files.contents(ofDirectory: directory.file(out)).filter { $0.hasSuffix(".bin") }
            return try files.sorted().flatMap { try TextFile.bytes(directory.file(out + "/" + $0)) }
        }
        let plain = try prepare("*.txt", to: "plain")
        #expect(try Subprocess.run("gzip", [directory.file("a.txt"), directory.file("b.txt")]) == 0)
        #expect(try prepare("*.txt.gz", to: "compressed") == plain && !plain.isEmpty)
    }

    @Test func refusesInOneLine() throws {
        func refused(_ arguments: String..., reason: String) throws {
            let result = try runCommand(["data"] + arguments)
            #expect(result.isRefusal(reason), "\(result.errorText)")
        }
        try refused("--text", "/nowhere", reason: "cannot read /nowhere: no such file")
        try refused("--text", directory.path, reason: "it is a directory")
        try refused("--text", try directory.file(containing: ""), reason: "empty")
        try refused("--text", try directory.file(containing: "short"), reason: "needs at least 11")
    }

    @Test(arguments: [
        (["--tokenizer", "words"], "Unknown tokenizer 'words'"), (["--context", "0"], "--context is 0"),
        (["--validation", "nan"], "--validation is nan"), (["--text", "train.bin"], "is a file of token ids"),
        (["--text", "-", "--text", "-"], "only once"),
        (["--batch", "1048576", "--context", "17"], "too large to show"),
    ])
    func misuseShowsTheUsage(_ arguments: [String], _ words: String) throws {
        let result = try runCommand(["data"] + arguments)
        #expect(result.status == 64 && result.text == "")
        #expect(result.errorText.contains(words) && result.errorText.contains("Usage: gpt data"))
    }
}
