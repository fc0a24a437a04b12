import Files
import GPTKit
import StrictJSON
import TestSupport
import Testing

/// `gpt train` with other tokens than characters, and from another model's weights.
@Suite("gpt train --tokenizer and --from")
struct TrainTokenizerTests {
    let directory = TemporaryDirectory()

    init() throws {
        try directory.write(Array(TrainCommandTests.verse.utf8), to: "verse.txt")
        let other = String(repeating: "the rat sat on the cat, the mat sat on the rat.\n", count: 30)
        try directory.write(Array(other.utf8), to: "other.txt")
    }

    private func gpt(_ arguments: String...) throws -> CommandResult {
        try runCommand(arguments, directory: directory.path)
    }

    /// A tiny training on the verse.
    private func train(_ tokenizer: String, steps: Int = 10, out: String = "run") throws -> CommandResult {
        try runCommand(
            ["train", "--text", "verse.txt", "--tokenizer", tokenizer, "--steps", "\(steps)", "--out", out]
                + TrainCommandTests.tiny, directory: directory.path)
    }

    private func settings(_ run: String) throws -> JSON {
        try JSON(parsing: TextFile.bytes(directory.file("\(run)/training/settings.json")))
    }

    @Test("Byte pairs are learnt from the training part, and everything else takes the model as any other")
    func bytePairs() throws {
        let result = try train("bpe:270")
        #expect(result.status == 0, "\(result.errorText)")
        #expect(result.text.contains("nats per token"))
        #expect(result.text.contains("bits per byte"))

        let saved = try ModelDirectory.load(directory.file("run"))
        let tokenizer = try #require(try saved.tokenizer as? BPETokenizer)
        #expect(tokenizer.vocabularySize == 270)
        #expect(saved.model.vocabularySize == 270)
        #expect(tokenizer.endOfText == 0)
        var pieces = PretokenCounter()
        pieces.add(String(TrainCommandTests.verse.unicodeScalars.prefix(1_728)), splitBy: .gpt2)
        let trainer = try BPETrainer(vocabularySize: 270, specialTokens: ["<|endoftext|>"])
        #expect(try tokenizer.vocabulary.merges == trainer.train(pieces)?.merges)

        // The loss per byte is that of the tokens over the bytes they stand for.
        let validation = String(TrainCommandTests.verse.unicodeScalars.dropFirst(1_728))
        let ids = try tokenizer.encode(validation)
        let length = try #require(try settings("run")["text"]?["validation_bytes_per_token"]?.doubleValue)
        let predicted = validation.utf8.count - tokenizer.bytes(of: ids[0]).count
        #expect(abs(length - Double(predicted) / Double(ids.count - 1)) < 1e-12)
        #expect(try gpt("info", "run").text.contains("bits per byte"))

        let test = try gpt("test", "run", "--text", "other.txt", "--json")
        let measured = try JSON(parsing: Array(try #require(test.lines.last).utf8))
        let bits = try #require(measured["bits_per_byte"]?.doubleValue)
        #expect(measured["bits_per_character"]?.doubleValue == bits)
        let written = try gpt("generate", "run", "--prompt", "é <|endoftext|>", "--length", "5", "--seed", "1")
        #expect(written.status == 0)
        #expect(written.text.hasPrefix("é <|endoftext|>"))
        #expect(try gpt("data", "--text", "verse.txt", "--tokenizer", "bpe:270").text.contains("270 tokens"))
    }

    @Test("A run goes on with the tokenizer it began with, though the file it came from has gone")
    func resumes() throws {
        let learnt = try gpt("tokenizer", "train", "--text", "other.txt", "--vocabulary", "265", "--out", "tokens.json")
        #expect(learnt.status == 0)
        #expect(try train("tokens.json").status == 0)
        try Files.remove(directory.file("tokens.json"))
        let resumed = try gpt("train", "--resume", "run", "--steps", "14")
        #expect(resumed.status == 0, "\(resumed.errorText)")
        #expect(try settings("run")["progress"]?["step"]?.intValue == 14)
        let changed = try gpt("train", "--resume", "run", "--steps", "20", "--tokenizer", "bpe:300")
        #expect(changed.status == 1)
        #expect(changed.errorText.contains("tokenizer would change"))
    }

    @Test("A new training begins with a model's weights and keeps its tokens", arguments: ["char", "byte", "bpe:270"])
    func from(_ tokenizer: String) throws {
        #expect(try train(tokenizer, steps: 60, out: "first").status == 0)
        let before = try TextFile.bytes(directory.file("first/model.safetensors"))
        let result = try gpt(
            "train", "--from", "first", "--text", "other.txt", "--steps", "5", "--batch", "4", "--out", "second")
        #expect(result.status == 0, "\(result.errorText)")
        #expect(
            try TextFile.bytes(directory.file("second/tokenizer.json"))
                == TextFile.bytes(directory.file("first/tokenizer.json")))
        #expect(try TextFile.bytes(directory.file("first/model.safetensors")) == before)
        #expect(try settings("second")["settings"]?["from"]?.stringValue == "first")
        #expect(try settings("second")["settings"]?["learning_rate"]?.doubleValue == 3e-4)

        // What it knew is not lost: it begins far below a model that knows nothing.
        let fresh = try TextFile.read(directory.file("first/training/metrics.csv")).split(separator: "\n")[1]
        let loss = try #require(
            try settings("second")["progress"]?["final_validation_loss"]?.doubleValue)
        #expect(loss < (Double(fresh.split(separator: ",")[1]) ?? 0) - 0.5)
        #expect(try gpt("train", "--resume", "second", "--steps", "8").status == 0)
    }

    @Test func refusals() throws {
        #expect(try train("char").status == 0)
        try directory.write(Array(String(repeating: "Grüße! ", count: 100).utf8), to: "german.txt")
        let unknown = try gpt("train", "--from", "run", "--text", "german.txt", "--out", "other")
        #expect(unknown.status == 1)
        #expect(unknown.errorText.contains("german.txt: the character 'G' (U+0047) at position 0"))
        #expect(unknown.errorLines.count == 1)
        for options in [
            ["--layers", "2"], ["--model", "bigram"], ["--preset", "seed"], ["--tokenizer", "byte"],
            ["--resume", "run"], ["--context", "4"],
        ] {
            let refused = try runCommand(
                ["train", "--from", "run", "--text", "other.txt"] + options, directory: directory.path)
            #expect(refused.status == 64)
            #expect(refused.errorText.contains("--from"))
        }
        let counting = ["train", "--model", "ngram", "--text", "verse.txt", "--out", "counts", "--quiet"]
        #expect(try runCommand(counting, directory: directory.path).status == 0)
        #expect(try gpt("train", "--from", "counts", "--text", "other.txt").errorText.contains("counts"))
        #expect(try train("bpe:100").status == 64)
        let large = try train("bpe:9999999")
        #expect(large.status == 64)
        #expect(large.errorText.contains("between 257 and \(BPETrainer.greatestVocabulary)"), "\(large.errorText)")
        #expect(try train("bpe:many").status == 64)
        #expect(try train("nothing").status == 64)
        #expect(try train("./missing.json").status == 1)
        #expect(!Files.exists(directory.file("other")))
    }

    @Test("Tokens that are too few are said to be so, not characters")
    func tooShort() throws {
        try directory.write(Array(String(repeating: "tea", count: 100).utf8), to: "short.txt")
        let result = try runCommand(
            ["train", "--text", "short.txt", "--tokenizer", "bpe:300", "--context", "64", "--out", "short"],
            directory: directory.path)
        #expect(result.status == 1)
        #expect(result.errorText.contains("training tokens"))
    }
}
