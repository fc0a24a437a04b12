import Files
import Foundation
import GPTKit
import TestSupport
import Testing

/// `gpt train` as its users run it.
@Suite("gpt train")
struct TrainCommandTests {
    let directory = TemporaryDirectory()

    /// A text of some two thousand characters.
    static let verse = String(repeating: "the cat sat on the mat, the rat sat on the cat.\n", count: 40)

    /// Options for a model small enough to train in a moment.
    static let tiny = ["--layers", "1", "--heads", "2", "--width", "16", "--context", "8", "--batch", "4"]

    init() throws { try directory.write(Array(Self.verse.utf8), to: "verse.txt") }

    private func train(
        _ arguments: [String], input: String? = nil, environment: [String: String?] = [:]
    ) throws -> CommandResult {
        try runCommand(["train"] + arguments, input: input, environment: environment, directory: directory.path)
    }

    /// A tiny training on the verse.
    private func tiny(_ arguments: String...) throws -> CommandResult {
        try train(["--text", "verse.txt"] + Self.tiny + arguments)
    }

    @Test(
        "A model trained on documents writes one and ends, and keeps that when it is exported",
        arguments: ["stories.txt", "stories.jsonl"])
    func documents(name: String) throws {
        let story = "once a cat sat"
        let text =
            name.hasSuffix("jsonl")
            ? String(repeating: "{\"text\": \"\(story)\"}\n", count: 60)
            : Array(repeating: story, count: 60).joined(separator: "\n\n")
        try directory.write(Array(text.utf8), to: name)
        let separator = name.hasSuffix("jsonl") ? [] : ["--document-separator", "\\n\\n"]
        let result = try train(
            ["--text", name, "--out", "stories", "--steps", "200", "--lr", "0.01", "--quiet"] + separator + [
                "--layers", "1", "--heads", "2", "--width", "16", "--context", "16", "--batch", "8",
            ])
        #expect(result.status == 0, "\(result.errorText)")
        _ = try runCommand(["export", "stories", "--to", "gguf", "stories.gguf"], directory: directory.path)
        for model in ["stories", "stories.gguf"] {
            let generated = try runCommand(
                ["generate", model, "--temperature", "0", "--length", "100"], directory: directory.path)
            #expect(generated.text == story + "\n", "\(model)")
            let goesOn = try runCommand(
                ["generate", model, "--temperature", "0", "--length", "100", "--ignore-eos"], directory: directory.path)
            #expect(goesOn.text.hasPrefix(story + story), "\(model)")
        }
        let resumed = try runCommand(
            ["train", "--resume", "stories", "--steps", "205", "--quiet"], directory: directory.path)
        #expect(resumed.status == 0, "\(resumed.errorText)")
    }

