import ArgumentParser
import ChatTemplates
import Files
import GPTKit
import Platform

/// `gpt chat`: a conversation with a model in the terminal.
struct ChatCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Talk to a model that was trained on conversations.",
        discussion: """
            Each line of input is a message, and the answer is printed to standard output as it is generated. The \
            conversation is written by the chat template of the model, as transformers' apply_chat_template does. Ctrl-C \
            stops an answer; at the prompt it ends the program, like Ctrl-D. These lines are commands:

              /reset          forget the conversation
              /system TEXT    forget the conversation and use other instructions
              /help           list the commands

              gpt chat Qwen3-0.6B --system "Answer in one sentence."
              echo "What is a token?" | gpt chat Qwen3-0.6B --temperature 0
            """)

    @OptionGroup var model: ModelOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Instructions to the model before the conversation. (default: none)", valueName: "text"))
    var system: String?

    @Option(
        help: ArgumentHelp(
            "The chat template, in place of the model's: \(ChatTemplate.builtIn.map(\.name).joined(separator: ", ")), or a "
                + "file in Jinja. (default: that of the model)", valueName: "name or file"))
    var chatTemplate: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The maximum number of tokens of an answer, 1 or more.", valueName: "tokens"))
    var length = 500

    @OptionGroup(title: "Sampling") var sampling: SamplingOptions

    @Option(help: WeightFormat.help)
    var precision = WeightFormat.float32

    func validate() throws {
        if length < 1 { throw ValidationError("--length is \(length); it must be 1 or more.") }
        try requireNames(chatTemplate)
    }

    func run() throws {
        try reportingFailures {
            try model.execution.execute(with: precision) {
                let saved = try model.files.load(model.model)
                var conversation: Conversation
                do {
                    conversation = try Conversation(
                        with: saved, template: try template(), system: system.map(unescaped))
                } catch let error as ConversationError {
                    throw CommandFailure("\(model.model): \(error); choose one with --chat-template")
                } catch let error as ChatTemplateError {
                    throw CommandFailure(
                        "\(chatTemplate ?? model.model): \(error); choose another template with --chat-template")
                }
                if inputIsTerminal { note("Enter a message, /help for commands, or Ctrl-D to end.") }
                try talk(&conversation)
            }
        }
    }

    /// The template that was chosen; nil for that of the model.
    private func template() throws -> ChatTemplate? {
        guard let chatTemplate else { return nil }
        if let known = ChatTemplate.builtIn(named: chatTemplate) { return known }
        return try ChatTemplate(try TextFile.read(chatTemplate))
    }

    private func talk(_ conversation: inout Conversation) throws {
        var settings = sampling.settings
        while let line = nextLine() {
            let message = line.trimmingSpaces
            if message.isEmpty { continue }
            if message.hasPrefix("/") {
                obey(message, &conversation)
                continue
            }
            do {
                try answer(message, &conversation, settings)
            } catch let error as ClosedOutput {
                throw error
            } catch {
                // The conversation goes on. In a script, a message without an answer is a failure.
                guard inputIsTerminal else { throw error }
                note("gpt: \(error)")
            }
            settings.seed &+= 1
        }
        if inputIsTerminal { note("") }
    }

    private func nextLine() -> String? {
        if inputIsTerminal { show("> ") }
        return readLine()
    }

    private func obey(_ line: String, _ conversation: inout Conversation) {
        let words = line.split(separator: " ", maxSplits: 1)
        switch words.first {
        case "/reset":
            conversation.reset(system: conversation.system)
            note("The conversation begins again.")
        case "/system":
            conversation.reset(system: words.count > 1 ? String(words[1]) : nil)
            note(
                words.count > 1
                    ? "The conversation begins again with these instructions." : "There are no instructions.")
        case "/help":
            note("/reset forgets the conversation; /system TEXT also sets the instructions. Ctrl-D ends the program.")
        default:
            note(
                "\(words.first ?? "/") is not a command: /reset, /system TEXT and /help are. A message cannot begin with /."
            )
        }
    }

    /// Generates an answer, which Ctrl-C stops.
    private func answer(
        _ message: String, _ conversation: inout Conversation, _ settings: GenerationSettings
    ) throws {
        let answer = try StopSignal.deferring(notice: nil) { shouldStop in
            try conversation.answer(
                to: message, length: length, settings: settings, onText: { try write($0) }, shouldStop: shouldStop)
        }
        try writeLine()
        if answer.omittedMessages > 0 {
            note(
                "The conversation is longer than the context of the model: the first "
                    + "\(counted(answer.omittedMessages, "message")) were left out.")
        }
        switch answer.end {
        case .complete: break
        case .length: note("The answer was cut off after \(length) tokens, or where the context was full.")
        case .stopped:
            let signal = StopSignal.received ?? 0
            guard inputIsTerminal, signal == SIGINT else { throw ExitCode(128 + signal) }
            note("The answer was stopped.")
        }
    }
}

extension String {
    /// The text without white space at its ends.
    fileprivate var trimmingSpaces: String {
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(scalars[first...last])
    }
}
