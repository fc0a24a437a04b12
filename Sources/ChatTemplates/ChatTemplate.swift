import StrictJSON

/// A template that renders a conversation as the text that a language model was trained on, as transformers'
/// `apply_chat_template` does.
///
/// The language is Jinja, as far as published templates use it: statements `if`, `for`, `set`, `macro`, `call`, `filter`,
/// `with`, `raw`, `break`, `continue` and `generation`; Python's operators and most of its methods of strings and dictionaries;
/// Jinja's filters and tests; the functions `range`, `namespace`, `dict`, `raise_exception` and `strftime_now`; and
/// `trim_blocks` and `lstrip_blocks` switched on. Everything else is an error that names it. Integers have 64 bits.
///
/// A template comes with a model that others made, so it is not trusted: the time, the memory and the depth that a rendering
/// needs are bounded (``ChatTemplateError``).
///
/// Source: `transformers/utils/chat_template_utils.py`, and Jinja's documentation.
public struct ChatTemplate: Sendable {
    /// The text of the template.
    public let source: String

    private let program: Program

    /// The greatest length of a template, in bytes.
    package static let greatestLength = 1 << 20

    /// Reads a template.
    /// - Throws: `ChatTemplateError` if it is no valid template, or uses what is not supported.
    public init(_ source: String) throws {
        guard source.utf8.count <= Self.greatestLength else {
            throw ChatTemplateError("it is longer than \(Self.greatestLength) bytes")
        }
        self.source = source
        program = try Program(source)
    }

    /// The text of a conversation.
    ///
    /// - Parameters:
    ///   - messages: the conversation, in its order.
    ///   - addingGenerationPrompt: whether the text ends with what comes before an answer of the assistant, for a model to
    ///     go on with.
    ///   - variables: other names that the template knows, most often `bos_token` and `eos_token` with the special tokens of
    ///     the model.
    /// - Throws: `ChatTemplateError` if the template refuses the conversation, or fails.
    public func render(
        _ messages: [ChatMessage], addingGenerationPrompt: Bool, variables: [String: String] = [:]
    ) throws -> String {
        try rendering(
            of: messages, addingGenerationPrompt: addingGenerationPrompt, variables: variables.mapValues(JSON.string)
        ).text
    }

    /// The text of a conversation, and which parts of it are in `generation` statements.
    ///
    /// `messages`, `add_generation_prompt`, `tools` and `documents` are always defined; the last two are null unless they are
    /// among the variables.
    /// - Parameters:
    ///   - limits: what the rendering may cost.
    ///   - time: the time for `strftime_now`, in seconds since 1970; nil for now.
    package func rendering(
        of messages: [ChatMessage], addingGenerationPrompt: Bool, variables: [String: JSON],
        limits: RenderingLimits = RenderingLimits(), time: Int? = nil
    ) throws -> ChatRendering {
        var context: [String: Value] = ["tools": .none, "documents": .none]
        for (name, value) in variables { context[name] = try Value(value) }
        context["messages"] = try Value(.array(messages.map { .object($0.shown) }))
        context["add_generation_prompt"] = .bool(addingGenerationPrompt)
        let interpreter = Interpreter(program, context: context, limits: limits, time: time)
        try interpreter.run()
        return ChatRendering(interpreter.output, generations: interpreter.generations)
    }

    /// Whether the template marks what the assistant says with `generation` statements.
    package var marksGenerations: Bool { program.marksGenerations }
}

/// The text of a conversation.
package struct ChatRendering: Sendable, Equatable {
    package let text: String

    /// Where the bodies of `generation` statements are, in bytes of UTF-8. Those within macros and captured texts are not
    /// among them, as in transformers.
    package let generations: [Range<Int>]

    init(_ scalars: [Unicode.Scalar], generations: [Range<Int>]) {
        text = Text(scalars).string
        // The bounds are sorted by their ends, and rarely nested: they are counted by a table of all positions.
        guard !generations.isEmpty else {
            self.generations = []
            return
        }
        var offsets = [0]
        offsets.reserveCapacity(scalars.count + 1)
        for scalar in scalars { offsets.append(offsets[offsets.count - 1] + UTF8.width(scalar)) }
        self.generations = generations.map { offsets[$0.lowerBound]..<offsets[$0.upperBound] }
    }
}

extension Value {
    /// A value of JSON as Python reads it: numbers with a fraction or an exponent are floats.
    init(_ json: JSON) throws {
        switch json {
        case .null: self = .none
        case .bool(let value): self = .bool(value)
        case .string(let string): self = .text(Text(string))
        case .number(let number):
            if let integer = number.int {
                self = .int(integer)
            } else if number.text.utf8.contains(where: { ".eE".utf8.contains($0) }) {
                self = .float(Double(number.text) ?? .infinity)
            } else {
                throw ChatTemplateError("the number \(number.text.prefix(40)) does not fit in 64 bits")
            }
        case .array(let elements): self = .list(Elements(try elements.map { try Value($0) }))
        case .object(let object):
            var mapping = Mapping()
            for (key, value) in object { mapping.set(Text(key), to: try Value(value)) }
            self = .mapping(mapping)
        }
    }
}
