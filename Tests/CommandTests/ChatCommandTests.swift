import Foundation
import GPTKit
import TestSupport
import Testing

/// `gpt chat` through a pipe.
@Suite("gpt chat")
struct ChatCommandTests {
    let directory = TemporaryDirectory()

    /// Each message with the role of its author, and the role of the answer. Only an answer that is being given has no comma
    /// before it, so that it is clear what comes after it.
    private static let template =
        "{% for message in messages %}{{ message.role }}, {{ message.content }};{% endfor %}assistant "

    /// Conversations, each with the answer that follows it.
    private static let conversations = [
        ("user, hi;assistant ", "hello"), ("user, hi;assistant, hello;user, hi;assistant ", "again"),
        ("system, be short;user, hi;assistant ", "h"), ("user, bye;assistant ", "see you"),
    ]

    /// Counts of the conversations, which continue each of them with its answer.
    private func model(hasTemplate: Bool = true, ends: Bool = true) throws -> String {
        let texts = Self.conversations.map { $0 + $1 }
        let tokenizer = CharacterTokenizer(alphabetOf: texts), end = Int32(tokenizer.alphabet.count)
        let documents = try texts.map { text in
            let ids = try tokenizer.encode(text)
            // An answer without an end is repeated.
            return ends ? ids + [end] : Array(repeating: ids, count: 3).flatMap { $0 }
        }
        let model = try NGramModel(order: 60, vocabularySize: tokenizer.vocabularySize, documents: documents)
        let path = directory.file("model")
        try ModelDirectory.save(
            model, tokenizer: tokenizer,
            description: hasTemplate
                ? ModelDescription(nil, chatTemplate: Self.template, ends: ends ? [end] : [], learning: []) : nil,
            to: path)
        return path
    }

    private func chat(_ arguments: String..., input: String) throws -> CommandResult {
        try runCommand(["chat"] + arguments + ["--temperature", "0"], input: input)
    }

    @Test("Each line is answered with what was said before, which commands forget")
    func lines() throws {
        let model = try model()
        let result = try chat(model, input: "hi\n\n hi \n/reset\nhi\n/system be short\nhi\n/reset\nhi\n/system\nbye")
        #expect(result.status == 0)
        #expect(result.text == "hello\nagain\nhello\nh\nh\nsee you\n")
        #expect(
            result.errorLines == [
                "The conversation begins again.", "The conversation begins again with these instructions.",
                "The conversation begins again.", "There are no instructions.",
            ])
        let instructed = try chat(model, "--system", "be short", input: "hi\n")
        #expect(instructed.text == "h\n" && instructed.errorText == "")
    }

    @Test("Commands that do not exist, and the list of those that do, leave the conversation as it is")
    func commands() throws {
        let result = try chat(try model(), input: "hi\n/help\n/rest\nhi\n")
        #expect(result.text == "hello\nagain\n" && result.status == 0)
        #expect(result.errorLines.count == 2 && result.errorText.contains("/rest is not a command"))
        #expect(try chat(directory.file("model"), input: "").text == "")
    }

    @Test("An answer is there before the next message is given")
    func alternates() throws {
        let command = try RunningCommand(["chat", try model(), "--temperature", "0"])
        command.write("hi\n")
        try command.wait { output, _ in output == "hello\n" }
        command.write("hi\n")
        try command.wait { output, _ in output == "hello\nagain\n" }
        #expect(try command.finish().status == 0)
    }

    @Test("A model without a template needs one")
    func noTemplate() throws {
        let model = try model(hasTemplate: false)
        let result = try chat(model, input: "hi\n")
        #expect(result.isRefusal("\(model): the model has no chat template"), "\(result.errorText)")
        #expect(result.errorText.contains("choose one with --chat-template"))
        let file = try directory.file("template.jinja", containing: Self.template)
        // The model was not trained to end its answers.
        #expect(try chat(model, "--chat-template", file, "--length", "5", input: "hi\n").text == "hello\n")
        let broken = try directory.file("broken.jinja", containing: "{% for %}")
        let refused = try chat(model, "--chat-template", broken, input: "hi\n")
        #expect(refused.isRefusal("broken.jinja: "), "\(refused.errorText)")
    }

    @Test("A message that cannot be answered ends a script with an error, after the answers before it")
    func unanswered() throws {
        let result = try chat(try model(), input: "hi\n\u{8336}\nhi\n")
        #expect(result.status == 1 && result.text == "hello\n")
        #expect(result.errorLines.count == 1 && result.errorText.contains("\u{8336}"), "\(result.errorText)")
    }

    @Test("An answer that is too long is cut off, and that is said")
    func cutOff() throws {
        let result = try chat(try model(), "--length", "3", input: "hi\n")
        #expect(result.status == 0 && result.text == "hel\n")
        #expect(result.errorLines.count == 1 && result.errorText.contains("cut off after 3 tokens"))
    }

    @Test("A signal ends an answer, and one between answers the program", arguments: [SIGINT, SIGTERM])
    func signals(_ signal: Int32) throws {
        let model = try model(ends: false)
        let speaking = try RunningCommand(["chat", model, "--length", "100000000", "--temperature", "0"])
        speaking.write("hi\n")
        try speaking.wait { output, _ in output.count > 100 }
        speaking.send(signal)
        let interrupted = try speaking.finish(closingInput: false)
        #expect(interrupted.status == 128 + signal)
        #expect(interrupted.text.hasSuffix("\n") && interrupted.errorText == "", "\(interrupted.errorText)")

        let waiting = try RunningCommand(["chat", model, "--length", "5", "--temperature", "0"])
        waiting.write("hi\n")
        try waiting.wait { output, _ in output == "hello\n" }
        waiting.send(signal)
        #expect(try waiting.finish(closingInput: false).status == 128 + signal)
    }
}