    @Test("A special token that a text spells is said to be plain text")
    func specialTokenInText() throws {
        try directory.write(Array((Self.verse + "<|endoftext|>\n" + Self.verse).utf8), to: "two.txt")
        let result = try train(["--text", "two.txt", "--steps", "1", "--quiet"] + Self.tiny)
        #expect(
            result.errorLines == [
                "two.txt contains the special token <|endoftext|>, which is encoded as plain text; --special allow "
                    + "encodes it as the token. If it separates documents, --document-separator '<|endoftext|>' makes it "
                    + "the token that ends each."
            ])
        let separated = try train(
            ["--text", "two.txt", "--steps", "1", "--quiet", "--out", "b", "--document-separator", "<|endoftext|>"]
                + Self.tiny)
        #expect(separated.status == 0 && separated.errorText == "")
    }

    private func file(_ name: String) throws -> [UInt8] { try TextFile.bytes(directory.file(name)) }

    /// The columns of metrics.csv that do not depend on the clock.
    private func metrics(_ run: String) throws -> [String] {
        try TextFile.read(directory.file("\(run)/training/metrics.csv")).split(separator: "\n").map { line in
            line.split(separator: ",", omittingEmptySubsequences: false).prefix(6).joined(separator: ",")
        }
    }

    /// The bytes of the tensors of a file, without its header.
    private func tensors(_ name: String) throws -> [UInt8] {
        let bytes = try file(name)
        let header = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        return Array(bytes.dropFirst(8 + header))
    }

    private func expectSameRuns(_ one: String, _ other: String) throws {
        #expect(try tensors("\(one)/training/latest.safetensors") == tensors("\(other)/training/latest.safetensors"))
        #expect(try file("\(one)/model.safetensors") == file("\(other)/model.safetensors"))
        #expect(try metrics(one) == metrics(other))
        #expect(try file("\(one)/training/samples.txt") == file("\(other)/training/samples.txt"))
    }

    // MARK: From beginning to end

    @Test("It trains, shows what the model writes and how it stands against counting, and leaves a model to use")
    func wholeWay() throws {
        let result = try tiny("--steps", "30", "--out", "run")
        #expect(result.status == 0)
        #expect(result.text.contains("Text generated by the model:"))
        #expect(result.text.contains("the model is worse by"))
        #expect(result.lines.last == "  gpt generate run --prompt \"the\"")
        // Through a pipe, progress is lines.
        #expect(!result.errorText.contains("\r") && !result.errorText.contains("\u{1B}"))
        #expect(result.errorLines.contains { $0.hasPrefix("step 30 of 30  loss ") })
        let names = [
            "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
            "training",
        ]
        #expect(try Files.contents(ofDirectory: directory.file("run")) == names)
        #expect(
            try Files.contents(ofDirectory: directory.file("run/training"))
                == ["latest.safetensors", "loss.svg", "metrics.csv", "samples.txt", "settings.json"])
        let written = try runCommand(
            ["generate", "run", "--prompt", "the", "--length", "20"], directory: directory.path)
        #expect(written.status == 0 && written.text.hasPrefix("the"))
    }

    @Test("The loss it prints is the one 'gpt test' finds on the validation text")
    func printedLoss() throws {
        let result = try tiny("--steps", "30", "--out", "run", "--quiet")
        #expect(result.errorText == "")
        let scalars = Array(Self.verse.unicodeScalars)
        let cut = TokenDataset.trainingLength(of: scalars.count, validation: 0.1)
        try directory.write(Array(Self.verse.utf8.dropFirst(cut)), to: "rest.txt")
        let test = try runCommand(
            ["test", "run", "--text", "rest.txt", "--prompt", "the", "--length", "1", "--json"],
            directory: directory.path)
        let loss = try #require(
            test.lines.last.flatMap { line in
                line.split(separator: ",").first { $0.contains("\"loss\"") }?.split(separator: ":").last.flatMap {
                    Double($0)
                }
            })
        let printed = try #require(result.lines.first { $0.hasPrefix("validation loss ") })
        let shown = try #require(Double(printed.split(separator: " ")[2]))
        #expect(abs(shown - loss) < 5.1e-5)
    }

    @Test("--profile ends with where a step's time went")
    func profile() throws {
        let result = try tiny("--steps", "3", "--quiet", "--profile")
        #expect(result.status == 0)
        let start = try #require(result.lines.firstIndex { $0.hasPrefix("Time per training step") })
        let names = result.lines[(start + 2)...].compactMap { $0.split(separator: " ").first.map(String.init) }
        #expect(names.last == "step")
        #expect(names.contains("Linear") && names.contains("AdamW") && names.contains("other"))
    }

    @Test(
        "Each rung trains by the same command", arguments: ["ngram", "bigram", "attention", "gpt"], ["char", "byte"])
    func rungs(_ model: String, _ tokenizer: String) throws {
        var arguments = ["--text", "verse.txt", "--model", model, "--tokenizer", tokenizer, "--out", "run", "--quiet"]
        if model != "ngram" { arguments += ["--steps", "5", "--context", "8"] }
        if model == "gpt" { arguments += ["--layers", "1", "--width", "16"] }
        let result = try train(arguments)
        #expect(result.status == 0)
        #expect(result.text.contains("nats per \(tokenizer == "char" ? "character" : "byte")"))
        #expect(try runCommand(["generate", "run", "--length", "5"], directory: directory.path).status == 0)
    }

    @Test("Each family trains, goes on and writes", arguments: ["gpt2", "llama", "qwen3"])
    func families(_ family: String) throws {
        let result = try tiny("--steps", "4", "--family", family, "--out", "run", "--quiet")
        #expect(result.status == 0)
        #expect(
            try runCommand(["info", "run"], directory: directory.path).lines.first?.hasSuffix("(\(family))") == true)
        #expect(try train(["--resume", "run", "--steps", "6", "--quiet"]).status == 0)
        #expect(try runCommand(["generate", "run", "--length", "5"], directory: directory.path).status == 0)
        let other = try train(["--resume", "run", "--steps", "8", "--family", family == "llama" ? "qwen3" : "llama"])
        #expect(other.status == 1 && other.errorText.contains("the family would change"))
    }

    @Test("Options that no family has together make a model of its own kind, and what cannot be is refused")
    func options() throws {
        let result = try tiny("--steps", "2", "--kv-heads", "1", "--positions", "sinusoidal", "--out", "run")
        #expect(result.status == 0)
        let info = try runCommand(["info", "run"], directory: directory.path)
        #expect(info.lines.first?.hasSuffix("(transformer)") == true)
        #expect(info.text.contains("1 key/value head") && info.text.contains("sinusoidal positions"))
        #expect(try train(["--resume", "run", "--steps", "3", "--quiet"]).status == 0)
        let shared = try tiny("--kv-heads", "3")
        #expect(shared.status == 64 && shared.errorText.contains("multiple"))
        let counted = try tiny("--model", "ngram", "--family", "llama")
        #expect(counted.status == 64 && counted.errorText.contains("does not apply to --model ngram"))
    }

    @Test("A text comes through a pipe, or several from files")
    func texts() throws {
        let piped = try train(["--text", "-", "--steps", "2", "--out", "piped"] + Self.tiny, input: Self.verse)
        #expect(piped.status == 0 && piped.errorText.contains("standard input"))
        let several = try tiny("--text", "verse.txt", "--steps", "2", "--out", "several")
        // The end of each is one token more.
        #expect(several.errorText.contains("3,457 training tokens, 385 validation tokens"))
    }

    @Test("Without a network, a cache or a folder it trains on the play it carries, and says so in one line")
    func builtIn() throws {
        let result = try train(
            ["--steps", "2", "--quiet"] + Self.tiny,
            environment: ["GPT_DATA": nil, "HOME": directory.path, "XDG_CACHE_HOME": nil, "PATH": directory.path])
        #expect(result.status == 0)
        #expect(result.errorLines.count == 1 && result.errorText.contains("built-in play"))
    }

    @Test("Another text under the name of tiny Shakespeare is not used")
    func anotherTextOfTheName() throws {
        let path = try directory.file("tinyshakespeare.txt", containing: Self.verse)
        let result = try train(["--steps", "2", "--quiet"] + Self.tiny, environment: ["GPT_DATA": directory.path])
        #expect(result.status == 0 && result.errorLines.count == 1)
        #expect(
            result.errorText.contains("\(path) is not tiny Shakespeare: its SHA-256 differs"), "\(result.errorText)")
    }

    @Test(
        "Tiny Shakespeare comes from the folder of GPT_DATA",
        .enabled(if: Fixtures.data != nil, "GPT_DATA names no folder"))
    func tinyShakespeare() throws {
        let result = try train(["--steps", "2"] + Self.tiny)
        #expect(result.errorText.contains("1,003,854 training tokens, 111,540 validation tokens"))
        #expect(result.text.contains("1.5165"))
    }

    // MARK: Names

    @Test("Run again without a name, nothing is lost: the older model moves aside")
    func defaultName() throws {
        _ = try tiny("--steps", "2", "--quiet")
        let first = try file("model/model.safetensors")
        let second = try tiny("--steps", "3", "--quiet", "--seed", "2")
        #expect(second.status == 0 && second.errorText.contains("model-1"))
        #expect(try file("model-1/model.safetensors") == first)
        #expect(try file("model/model.safetensors") != first)
        #expect(try tiny("--steps", "2", "--quiet").errorText.contains("model-2"))
    }

    @Test("A name that is taken is refused, and what is there stays")
    func takenName() throws {
        _ = try tiny("--steps", "2", "--out", "run", "--quiet")
        let before = try file("run/model.safetensors")
        let result = try tiny("--steps", "2", "--out", "run")
        #expect(result.status == 1 && result.errorLines.count == 1 && result.errorText.contains("--out"))
        #expect(try file("run/model.safetensors") == before)
    }

    // MARK: Stopping and resuming

    @Test(
        "Killed and resumed with other threads, it ends with the bits of a run that was left alone", arguments: [1, 2])
    func killed(_ threads: Int) throws {
        let arguments =
            ["--text", "verse.txt", "--steps", "300", "--save-every", "7", "--evaluate-every", "30"] + Self.tiny
        #expect(try train(arguments + ["--out", "whole", "--quiet"]).status == 0)
        let command = try RunningCommand(["train"] + arguments + ["--out", "killed"], directory: directory.path)
        try command.wait { _, errors in errors.contains("step 60 of") }
        command.send(SIGKILL)
        #expect(try command.finish().status == 128 + SIGKILL)
        let resumed = try train(["--resume", "killed", "--threads", "\(threads)", "--quiet"])
        #expect(resumed.status == 0)
        try expectSameRuns("whole", "killed")
    }

    @Test(
        "Ctrl-C and its like finish the step, save, say how to go on and exit with 128 + signal",
        arguments: [SIGINT, SIGTERM, SIGHUP])
    func stopped(_ signal: Int32) throws {
        let arguments = ["--text", "verse.txt", "--steps", "2000", "--evaluate-every", "20"] + Self.tiny
        let command = try RunningCommand(["train"] + arguments + ["--out", "run"], directory: directory.path)
        try command.wait { _, errors in errors.contains("step 100 of") }
        command.send(signal)
        let result = try command.finish()
        #expect(result.status == 128 + signal)
        #expect(result.text == "")
        #expect(result.errorLines.last == "Continue with: gpt train --resume run")
        if signal == SIGINT {
            #expect(try train(arguments + ["--out", "whole", "--quiet"]).status == 0)
            #expect(try train(["--resume", "run", "--quiet"]).status == 0)
            try expectSameRuns("whole", "run")
        }
    }

    @Test("Stopped in the middle of an evaluation, it does not wait for its end, and makes it when resumed")
    func stoppedWhileEvaluating() throws {
        // An evaluation of a long validation text, after very few steps.
        let long = String(repeating: Self.verse, count: 300)
        try directory.write(Array(long.utf8), to: "long.txt")
        let arguments =
            ["--text", "long.txt", "--validation", "0.9", "--steps", "3", "--evaluate-every", "1"] + Self.tiny
        let command = try RunningCommand(["train"] + arguments + ["--out", "run"], directory: directory.path)
        try command.wait { _, errors in errors.contains("step 3 of 3") }
        usleep(50_000)
        command.send(SIGTERM)
        let result = try command.finish(timeLimit: 20)
        // The final evaluation takes many times as long as everything before it.
        if result.status == 128 + SIGTERM {
            #expect(result.errorText.contains("the run is saved"))
            let resumed = try train(["--resume", "run", "--quiet"])
            #expect(resumed.status == 0 && resumed.text.contains("validation loss"))
        }
    }

    /// A text that takes a while to count.
    private func writeLong() throws {
        var generator = SeededGenerator(seed: 1)
        let letters = (0..<4_000_000).map { _ in UInt8.random(in: 97...122, using: &generator) }
        try directory.write(letters, to: "long.txt")
    }

    @Test("A single Ctrl-C ends counting", arguments: [SIGINT, SIGTERM])
    func stoppedWhileCounting(_ signal: Int32) throws {
        try writeLong()
        let command = try RunningCommand(
            ["train", "--text", "long.txt", "--model", "ngram", "--out", "run"], directory: directory.path)
        try command.wait { _, _ in Files.exists(directory.file("run")) }
        command.send(signal)
        let result = try command.finish()
        #expect(result.status == 128 + signal && result.text == "")
    }

    @Test("It ends the comparison with counting, too, and the model is there")
    func stoppedWhileComparing() throws {
        try writeLong()
        let command = try RunningCommand(
            ["train", "--text", "long.txt", "--validation", "0.001", "--steps", "2", "--out", "run"] + Self.tiny,
            directory: directory.path)
        try command.wait { output, _ in output.contains("nats per character") }
        command.send(SIGINT)
        let result = try command.finish()
        #expect(result.status == 128 + SIGINT && !result.text.contains("7-gram"))
        #expect(try runCommand(["generate", "run", "--length", "5"], directory: directory.path).status == 0)
    }

    @Test(
        "A kill during the very first save does not stand in the way of the next run",
        arguments: [[], ["--out", "run"]])
    func remains(_ arguments: [String]) throws {
        let name = arguments.last ?? "model"
        try Files.makeDirectory(directory.file(name))
        try directory.write([0x7B], to: "\(name)/tokenizer.json")
        let result = try train(["--text", "verse.txt", "--steps", "2"] + Self.tiny + arguments)
        #expect(result.status == 0 && result.errorText.contains("\(name)-1"))
        #expect(try file("\(name)-1/tokenizer.json") == [0x7B])
    }

    @Test("A finished run says that it is, and goes on with more steps")
    func moreSteps() throws {
        _ = try tiny("--steps", "20", "--out", "run", "--quiet")
        let again = try train(["--resume", "run"])
        #expect(again.status == 0 && again.errorText.contains("is complete"))
        #expect(try train(["--resume", "run", "--steps", "30", "--quiet"]).status == 0)
        #expect(try metrics("run").last?.hasPrefix("30,") == true)
    }

    @Test("A resume that would change what the run grew from is refused, naming it")
    func changed() throws {
        _ = try tiny("--steps", "20", "--out", "run", "--quiet")
        let before = try file("run/training/latest.safetensors")
        func refusal(_ arguments: String...) throws -> String {
            let result = try train(["--resume", "run", "--steps", "40"] + arguments)
            #expect(result.status == 1 && result.errorLines.count == 1 && result.text == "")
            return result.errorText
        }
        #expect(try refusal("--width", "32").contains("width"))
        #expect(try refusal("--model", "bigram").contains("model"))
        #expect(try refusal("--tokenizer", "byte").contains("tokenizer"))
        #expect(try refusal("--seed", "7").contains("seed"))
        try directory.write(Array("another text, but long enough to train on: \(Self.verse)".utf8), to: "other.txt")
        #expect(try refusal("--text", "other.txt").contains("other.txt"))
        try directory.write(Array((Self.verse + "!").utf8), to: "verse.txt")
        #expect(try refusal().contains("verse.txt"))
        #expect(try file("run/training/latest.safetensors") == before)
    }

    @Test("A second run in a busy directory is refused")
    func busy() throws {
        let command = try RunningCommand(
            ["train", "--text", "verse.txt", "--steps", "1000000", "--out", "run"] + Self.tiny,
            directory: directory.path)
        try command.wait { _, errors in errors.contains("Output directory: run") }
        for arguments in [["--resume", "run"], ["--text", "verse.txt", "--out", "run"] + Self.tiny] {
            let result = try train(arguments)
            #expect(result.status == 1 && result.errorLines.count == 1, "\(result.errorText)")
        }
        command.send(SIGTERM)
        #expect(try command.finish().status == 128 + SIGTERM)
    }

    // MARK: What can go wrong

    @Test(
        "Bad input is one line and exit status 1, and nothing is written",
        arguments: [
            (["--text", "missing.txt"], "missing.txt"), (["--text", "."], "directory"), (["--text", "pipe"], "pipe"),
            (["--text", "empty.txt"], "empty"), (["--text", "short.txt"], "at least 144"),
            (["--text", "bad.txt"], "byte 3"),
            (["--text", "verse.txt", "--layers", "4000", "--width", "1000000", "--heads", "1"], "too large"),
            (["--text", "verse.txt", "--batch", "1000000"], "too large"),
            (["--resume", "nothing"], "nothing"), (["--resume", "short.txt/run"], "not a directory"),
            (["--text", "verse.txt", "--out", "short.txt"], "--out"),
            (["--text", "verse.txt", "--out", "short.txt/run"], "short.txt"),
        ])
    func badInput(_ arguments: [String], _ words: String) throws {
        try directory.write([], to: "empty.txt")
        try directory.write(Array("too short".utf8), to: "short.txt")
        try directory.write([0x61, 0x62, 0x63, 0xFF], to: "bad.txt")
        mkfifo(directory.file("pipe"), 0o600)
        let before = directory.contents
        let result = try train(arguments)
        #expect(result.status == 1 && result.text == "")
        #expect(result.errorLines.count == 1 && result.errorText.hasPrefix("gpt: "), "\(result.errorText)")
        #expect(result.errorText.contains(words), "\(result.errorText)")
        #expect(directory.contents == before)
    }

    @Test(
        "Misuse is exit status 64",
        arguments: [
            ["--steps", "5", "--minutes", "1"], ["--resume", "a", "--out", "b"], ["--model", "llama"],
            ["--preset", "char-small", "--model", "ngram"], ["--steps", "many"], ["--no-such-option"], ["--lr", "nan"],
            ["--lr", "-1"], ["--width", "30"], ["--dropout", "1"], ["--steps", "0"], ["--validation", "0"],
            ["--threads", "0"], ["--text", "-", "--text", "-"], ["--out", "-"], ["--resume", "a", "--steps", "0"],
            ["--from", "a", "--batch", "0"], ["--model", "ngram", "--profile"],
        ])
    func misuse(_ arguments: [String]) throws {
        let result = try train(arguments)
        #expect(result.status == 64 && result.text == "")
    }

    @Test("A loss that is not finite ends the run with the step's name and the last good model")
    func notFinite() throws {
        let result = try tiny("--steps", "200", "--lr", "1e5", "--warmup", "0", "--out", "run", "--quiet")
        #expect(result.status == 1 && result.errorLines.count == 1)
        #expect(result.errorText.contains("of step "))
        #expect(try runCommand(["generate", "run", "--length", "5"], directory: directory.path).status == 0)
    }

    @Test("A full disk while saving is one line, and the older state still loads")
    func fullDisk() throws {
        _ = try tiny("--steps", "20", "--out", "run", "--quiet")
        let before = try file("run/training/latest.safetensors")
        let model = try file("run/model.safetensors")
        // No file may grow beyond 8 blocks, as on a disk that is full: the signal is ignored, and writing fails.
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c",
            "trap '' XFSZ; ulimit -f 8; exec '\(RunningCommand.executable)' train --resume run --steps 40 --quiet",
        ]
        process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 1)
        #expect(text.hasPrefix("gpt: cannot write run/") && text.split(separator: "\n").count == 1, "\(text)")
        #expect(try file("run/training/latest.safetensors") == before)
        #expect(try file("run/model.safetensors") == model)
        #expect(!directory.contents.contains { $0.hasPrefix(".") })
        #expect(try train(["--resume", "run", "--steps", "40", "--quiet"]).status == 0)
    }

    @Test("A reader of the results that goes away is no failure, and the model is there")
    func closedPipe() throws {
        let command = try RunningCommand(
            ["train", "--text", "verse.txt", "--steps", "5", "--out", "run", "--quiet"] + Self.tiny,
            readsOutput: false, directory: directory.path)
        command.closeOutput()
        let result = try command.finish()
        #expect(result.status == 0 && result.errorText == "")
        #expect(Files.exists(directory.file("run/model.safetensors")))
    }

    @Test("A truncated or altered checkpoint is refused in one line")
    func damaged() throws {
        _ = try tiny("--steps", "5", "--out", "run", "--quiet")
        let sound = try file("run/training/latest.safetensors")
        var altered = sound
        altered[sound.count - 5] ^= 1
        for bytes in [Array(sound.prefix(sound.count - 1)), altered, []] {
            try directory.write(bytes, to: "run/training/latest.safetensors")
            let result = try train(["--resume", "run", "--steps", "9"])
            #expect(result.status == 1 && result.errorLines.count == 1)
            #expect(result.errorText.contains("latest.safetensors"))
        }
        let model = try file("run/model.safetensors")
        try directory.write(sound, to: "run/training/latest.safetensors")
        try directory.write(Array(model.prefix(model.count / 2)), to: "run/model.safetensors")
        let result = try train(["--resume", "run", "--steps", "9"])
        #expect(result.status == 1 && result.errorText.contains("model.safetensors"))
    }
}
