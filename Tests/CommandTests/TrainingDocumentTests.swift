import Files
import GPTKit
import StrictJSON
import TestSupport
import Testing

/// Texts whose documents are separated by special tokens, or are files of their own.
@Suite("Documents of a training")
struct TrainingDocumentTests {
    let directory = TemporaryDirectory()

    private static let story = "once a cat sat"
    private static let options = [
        "--layers", "1", "--heads", "2", "--width", "16", "--context", "16", "--batch", "8", "--lr", "0.01", "--quiet",
        "--evaluate-every", "10",
    ]

    private func gpt(_ arguments: [String]) throws -> CommandResult {
        try runCommand(arguments, directory: directory.path)
    }

    private func train(_ arguments: String...) throws -> CommandResult { try gpt(["train"] + arguments + Self.options) }

    /// The bytes of the tensors of a model, without the header.
    private func tensors(_ name: String) throws -> [UInt8] {
        let bytes = try TextFile.bytes(directory.file("\(name)/model.safetensors"))
        let header = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        return Array(bytes.dropFirst(8 + header))
    }

    @Test("With --special allow a text's special tokens are learned, also by a resumed run")
    func allowed() throws {
        let text = Array(repeating: Self.story, count: 60).joined(separator: "<|endoftext|>")
        try directory.write(Array(text.utf8), to: "stories.txt")
        func train(_ name: String, _ steps: String) throws -> CommandResult {
            try self.train(
                "--text", "stories.txt", "--special", "allow", "--steps", steps, "--out", name, "--schedule",
                "constant", "--warmup", "5")
        }
        let whole = try train("whole", "200")
        #expect(whole.status == 0 && whole.errorText == "", "\(whole.errorText)")
        let model = try ModelDirectory.load(directory.file("whole"))
        // The letters of the token are not part of the alphabet.
        let alphabet = Set(Self.story.unicodeScalars)
        #expect(try model.tokenizer.supportedCharacters.map(Set.init) == alphabet)
        #expect(model.description.roles.ends == [Int32(alphabet.count)] && model.description.roles.suppressed == [])
        let generated = try gpt(["generate", "whole", "--temperature", "0", "--length", "100"])
        #expect(generated.text == Self.story + "\n")

        _ = try train("part", "100")
        let resumed = try gpt(["train", "--resume", "part", "--steps", "200", "--quiet"])
        #expect(resumed.status == 0, "\(resumed.errorText)")
        #expect(try tensors("part") == tensors("whole"))
        let changed = try gpt(["train", "--resume", "part", "--steps", "210", "--special", "text"])
        #expect(
            changed.isRefusal("the treatment of special tokens would change from allow to text"),
            "\(changed.errorText)")
    }

    @Test("Special tokens are treated alike by the commands that encode texts for training")
    func commands() throws {
        let text = String(repeating: "tea<|endoftext|>two ", count: 20)
        try directory.write(Array(text.utf8), to: "t.txt")
        let compare = ["compare", "--models", "ngram", "--order", "3"]
        for command in [["data"], compare, ["train", "--model", "ngram", "--quiet", "--out", "text"]] {
            let result = try gpt(command + ["--text", "t.txt"])
            #expect(result.status == 0 && result.errorLines.count == 1, "\(result.errorText)")
            #expect(
                result.errorText.hasPrefix(
                    "t.txt contains the special token <|endoftext|>, which is encoded as plain text; --special allow"))
        }
        for command in [["data"], compare, ["train", "--model", "ngram", "--quiet", "--out", "refused"]] {
            let result = try gpt(command + ["--text", "t.txt", "--special", "refuse"])
            #expect(
                result.isRefusal("t.txt: the text contains the special token \"<|endoftext|>\" at byte 3"),
                "\(result.errorText)")
        }
        let plain = try gpt(["data", "--text", "t.txt", "--special", "text"])
        #expect(plain.errorText == "" && plain.text.contains("training    360 tokens"))
        // Eight tokens take the place of twenty letters.
        let allowed = try gpt(["data", "--text", "t.txt", "--special", "allow"])
        #expect(allowed.errorText == "" && allowed.text.contains("training    144 tokens"), "\(allowed.text)")
        #expect(allowed.text.contains("vocabulary  7 tokens"), "\(allowed.text)")
        let counted = try gpt(compare + ["--text", "t.txt", "--special", "allow"])
        #expect(counted.status == 0 && counted.text.contains("144 training tokens"), "\(counted.text)")
    }

    @Test("Of several files each is a document, whose end is learned, also by a resumed run")
    func files() throws {
        var texts: [String] = []
        for number in 0..<60 {
            try directory.write(Array(Self.story.utf8), to: "\(number).txt")
            texts += ["--text", "\(number).txt"]
        }
        func train(_ name: String, _ steps: String) throws -> CommandResult {
            try gpt(
                ["train", "--steps", steps, "--out", name, "--schedule", "constant", "--warmup", "5"] + texts
                    + Self.options)
        }
        let whole = try train("whole", "200")
        #expect(whole.status == 0 && whole.errorText == "", "\(whole.errorText)")
        let generated = try gpt(["generate", "whole", "--temperature", "0", "--length", "100"])
        #expect(generated.text == Self.story + "\n")
        _ = try train("part", "100")
        let resumed = try gpt(["train", "--resume", "part", "--steps", "200", "--quiet"])
        #expect(resumed.status == 0, "\(resumed.errorText)")
        #expect(try tensors("part") == tensors("whole"))
        let shown = try gpt(["data"] + texts)
        #expect(shown.text.contains("training    810 tokens") && shown.text.contains("validation  90 tokens"))
    }

    @Test("A model that was trained without ends learns them when it is trained further on documents")
    func fineTuned() throws {
        try directory.write(Array(String(repeating: Self.story + " ", count: 60).utf8), to: "plain.txt")
        let lines = String(repeating: "{\"text\": \"\(Self.story)\"}\n", count: 60)
        try directory.write(Array(lines.utf8), to: "stories.jsonl")
        _ = try train("--text", "plain.txt", "--steps", "100", "--out", "base")
        #expect(try ModelDirectory.load(directory.file("base")).description.roles.ends == [])
        let tuned = try gpt([
            "train", "--from", "base", "--text", "stories.jsonl", "--steps", "200", "--lr", "0.01", "--out", "tuned",
            "--quiet",
        ])
        #expect(tuned.status == 0, "\(tuned.errorText)")
        let roles = try ModelDirectory.load(directory.file("tuned")).description.roles
        #expect(roles.ends.count == 1 && roles.beginning == roles.ends.first && roles.suppressed == [])
        let generated = try gpt(["generate", "tuned", "--temperature", "0", "--length", "100"])
        #expect(generated.text == Self.story + "\n")
    }
}
