import Files
import Foundation
import GPTKit
import TestSupport
import Testing

@Suite struct ExportCommandTests {
    @Test("What was exported writes what the model writes", arguments: ["gguf", "hf"])
    func exports(format: String) throws {
        let directory = TemporaryDirectory(), out = directory.file("out")
        let model = try Models.transformer(in: directory)
        let result = try runCommand(["export", model, "--to", format, out])
        #expect(result.status == 0, "\(result.errorText)")
        #expect(
            result.lines.count == 1 && result.text.hasPrefix("\(out): ")
                && result.text.contains("equal those of the model"))
        // Programs that do not ask the file for the context are to be told it.
        if format == "gguf" { #expect(result.errorText.contains("-c 16 ") && result.errorText.contains("num_ctx 16'")) }
        let options = ["--seed", "1", "--length", "40", "--prompt", "tea"]
        let written = try runCommand(["generate", out] + options)
        let expected = try runCommand(["generate", model] + options)
        #expect(written.status == 0 && written.text == expected.text)
        #expect(try runCommand(["info", out]).status == 0)
        let back = directory.file("back")
        #expect(try runCommand(["import", out, back]).status == 0)
        #expect(try runCommand(["generate", back] + options).text == written.text)
    }

    @Test("Graphs are exported too", arguments: ["onnx", "torchscript"])
    func graphs(format: String) throws {
        let directory = TemporaryDirectory(), out = directory.file("out")
        let model = try Models.transformer(in: directory)
        let result = try runCommand(["export", model, "--to", format, out])
        #expect(result.status == 0 && result.text.contains("read back"), "\(result.errorText)")
        if format == "onnx" { #expect(result.errorText.contains("at most 16 tokens")) }
        #expect((Files.size(out) ?? 0) > 10_000)
    }

    @Test("Misuse is told as such")
    func misuse() throws {
        for arguments in [
            ["--to", "gguf"], ["--to", "pdf", "x"], ["--to", "hf", "x", "--precision", "q8_0"],
            ["--to", "gguf", "x", "--cache"], ["x"], ["--to", "gguf", "-"], ["--to", "gguf", "x", "--threads", "0"],
        ] {
            #expect(try runCommand(["export", "model"] + arguments).status == 64)
        }
        #expect(try runCommand(["import", "model", "-"]).status == 64)
    }

    @Test("What is not there or in the way is one line")
    func failures() throws {
        let directory = TemporaryDirectory()
        let model = try Models.transformer(in: directory)
        for arguments in [
            ["export", directory.file("nothing"), "--to", "gguf", directory.file("out")],
            ["export", model, "--to", "hf", directory.path], ["export", model, "--to", "gguf", directory.path],
            ["import", directory.file("nothing"), directory.file("out")], ["import", model, directory.path],
        ] {
            let result = try runCommand(arguments)
            #expect(result.status == 1 && result.errorLines.count == 1, "\(arguments): \(result.errorText)")
        }
        #expect(directory.contents == ["model"])
    }

    @Test("The model that is exported is not written over, and no directory is made for one that is not there")
    func places() throws {
        let directory = TemporaryDirectory()
        let model = try Models.transformer(in: directory)
        let weights = try Fixtures.bytes(model + "/model.safetensors")
        for out in [model + "/model.safetensors", model + "/../model/config.json"] {
            let result = try runCommand(["export", model, "--to", "gguf", out])
            #expect(result.status == 1 && result.errorLines.count == 1, "\(out): \(result.errorText)")
        }
        #expect(try Fixtures.bytes(model + "/model.safetensors") == weights)
        let missing = try runCommand(["export", "nothing", "--to", "gguf", directory.file("new/model.gguf")])
        #expect(missing.status == 1 && missing.errorLines.count == 1)
        #expect(directory.contents == ["model"])
    }

    @Test(
        "Interrupted at whatever it is, it leaves nothing behind", arguments: ["gguf", "hf", "onnx", "torchscript"],
        [SIGINT, SIGTERM])
    func interrupted(format: String, signal: Int32) throws {
        let directory = TemporaryDirectory()
        let model = try Models.transformer(in: directory, layers: 4, width: 256)
        var isInterrupted = false
        for milliseconds in [0, 5, 20, 40] {
            let place = directory.file("new-\(milliseconds)")
            let command = try RunningCommand(
                ["export", model, "--to", format, place + "/out", "--threads", "1"], takesInput: false)
            while command.isRunning, !Files.exists(place) { usleep(200) }
            usleep(UInt32(1000 * milliseconds))
            command.send(signal)
            let result = try command.finish()
            // It may have ended before the signal came.
            #expect(result.status == 128 + signal || result.status == 0, "\(result.errorText)")
            isInterrupted = isInterrupted || result.status != 0
            let left = Files.exists(place) ? try Files.contents(ofDirectory: place) : ["out"]
            #expect(left == ["out"])
        }
        #expect(isInterrupted)
    }

    @Test(
        "Killed at any moment, nothing half is there, and the next run clears away what was left",
        arguments: ["gguf", "hf"])
    func killed(format: String) throws {
        let directory = TemporaryDirectory(), out = directory.file("out")
        let model = try Models.transformer(in: directory, layers: 4, width: 256)
        let arguments = ["export", model, "--to", format, out, "--threads", "1"]
        for milliseconds in stride(from: 2, to: 60, by: 4) {
            let command = try RunningCommand(arguments)
            usleep(UInt32(1000 * milliseconds))
            command.send(9)
            _ = try command.finish()
            if Files.exists(out) {
                #expect(try ModelDirectory.load(out).tokenizer.vocabularySize > 0)
                if format == "hf" { break }
            }
        }
        if format == "gguf" || !Files.exists(out) { #expect(try runCommand(arguments).status == 0) }
        #expect(try runCommand(["export", model, "--to", "gguf", directory.file("other")]).status == 0)
        #expect(directory.contents == ["model", "other", "out"])
    }
}
