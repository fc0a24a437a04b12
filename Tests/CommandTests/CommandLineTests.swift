import Foundation
import GPTKit
import TestSupport
import Testing

/// What is wrong with a command line by itself.
@Suite("The command line")
struct CommandLineTests {
    let directory = TemporaryDirectory()

    /// Runs a line of the shell in which `gpt` is the command, for bytes that no string can hold.
    private func shell(_ line: String) throws -> (status: Int32, errors: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "gpt() { '\(RunningCommand.executable)' \"$@\"; }; \(line)"]
        process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }

    @Test(
        "An argument that is not UTF-8 is refused instead of becoming another one",
        arguments: [
            ("gpt info \"$(printf 'mod\\377el')\"", 2), ("gpt generate model --prompt \"$(printf '\\303')\"", 4),
            ("gpt \"$(printf '\\355\\240\\200')\"", 1),
        ])
    func encoding(_ line: String, _ number: Int) throws {
        let result = try shell(line)
        #expect(result.status == 64)
        #expect(result.errors.contains("Argument \(number) is not valid UTF-8"), "\(result.errors)")
    }

    @Test("An argument in UTF-8 is taken as it is")
    func decodable() throws {
        let result = try runCommand(["info", "modél \u{FFFD}"], directory: directory.path)
        #expect(result.status == 1 && result.errorText.contains("modél \u{FFFD}"))
    }

    @Test(
        "An empty name is refused wherever a name of a file is expected",
        arguments: [
            ["train", "--text", ""], ["train", "--out", ""], ["train", "--resume", ""], ["train", "--from", ""],
            ["train", "--tokenizer", ""], ["generate", ""], ["generate", "model", "--prompt-file", ""],
            ["test", "", "--text", "a"], ["test", "model", "--text", ""], ["info", ""], ["data", "--text", ""],
            ["compare", "--text", ""], ["compare", "--out", ""], ["verify", ""], ["export", "", "--to", "hf", "a"],
            ["export", "a", "--to", "hf", ""], ["import", "", "a"], ["import", "a", ""],
            ["logits", "", "--ids", "a", "--out", "b"], ["logits", "a", "--ids", "", "--out", "b"],
            ["logits", "a", "--ids", "b", "--out", ""],
            ["tokenizer", "train", "--text", "", "--vocabulary", "300", "--out", "a"],
            ["tokenizer", "train", "--text", "a", "--vocabulary", "300", "--out", ""],
            ["tokenizer", "encode", "", "--tokenizer", "byte"], ["tokenizer", "encode", "--tokenizer", ""],
            ["tokenizer", "decode", "", "--tokenizer", "byte"], ["tokenizer", "count", "", "--tokenizer", "byte"],
            ["tokenizer", "info", ""], ["tokenizer", "bench", "--text", ""], ["tokenizer", "check", ""],
            ["tokenizer", "check", "a", "--text", ""], ["tokenizer", "check", "a", "--vocabularies", ""],
        ])
    func emptyName(_ arguments: [String]) throws {
        let result = try runCommand(arguments, directory: directory.path)
        #expect(result.status == 64 && result.text == "")
        #expect(result.errorText.contains("A file name is empty"), "\(result.errorText)")
        #expect(directory.contents.isEmpty)
    }

    @Test(
        "A group of letters with an h in it is a mistake, not a request for help",
        arguments: [
            ["generate", "-dash"], ["-xh"], ["train", "-hx"], ["tokenizer", "encode", "-oh"],
            ["info", "model", "-shy"],
            ["generate", "model", "-xyz"], ["--helpp"], ["train", "--helpp"], ["info", "-help-me"],
        ])
    func bundles(_ arguments: [String]) throws {
        let result = try runCommand(arguments, directory: directory.path)
        #expect(result.status == 64 && result.text == "", "\(result.text)")
        #expect(result.errorText.contains(arguments.last ?? ""), "\(result.errorText)")
    }

    @Test(
        "A request for help is answered",
        arguments: [["-h"], ["train", "-h"], ["--help"], ["help", "train"], ["help"]])
    func help(_ arguments: [String]) throws {
        let result = try runCommand(arguments, directory: directory.path)
        #expect(result.status == 0 && result.text.contains("USAGE") && result.errorText == "")
    }

    @Test("A text that begins with a dash is a value like another")
    func dashes() throws {
        let model = try Models.parrot(in: directory, text: Models.verse + "-hash\n")
        let result = try runCommand(["generate", model, "--prompt", "-hash", "--length", "1"])
        #expect(result.status == 0 && result.text.hasPrefix("-hash"))
    }

    @Test(
        "A misspelt command or option brings the one that was probably meant",
        arguments: [
            (["trian"], "train"), (["genrate", "model"], "generate"), (["tokenizer", "ecnode"], "encode"),
            (["train", "--setps", "5"], "--steps"), (["generate", "model", "--temprature", "1"], "--temperature"),
            (["help", "trian"], "train"), (["--helpp"], "--help"), (["train", "--hlp"], "--help"),
        ])
    func suggestions(_ arguments: [String], _ meant: String) throws {
        let result = try runCommand(arguments, directory: directory.path)
        #expect(result.status == 64 && result.text == "")
        #expect(result.errorText.contains("Did you mean '\(meant)'?"), "\(result.errorText)")
    }

    @Test("Of a command that resembles none, all are listed")
    func noSuggestion() throws {
        let result = try runCommand(["frobnicate"], directory: directory.path)
        #expect(result.status == 64 && result.errorText.contains("train, generate, chat, classify, translate, test"))
    }

    @Test("What is no directory is called what it is where a run is to be resumed")
    func resumeOfWhatIsNoRun() throws {
        try directory.write([0x61], to: "file")
        mkfifo(directory.file("pipe"), 0o600)
        for (name, words) in [
            ("file", "it is a file"), ("pipe", "it is a named pipe"), ("/dev/null", "it is a device"),
            ("nothing", "no such directory"),
        ] {
            let result = try runCommand(["train", "--resume", name], directory: directory.path)
            #expect(result.status == 1 && result.errorLines.count == 1 && result.text == "")
            #expect(result.errorText.contains(words), "\(result.errorText)")
        }
    }
}
