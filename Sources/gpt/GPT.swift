import ArgumentParser

/// `gpt`: argument parsing and presentation; what it does is done in GPTKit.
@main
struct GPT: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gpt",
        abstract: "Train a GPT on your own text, on your own machine, and let it write.",
        discussion: """
            Begin with 'gpt train', which trains on tiny Shakespeare in minutes and prints what the model writes. \
            Then 'gpt train --text FILE' for a text of yours, and 'gpt generate model --prompt TEXT' for more of it.
            """,
        version: "0.1.0",
        subcommands: [
            TrainCommand.self,
            GenerateCommand.self,
            TestCommand.self,
            InfoCommand.self,
            DataCommand.self,
            CompareCommand.self,
            TokenizerCommand.self,
            VerifyCommand.self,
            ExportCommand.self,
            ImportCommand.self,
            LogitsCommand.self,
            BenchCommand.self,
        ])

    static func main() {
        prepareProcess()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            // Help, the version and completion scripts are results too: what cannot be written is a failure.
            let message = fullMessage(for: error)
            if exitCode(for: error) == .success, !message.isEmpty {
                do { try reportingFailures { try writeLine(message) } } catch { exit(withError: error) }
                exit()
            }
            exit(withError: error)
        }
    }
}
