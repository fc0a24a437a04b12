import Files
import GPTKit
import TestSupport
import Testing

/// What commands say about the texts that they are given, and about schedules that do not fit.
@Suite("What commands say")
struct TextNoticeTests {
    let directory = TemporaryDirectory()

    private func gpt(_ arguments: [String], input: String? = nil) throws -> CommandResult {
        try runCommand(arguments, input: input, directory: directory.path)
    }

    private func train(_ arguments: String...) throws -> CommandResult {
        try gpt(["train"] + arguments + (arguments.contains("--resume") ? [] : TrainCommandTests.tiny))
    }

    /// Each command that reads a text, with the path of the text at the end.
    private static let readers: [[String]] = [
        ["train", "--model", "ngram", "--out", "run", "--text"], ["data", "--text"],
        ["compare", "--models", "ngram", "--text"], ["test", "model", "--text"],
        ["generate", "model", "--length", "1", "--prompt-file"],
        ["tokenizer", "train", "--vocabulary", "300", "--out", "tokens", "--text"],
        ["tokenizer", "encode", "--tokenizer", "byte"], ["tokenizer", "count", "--tokenizer", "byte"],
        ["tokenizer", "bench", "--tokenizer", "byte", "--rounds", "1", "--vocabulary", "0", "--text"],
    ]

    @Test("Every command that reads a text leaves out a byte-order mark and says so", arguments: readers)
    func mark(_ command: [String]) throws {
        _ = try Models.parrot(in: directory)
        let text = String(repeating: Models.verse, count: 30)
        try directory.write([0xEF, 0xBB, 0xBF] + text.utf8, to: "text.txt")
        let result = try gpt(command + ["text.txt"])
        #expect(result.status == 0, "\(result.errorText)")
        let notices = result.errorLines.filter { $0.contains("mark") }
        #expect(notices == ["text.txt begins with a byte-order mark, which is left out."])
    }

    @Test("Every command that reads a text says that lines end in CR LF", arguments: readers)
    func lineEnds(_ command: [String]) throws {
        _ = try Models.parrot(in: directory, text: "tea for two\r\nand two for tea\r\n")
        try directory.write(Array(String(repeating: "tea for two\r\n", count: 50).utf8), to: "text.txt")
        let result = try gpt(command + ["text.txt"])
        #expect(result.status == 0, "\(result.errorText)")
        #expect(result.errorLines.filter { $0.hasPrefix("The lines of text.txt end in CR LF") }.count == 1)
    }

    @Test("Every command that reads a text refuses UTF-16, and NUL bytes", arguments: readers)
    func refusals(_ command: [String]) throws {
        _ = try Models.parrot(in: directory)
        try directory.write([0xFF, 0xFE] + Models.verse.utf8.flatMap { [$0, 0] }, to: "wide.txt")
        let wide = try gpt(command + ["wide.txt"])
        #expect(wide.status == 1 && wide.errorLines.count == 1, "\(wide.errorText)")
        #expect(
            wide.errorText == "gpt: cannot read wide.txt: it is UTF-16; convert it with iconv -f UTF-16 -t UTF-8\n")
        try directory.write(Array((Models.verse + "\0" + Models.verse).utf8), to: "nul.txt")
        let nul = try gpt(command + ["nul.txt"])
        #expect(nul.status == 1 && nul.errorLines.count == 1, "\(nul.errorText)")
        #expect(nul.errorText.contains("a NUL byte at byte \(Models.verse.utf8.count)"), "\(nul.errorText)")
        #expect(!Files.exists(directory.file("run")) && !Files.exists(directory.file("tokens")))
    }

    @Test("A text is the same with a byte-order mark and without: in what is learned, and when a run is resumed")
    func sameText() throws {
        let verse = Array(TrainCommandTests.verse.utf8)
        try directory.write(verse, to: "plain.txt")
        try directory.write([0xEF, 0xBB, 0xBF] + verse, to: "marked.txt")
        for name in ["plain", "marked"] {
            #expect(try train("--text", "\(name).txt", "--steps", "5", "--out", name, "--quiet").status == 0)
        }
        #expect(
            try TextFile.bytes(directory.file("plain/model.safetensors"))
                == TextFile.bytes(directory.file("marked/model.safetensors")))
        let resumed = try train("--resume", "marked", "--steps", "8")
        #expect(resumed.status == 0 && resumed.errorText.contains("marked.txt begins with a byte-order mark"))
        #expect(try train("--resume", "marked", "--text", "plain.txt", "--steps", "9", "--quiet").status == 0)
    }

    @Test("Standard input is named")
    func standardInput() throws {
        let result = try gpt(["tokenizer", "count", "--tokenizer", "byte"], input: "\u{FEFF}a\r\n")
        #expect(result.lines.first?.hasPrefix("3 tokens") == true)
        #expect(
            result.errorLines == [
                "standard input begins with a byte-order mark, which is left out.",
                "The lines of standard input end in CR LF, which is kept; tr -d '\\r' removes the CR.",
            ])
    }

    @Test("A warm-up that is shortened is said, and so is a jump of the learning rate; not with --quiet")
    func schedules() throws {
        try directory.write(Array(TrainCommandTests.verse.utf8), to: "verse.txt")
        let short = try train("--text", "verse.txt", "--steps", "20", "--out", "run")
        #expect(
            short.errorLines.first
                == "The warmup is shortened from 100 to 2 steps, because the run has only 20 steps.")
        let longer = try train("--resume", "run", "--steps", "40")
        #expect(longer.status == 0)
        #expect(
            longer.errorLines.first
                == "The learning rate jumps from 0 to 0.00421 at step 21: the length changes from 20 steps to 40 steps."
        )
        let again = try train("--resume", "run", "--steps", "60", "--quiet")
        #expect(again.status == 0 && again.errorText == "")
        let compared = try gpt([
            "compare", "--text", "verse.txt", "--models", "ngram,bigram", "--steps", "5", "--context", "8",
        ])
        #expect(compared.errorText.contains("The warmup of bigram is shortened from 10 to 0 steps"))
    }

    @Test("A vocabulary is learned from whole texts, or from lines")
    func lines() throws {
        let text = String(repeating: "one two\n\n\nthree four\n\n\n\n", count: 6)
        func merges(_ arguments: String...) throws -> String? {
            let result = try gpt(
                ["tokenizer", "train", "--text", "-", "--vocabulary", "271", "--json", "--out"] + arguments, input: text
            )
            return result.lines.last?.split(separator: ",").first { $0.contains("\"merges\"") }.map(String.init)
        }
        // The line breaks are two merges, which no line contains.
        #expect(try merges("whole.json")?.hasSuffix("15") == true)
        #expect(try merges("lines.json", "--lines")?.hasSuffix("13") == true)
    }
}
