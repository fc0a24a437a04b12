import ArgumentParser

/// `gpt`: argument parsing and output. The functionality itself is in GPTKit.
@main
struct GPT: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gpt",
        abstract: "Train GPT language models on text files, and generate text with them.",
        discussion: """
            Start with 'gpt train', which trains a small GPT on tiny Shakespeare in minutes and prints generated text. \
            'gpt train --text FILE' trains on your own text, and 'gpt generate model --prompt TEXT' generates more text.
            """,
        version: "0.1.0",
        subcommands: [
            TrainCommand.self,
            GenerateCommand.self,
            ChatCommand.self,
            ClassifyCommand.self,
            TranslateCommand.self,
            TestCommand.self,
            ExplainCommand.self,
            EmbedCommand.self,
            InfoCommand.self,
            DataCommand.self,
            CompareCommand.self,
            TokenizerCommand.self,
            VerifyCommand.self,
            ExportCommand.self,
            ImportCommand.self,
            LogitsCommand.self,
            BenchCommand.self,
            ServeCommand.self,
        ])

    /// Parses the arguments and runs the command, after checking for errors that the parser does not report.
    static func main() {
        if CommandLine.arguments.dropFirst().first == ServeCommand.configuration.commandName {
            TrainingRanks.requireOneProcess()
            ServeCommand.start(Array(CommandLine.arguments.dropFirst(2)))
        }
        prepareProcess()
        if let number = CommandLineCheck.firstUndecodable() {
            refuse("Argument \(number) is not valid UTF-8: paths and texts on the command line must be UTF-8.")
        }
        let arguments = Array(CommandLine.arguments.dropFirst())
        if let problem = CommandLineCheck.unknownCommand(in: arguments, of: self) { refuse(problem) }
        var command: any ParsableCommand
        do { command = try parseAsRoot(arguments) } catch {
            if "\(fullMessage(for: error))".contains("Unknown option"),
                let name = CommandLineCheck.misspeltHelp(in: arguments)
            {
                refuse("Unknown option '\(escaped(name))'. Did you mean '--help'?")
            }
            end(with: error, arguments)
        }
        if !(command is TrainCommand), (command as? BenchCommand)?.subject != .scale {
            TrainingRanks.requireOneProcess()
        }
        do { try command.run() } catch { end(with: error, arguments) }
    }

    /// Ends the process with the status and message of an error. Help, the version and completion scripts are results
    /// too, so it is a failure if they cannot be written.
    private static func end(with error: any Error, _ arguments: [String]) -> Never {
        let message = fullMessage(for: error)
        if exitCode(for: error) == .success, !message.isEmpty {
            if let group = CommandLineCheck.groupWithHelp(in: arguments) {
                refuse("Unknown option '\(escaped(group))'.")
            }
            do { try reportingFailures { try writeLine(message) } } catch { exit(withError: error) }
            exit()
        }
        exit(withError: error)
    }

    private static func refuse(_ problem: String) -> Never { exit(withError: ValidationError(problem)) }
}
