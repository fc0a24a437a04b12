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
        #expect(result.lines.count == 1 && result.text.hasPrefix("\(out): ") && result.text.contains("are the model's"))
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
        #expect((Files.size(out) ?? 0) > 10_000)
    }

    @Test("Misuse is told as such")
    func misuse() throws {
        for arguments in [
            ["--to", "gguf"], ["--to", "pdf", "x"], ["--to", "hf", "x", "--precision", "q8_0"],
            ["--to", "gguf", "x", "--cache"], ["x"],
        ] {
            #expect(try runCommand(["export", "model"] + arguments).status == 64)
        }
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
