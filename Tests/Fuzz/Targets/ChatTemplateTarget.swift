import ChatTemplates
import StrictJSON
import TestSupport

extension FuzzSuite {
    /// Templates of conversations.
    static func chatTemplates() throws -> FuzzSuite {
        FuzzSuite(
            "chat-templates", "templates of conversations: reading them, rendering, and spans",
            [try ChatTemplateTarget()])
    }
}

/// A template is a one-line error, or it renders conversations in bounded time, the same each time, and the spans of the
/// assistant are within the text.
private struct ChatTemplateTarget: FuzzTarget {
    let name = "chat-template"
    private let mutator: Mutator
    private let limits: RenderingLimits

    init() throws {
        let styles = try JSON(parsing: Fixtures.bytes(Fixtures.chatTemplates + "/styles.json"))
        let language = try JSON(parsing: Fixtures.bytes(Fixtures.chatTemplates + "/language.json"))
        let records = ["features", "random"].flatMap { language[$0]?.arrayValue ?? [] }
        let sources =
            (styles["templates"]?.arrayValue ?? []).compactMap { $0["source"]?.stringValue }
            + records.compactMap { $0["template"]?.stringValue }
        let words = [
            "{{", "}}", "{%", "%}", "{#", "#}", "{%-", "-%}", "messages", "loop", "namespace(x=1)", "range(9999)",
            "[::-1]", "**",
            "|map('upper')", "|tojson(indent=1)", "|sort", "is defined", "{% for m in messages %}", "{% endfor %}",
            "{% set messages = [messages, messages] %}", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
            "{% generation %}",
            "'\\u00e9'", "%s", "|list", ".split('a')", "e\u{301}", "\u{2028}", "if", "else", "recursive", "9999999999",
        ]
        mutator = Mutator(sources.map { Array($0.utf8) }, words: words.map { Array($0.utf8) } + Mutator.numbers)
        var limits = RenderingLimits()
        limits.steps = 100_000
        limits.memory = 1_000_000
        self.limits = limits
    }

    func input(using generator: inout SeededGenerator) -> [UInt8] { mutator.input(using: &generator) }

    func run(_ input: [UInt8]) throws {
        let template: ChatTemplate
        do { template = try ChatTemplate(String(decoding: input, as: UTF8.self)) } catch {
            return try demandOneLine(error)
        }
        let messages = [
            ChatMessage(role: "user", content: "a\n"), ChatMessage(role: "assistant", content: "é "),
            ChatMessage(role: "user", content: ""), ChatMessage(role: "assistant", content: "b"),
        ]
        let variables: [String: JSON] = [
            "xs": [1, "a", [nil]], "s": "text", "n": 3, "d": ["a": 1.5], "eos_token": "</s>",
        ]
        do {
            func render(_ count: Int) throws -> ChatRendering {
                try template.rendering(
                    of: Array(messages.prefix(count)), addingGenerationPrompt: count.isMultiple(of: 2),
                    variables: variables,
                    limits: limits, time: 0)
            }
            for count in 0...messages.count { _ = try? render(count) }
            let rendering = try render(messages.count)
            try demand(try render(messages.count) == rendering, "the rendering changes")
            let (other, spans) = try template.renderingWithAssistantSpans(
                of: messages, variables: variables, limits: limits, time: 0)
            var free = 0
            for span in spans {
                try demand(
                    span.lowerBound >= free && span.upperBound <= other.text.utf8.count, "a span is outside the text")
                free = span.upperBound
            }
        } catch let error as ChatTemplateError { try demandOneLine(error) }
    }
}
