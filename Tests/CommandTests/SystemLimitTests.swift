import Foundation
import TestSupport
import Testing

/// Limits that the system sets: of the size of files, of how many are open, of what can be written to.
@Suite("Limits of the system") struct SystemLimitTests {
    private let directory = TemporaryDirectory()

    /// A small model, made once.
    private static let model: TemporaryDirectory = {
        let directory = TemporaryDirectory()
        do {
            try directory.write(
                Array(String(repeating: "To be, or not to be, that is the question. ", count: 80).utf8), to: "text.txt")
            let result = try runCommand(
                ["train", "--text", "text.txt", "--steps", "1", "--out", "run"] + shape, directory: directory.path)
            if result.status != 0 { Issue.record("\(result.errorText)") }
        } catch { Issue.record(error) }
        return directory
    }()

    private static let shape =
        "--layers 1 --heads 2 --width 16 --context 16 --batch 4 --precision f32 --threads 1 --quiet"
        .split(separator: " ").map(String.init)

    /// Commands that write files, with `@` for the directory of the model.
    private static let writers = [
        "train --text @/text.txt --steps 1 --out new/x " + shape.joined(separator: " "),
        "export @/run --to gguf new/x", "export @/run --to hf new/x", "export @/run --to onnx new/x",
        "export @/run --to torchscript new/x", "import @/run new/x",
        "tokenizer train --text @/text.txt --vocabulary 300 --out new/x",
    ]

    /// Runs a shell's `script`, in which `$gpt` is the command.
    private func shell(_ script: String) throws -> (status: Int32, errors: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", script]
        process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
        var environment = ProcessInfo.processInfo.environment
        environment["gpt"] = RunningCommand.executable
        process.environment = environment
        let errors = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let status = process.terminationStatus
        return (process.terminationReason == .uncaughtSignal ? 128 + status : status, text)
    }

    private func words(_ line: String) -> String { line.replacingOccurrences(of: "@", with: Self.model.path) }

    @Test("A file beyond the limit of sizes ends the command in one line, and nothing is left", arguments: writers)
    func fileSizes(_ line: String) throws {
        // Less than one of the files needs, in the units of any shell.
        let result = try shell("ulimit -f 1; exec $gpt \(words(line))")
        #expect(result.status == 1)
        let pattern =
            /gpt: cannot write .*: file too large \(the limit is \d+ bytes\); raise it with 'ulimit -f' and try again\n/
        #expect(result.errors.wholeMatch(of: pattern) != nil, "\(result.errors)")
        #expect(directory.contents.isEmpty)
    }

    @Test("Too few files at a time end the command in one line, and nothing is left", arguments: writers)
    func openFiles(_ line: String) throws {
        var failures = 0
        for limit in 4...10 {
            let result = try shell("ulimit -n \(limit); exec $gpt \(words(line))")
            if result.status == 0 { break }
            // The loader needs some itself.
            if result.status == 127 { continue }
            failures += 1
            #expect(result.status == 1, "\(limit): \(result.errors)")
            #expect(result.errors.hasPrefix("gpt: ") && result.errors.hasSuffix("\n"), "\(limit): \(result.errors)")
            #expect(result.errors.filter { $0 == "\n" }.count == 1, "\(limit): \(result.errors)")
            #expect(directory.contents.isEmpty, "\(limit)")
        }
        #expect(failures > 0)
    }

    @Test("A model that another program shortens while it is used ends the command in one line")
    func shortened() throws {
        let path = directory.file("run")
        try FileManager.default.copyItem(atPath: Self.model.file("run"), toPath: path)
        let command = try RunningCommand(
            ["generate", path, "--length", "100000000", "--threads", "1"], takesInput: false)
        try command.wait { output, _ in output.utf8.count > 20 }
        #expect(truncate(path + "/model.safetensors", 0) == 0)
        let result = try command.finish()
        #expect(result.status == 1)
        #expect(
            result.errorText
                == "gpt: cannot read \(path)/model.safetensors: another program shortened it while it was in use; restore "
                + "it and try again\n")
    }

    #if os(Linux)
        @Test(
            "Help that cannot be written is a failure",
            arguments: ["--help", "--version", "train --help", "help generate", "--generate-completion-script bash"])
        func fullDevice(_ arguments: String) throws {
            let result = try shell("exec $gpt \(arguments) >/dev/full")
            #expect(result.status == 1)
            #expect(result.errors == "gpt: cannot write to standard output: no space left on device\n")
        }
    #endif

    @Test("Help that nobody reads is no failure")
    func closedPipe() throws {
        _ = try shell(
            "{ sleep 0.1; $gpt --help; echo $? >status; } | true; for i in $(seq 300); do [ -s status ] || sleep 0.1; done"
        )
        #expect(try Fixtures.bytes(directory.file("status")) == Array("0\n".utf8))
    }

    @Test("Where standard output is closed, what is meant for it goes into no file")
    func closedOutput() throws {
        let line = words("tokenizer train --text @/text.txt --vocabulary 300 --out tokens.json")
        #expect(try shell("exec $gpt \(line)").status == 0)
        let whole = try Fixtures.bytes(directory.file("tokens.json"))
        #expect(try shell("rm tokens.json; exec $gpt \(line) >&-").status == 1)
        #expect(try Fixtures.bytes(directory.file("tokens.json")) == whole)
    }

    @Test(
        "A link that leads to nothing is no target",
        arguments: writers + ["tokenizer train --text @/text.txt --vocabulary 300 --out new/x.json"])
    func danglingLink(_ line: String) throws {
        #expect(Fixtures.makeDirectory(directory.file("new")))
        for name in ["x", "x.json"] { symlink("nowhere", directory.file("new/" + name)) }
        let result = try shell("exec $gpt \(words(line))")
        #expect(result.status == 1)
        #expect(result.errors.contains("it is a broken symbolic link"), "\(result.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.file("new")).sorted() == ["x", "x.json"])
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: directory.file("new/x")) == "nowhere")
    }

    @Test("An imported directory does not change with its source")
    func importedCopy() throws {
        let source = directory.file("source"), copy = directory.file("copy")
        try FileManager.default.copyItem(atPath: Self.model.file("run"), toPath: source)
        #expect(try runCommand(["import", source, copy]).status == 0)
        let names = [
            "model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json",
        ]
        for name in names {
            let original = try Fixtures.bytes(source + "/" + name)
            #expect(try Fixtures.bytes(copy + "/" + name) == original)
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: source + "/" + name))
            try file.write(contentsOf: Data([0, 1, 2]))
            try file.close()
            #expect(try Fixtures.bytes(copy + "/" + name) == original, "\(name)")
        }
        #expect(try runCommand(["info", copy]).status == 0)
    }
}
