import Foundation
import TestSupport
import Testing

/// A command into which faults are injected, and its results.
struct FaultJob: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// The command line, with `@` for the directory of inputs.
    let arguments: [String]
    /// The initial contents of the working directory, copied from the inputs.
    var before: [String] = []
    /// The files that the command writes.
    let results: [String]
    /// The run directory, for a command that trains; nil for others.
    var run: String?

    private static let shape =
        "--layers 1 --heads 2 --width 16 --context 16 --batch 4 --precision f32 --threads 1 --quiet"
        .split(separator: " ").map(String.init)
    private static let runFiles = ["model.safetensors", "config.json", "tokenizer.json", "training/samples.txt"]

    static let all: [FaultJob] =
        [
            FaultJob(
                testDescription: "train",
                arguments: ["train", "--text", "@/text.txt", "--steps", "3", "--save-every", "2", "--out", "new/run"]
                    + shape,
                results: runFiles.map { "new/run/" + $0 }, run: "new/run"),
            FaultJob(
                testDescription: "train in an existing directory",
                arguments: ["train", "--text", "@/text.txt", "--steps", "1", "--out", "empty"] + shape,
                before: ["empty"], results: runFiles.map { "empty/" + $0 }, run: "empty"),
            FaultJob(
                testDescription: "train an n-gram model",
                arguments: [
                    "train", "--model", "ngram", "--text", "@/text.txt", "--quiet", "--threads", "1", "--out", "run",
                ],
                results: runFiles.dropLast().map { "run/" + $0 }, run: "run"),
            FaultJob(
                testDescription: "train --resume",
                arguments: [
                    "train", "--resume", "run", "--steps", "5", "--save-every", "1", "--threads", "1", "--quiet",
                ],
                before: ["run"], results: runFiles.map { "run/" + $0 }, run: "run"),
            FaultJob(
                testDescription: "train --from",
                arguments: ["train", "--from", "@/run", "--text", "@/text.txt", "--steps", "1", "--batch", "4"]
                    + ["--out", "other", "--threads", "1", "--quiet"],
                results: runFiles.map { "other/" + $0 }, run: "other"),
        ]
        + ["gguf", "hf", "onnx", "torchscript"].map {
            FaultJob(
                testDescription: "export --to \($0)",
                arguments: ["export", "@/run", "--to", $0, "new/model", "--threads", "1"],
                results: $0 == "hf" ? runFiles.dropLast().map { "new/model/" + $0 } : ["new/model"])
        } + [
            FaultJob(
                testDescription: "export in place of a file",
                arguments: ["export", "@/run", "--to", "gguf", "file", "--precision", "q8_0", "--threads", "1"],
                before: ["file"], results: ["file"]),
            FaultJob(
                testDescription: "import a directory",
                arguments: ["import", "@/run", "new/model", "--threads", "1"],
                results: runFiles.dropLast().map { "new/model/" + $0 }),
            FaultJob(
                testDescription: "import a file",
                arguments: ["import", "@/model.gguf", "new/model", "--threads", "1"],
                results: runFiles.dropLast().map { "new/model/" + $0 }),
            FaultJob(
                testDescription: "tokenizer train to a directory",
                arguments: [
                    "tokenizer", "train", "--text", "@/text.txt", "--vocabulary", "270", "--out", "new/tokens",
                ],
                results: ["new/tokens/tokenizer.json", "new/tokens/tokenizer_config.json"]),
            FaultJob(
                testDescription: "tokenizer train to a directory with other files",
                arguments: ["tokenizer", "train", "--text", "@/text.txt", "--vocabulary", "270", "--out", "notes"],
                before: ["notes"], results: ["notes/tokenizer.json", "notes/tokenizer_config.json", "notes/mine.txt"]),
            FaultJob(
                testDescription: "tokenizer train to a file",
                arguments: [
                    "tokenizer", "train", "--text", "@/text.txt", "--vocabulary", "270", "--out", "tokens.json",
                ],
                results: ["tokens.json"]),
        ]

    /// The inputs of the commands, created once.
    static let inputs: TemporaryDirectory = {
        let directory = TemporaryDirectory()
        var generator = SeededGenerator(seed: 1)
        var text = ""
        while text.utf8.count < 6_000 {
            text +=
                ["a", "king", "speaks", "of", "the", "sea", "and", "rest.\n"].randomElement(using: &generator) ?? ""
            text += " "
        }
        do {
            try directory.write(Array(text.utf8), to: "text.txt")
            try directory.write(Array("older".utf8), to: "file")
            for (name, file) in [("empty", nil), ("notes", "mine.txt")] {
                guard Fixtures.makeDirectory(directory.file(name)) else { continue }
                if let file { try directory.write(Array("mine".utf8), to: name + "/" + file) }
            }
            for arguments in [
                ["train", "--text", "text.txt", "--steps", "2", "--out", "run"] + shape,
                ["export", "run", "--to", "gguf", "model.gguf"],
            ] {
                let result = try runCommand(arguments, directory: directory.path)
                if result.status != 0 { Issue.record("the inputs cannot be created: \(result.errorText)") }
            }
        } catch { Issue.record(error) }
        return directory
    }()

    /// The command line, with the path of the inputs.
    var commandLine: [String] {
        arguments.map { $0.hasPrefix("@") ? Self.inputs.path + $0.dropFirst() : $0 }
    }

    /// Creates a working directory for the command.
    func workplace() throws -> TemporaryDirectory {
        let directory = TemporaryDirectory()
        for name in before {
            try FileManager.default.copyItem(atPath: Self.inputs.file(name), toPath: directory.file(name))
        }
        return directory
    }

    /// The files in a directory and its subdirectories with their contents; names of directories end with a slash.
    static func tree(_ path: String) -> [String: Data] {
        var files: [String: Data] = [:]
        for name in FileManager.default.subpaths(atPath: path) ?? [] {
            var isDirectory: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: path + "/" + name, isDirectory: &isDirectory)
            if isDirectory.boolValue {
                files[name + "/"] = Data()
            } else {
                files[name] = FileManager.default.contents(atPath: path + "/" + name)
            }
        }
        return files
    }
}
