import GPTKit
import TestSupport
import Testing

/// Options that the chosen model or format does not use are refused.
@Suite("Options without effect")
struct OptionEffectTests {
    let directory = TemporaryDirectory()

    private func gpt(_ arguments: [String]) throws -> CommandResult {
        try runCommand(arguments, directory: directory.path)
    }

    @Test(
        "gpt train accepts exactly the options that the table of settings has for the kind of model",
        arguments: ModelSpecification.Kind.languageModels)
    func table(_ kind: ModelSpecification.Kind) throws {
        for id in TrainingSetting.ID.allCases where id != .model && id != .task {
            let (option, value) = try #require(ResumeOptionTests.other[id])
            let result = try gpt(["train", "--text", "missing.txt", "--model", kind.rawValue, option, value])
            if id.hasEffect(on: kind) {
                #expect(result.isRefusal("missing.txt: no such file"), "\(option): \(result.errorText)")
            } else {
                #expect(result.status == 64 && result.text == "", "\(option): \(result.errorText)")
                #expect(result.errorText.contains("\(option) does not apply to --model \(kind.rawValue)"))
            }
        }
    }

    private static let wordPiece = [
        "tokenizer", "train", "--kind", "wordpiece", "--text", "a", "--vocabulary", "300", "--out", "b",
    ]

    @Test(
        "Options for something that is not asked for are wrong usage",
        arguments: [
            (["train", "--accept-edited-files"], "--accept-edited-files"),
            (["test", "model", "--text", "a", "--length", "5"], "--length"),
            (["test", "model", "--text", "a", "--temperature", "0.5"], "--temperature"),
            (["test", "model", "--text", "a", "--top-k", "5"], "--top-k"),
            (["test", "model", "--text", "a", "--top-p", "0.5"], "--top-p"),
            (["test", "model", "--text", "a", "--min-p", "0.5"], "--min-p"),
            (["test", "model", "--text", "a", "--repetition-penalty", "1.1"], "--repetition-penalty"),
            (["test", "model", "--text", "a", "--seed", "5"], "--seed"),
            (["export", "model", "--to", "gguf", "a", "--cache"], "--cache"),
            (["export", "model", "--to", "torchscript", "a", "--precision", "bf16"], "bf16"),
            (["tokenizer", "train", "--text", "a", "--vocabulary", "300", "--out", "b", "--cased"], "--cased"),
            (Self.wordPiece + ["--like", "hf"], "--like"), (Self.wordPiece + ["--pattern", "gpt2"], "--pattern"),
            (Self.wordPiece + ["--lines"], "--lines"), (Self.wordPiece + ["--special", "<s>"], "--special"),
            (["bench", "generate", "--batch", "2"], "--batch"), (["bench", "ops", "--profile"], "--profile"),
        ])
    func misuse(_ arguments: [String], _ option: String) throws {
        let result = try gpt(arguments)
        #expect(result.status == 64 && result.text == "" && result.errorText.contains(option), "\(result.errorText)")
    }

    @Test("What a model on disk does not use is refused in one line")
    func models() throws {
        let counted = try Models.parrot(in: directory)
        try directory.write(Array(Models.verse.utf8), to: "verse.txt")
        for command in [["generate", counted], ["test", counted, "--text", "verse.txt"]] {
            for format in ["bf16", "int8"] {
                let result = try gpt(command + ["--precision", format])
                #expect(result.isRefusal("--precision \(format) does not apply to \(counted)"), "\(result.errorText)")
            }
        }
        let other = TemporaryDirectory()
        let bytes = try Models.transformer(in: other, tokenizer: ByteTokenizer())
        for command in [["generate", bytes], ["test", bytes, "--text", "verse.txt"]] {
            let result = try gpt(command + ["--replace-unknown", "a"])
            #expect(result.isRefusal("--replace-unknown does not apply to \(bytes)"), "\(result.errorText)")
        }
    }

    @Test("What the model of --from or of a run does not use is refused in one line")
    func startingModel() throws {
        try directory.write(Array(TrainCommandTests.verse.utf8), to: "verse.txt")
        let table = try gpt([
            "train", "--text", "verse.txt", "--model", "bigram", "--steps", "5", "--context", "8", "--out", "table",
            "--quiet",
        ])
        #expect(table.status == 0)
        for (arguments, words) in [
            (["--from", "table"], "cannot fine-tune table: "), (["--resume", "table"], "cannot resume table: "),
        ] {
            let result = try gpt(["train", "--text", "verse.txt", "--dropout", "0.1"] + arguments)
            #expect(
                result.isRefusal(words + "--dropout does not apply to a model of the kind bigram; leave it out"),
                "\(result.errorText)")
        }
    }

    @Test(
        "The number format changes the loss of a model that computes products, a little", arguments: ["bf16", "int8"])
    func precision(_ format: String) throws {
        let model = try Models.transformer(in: directory)
        let text = try directory.file(containing: String(repeating: Models.verse, count: 10))
        func loss(_ format: String) throws -> Double {
            let line = try #require(
                try gpt(["test", model, "--text", text, "--json", "--precision", format]).lines.last)
            let member = try #require(line.split(separator: ",").first { $0.contains("\"loss\"") })
            return try #require(Double(member.split { ":{ ".contains($0) }.last ?? ""))
        }
        let exact = try loss("f32"), rounded = try loss(format)
        #expect(rounded != exact && abs(rounded - exact) < 0.01 * exact)
    }
}
