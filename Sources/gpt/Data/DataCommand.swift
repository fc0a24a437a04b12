import ArgumentParser
import GPTKit

/// `gpt data`: shows a text as training batches, and encodes texts ahead of time.
struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Show how a text is batched for training; encode large texts ahead of time.",
        subcommands: [DataShowCommand.self, DataPrepareCommand.self],
        defaultSubcommand: DataShowCommand.self)
}
