import ChatTemplates
import Interchange
import Models
import Tokenizers

/// A conversation with a model: what was said so far, and the template that writes it as the text the model was trained on.
///
/// ```swift
/// var conversation = try Conversation(with: saved)
/// let answer = try conversation.answer(to: "Who are you?") { print($0, terminator: "") }
/// ```
public struct Conversation {
    /// What was said so far, with the instructions of the system first, if there are any.
    public private(set) var messages: [ChatMessage] = []

    /// The template of the model.
    public let template: ChatTemplate

    private let generator: TextGenerator
    /// The texts of the special tokens, by the names that templates use for them.
    private let variables: [String: String]

    /// - Parameters:
    ///   - saved: a model that was trained on conversations.
    ///   - template: replaces the template of the model.
    ///   - system: instructions that come before what the user says; nil for none.
    /// - Throws: `ConversationError.noTemplate` if neither the model nor the caller has a template; `ChatTemplateError` if it
    ///   cannot be read; why the model has no tokenizer.
    public init(with saved: SavedModel, template: ChatTemplate? = nil, system: String? = nil) throws {
        guard let template = try template ?? saved.description.chatTemplate.map({ try ChatTemplate($0) }) else {
            throw ConversationError.noTemplate
        }
        self.template = template
        var generator = try TextGenerator(saved)
        // The template writes all special tokens itself.
        generator.encoding.special = .allowed
        generator.encoding.addsTemplate = false
        self.generator = generator
        variables = saved.description.tokenTexts(generator.tokenizer)
        if let system { messages = [ChatMessage(role: "system", content: system)] }
    }

    /// Forgets what was said.
    /// - Parameter system: new instructions; nil for none.
    public mutating func reset(system: String?) {
        messages = system.map { [ChatMessage(role: "system", content: $0)] } ?? []
    }

    /// The instructions of the system, if there are any.
    public var system: String? { messages.first.flatMap { $0.role == "system" ? $0.content : nil } }

    /// Why an answer ended.
    public enum End: Sendable, Equatable {
        /// The model ended it.
        case complete
        /// It has as many tokens as were requested, or as the context of the model has room for.
        case length
        /// The caller stopped it.
        case stopped
    }

    /// An answer, which is also part of `messages`.
    public struct Answer: Sendable, Equatable {
        public let text: String
        public let end: End
        /// The number of messages at the beginning that the model did not see, because its context is too short for all.
        public let omittedMessages: Int
    }

    /// Generates the answer to what the user says.
    ///
    /// If the conversation is longer than the context of the model, the oldest messages are left out, except for those of the
    /// system.
    /// - Parameters:
    ///   - text: what the user says. Special tokens that it spells are encoded as such, as by transformers.
    ///   - length: the greatest number of tokens of the answer.
    ///   - settings: how tokens are drawn.
    ///   - onText: called with each part of the answer.
    ///   - shouldStop: called after each token; when it returns true, the answer ends there.
    /// - Throws: `ChatTemplateError` if the template refuses the conversation; `TokenizerError` for a character that the
    ///   vocabulary does not have; `ConversationError.tooLong` if the message alone is longer than the context;
    ///   `GenerationError`; what `onText` throws. The conversation is then as it was before.
    @discardableResult
    public mutating func answer(
        to text: String, length: Int = 500, settings: GenerationSettings = GenerationSettings(),
        onText: (String) throws -> Void = { _ in }, shouldStop: () -> Bool = { false }
    ) throws -> Answer {
        let said = messages + [ChatMessage(role: "user", content: text)]
        let (prompt, omitted) = try prompt(of: said)
        let room = generator.model.contextLength.map { $0 - prompt.count } ?? length
        let request = GenerationRequest(prompt: prompt, length: min(length, room), settings: settings)
        var answer = "", end = End.length
        struct Stopped: Error {}
        do {
            try generator.generate(request) { token in
                answer += token.text
                if !token.text.isEmpty { try onText(token.text) }
                if token.finishReason == .endOfText { end = .complete }
                if token.finishReason == nil, shouldStop() { throw Stopped() }
            }
        } catch is Stopped {
            end = .stopped
        }
        messages = said + [ChatMessage(role: "assistant", content: answer)]
        return Answer(text: answer, end: end, omittedMessages: omitted)
    }

    /// The ids of a conversation with the beginning of an answer, and the number of messages that were left out.
    private func prompt(of messages: [ChatMessage]) throws -> (ids: [Int32], omitted: Int) {
        let first = messages.first?.role == "system" ? 1 : 0
        var dropped = 0
        while true {
            let shown = messages[..<first] + messages[(first + dropped)...]
            let text = try template.render(Array(shown), addingGenerationPrompt: true, variables: variables)
            let ids = try generator.encoding.ids(of: text)
            guard let context = generator.model.contextLength, ids.count >= context else { return (ids, dropped) }
            // A message of the user and the answer to it.
            guard first + dropped + 2 < messages.count else {
                throw ConversationError.tooLong(tokens: ids.count, context: context)
            }
            dropped += 2
        }
    }
}

/// Why there is no answer, in one line.
public enum ConversationError: Error, Equatable, CustomStringConvertible {
    /// The model has no template.
    case noTemplate
    /// The last message, with the instructions of the system, is longer than the context of the model.
    case tooLong(tokens: Int, context: Int)

    public var description: String {
        switch self {
        case .noTemplate:
            "the model has no chat template, so it was not trained on conversations, or its template is missing"
        case .tooLong(let tokens, let context):
            "the message has \(tokens) tokens with its template, and the context of the model is \(context); shorten it"
        }
    }
}
