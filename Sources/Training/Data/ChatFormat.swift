import ChatTemplates
import Corpus
import Interchange
import Tokenizers

/// How conversations become the tokens that a model is trained on: the chat template, and the texts of special tokens that it
/// writes.
struct ChatFormat {
    let template: ChatTemplate
    /// The texts of special tokens, by the names that templates know them by.
    let variables: [String: String]

    /// - Parameters:
    ///   - chosen: the name of a built-in template, or a template in Jinja; nil for that of the model, or else `plain`.
    ///   - description: the description of the model that the training starts from; nil for random weights.
    ///   - tokenizer: the tokenizer of that model.
    /// - Throws: `ChatTemplateError` if the template cannot be read.
    init(_ chosen: String?, _ description: ModelDescription?, _ tokenizer: (any Tokenizer)?) throws {
        let source = chosen ?? description?.chatTemplate ?? "plain"
        template = try ChatTemplate.builtIn(named: source) ?? ChatTemplate(source)
        if let description, let tokenizer {
            variables = description.tokenTexts(tokenizer)
        } else {
            variables = ["eos_token": endOfTextSpelling]
        }
    }

    /// The conversations of a text as one text without end-of-text tokens, from which a vocabulary can be trained.
    func plainText(of text: NamedText) throws -> NamedText {
        guard let conversations = text.conversations else { return text }
        let rendered = try conversations.map {
            try template.render($0, addingGenerationPrompt: false, variables: variables)
        }
        return NamedText(name: text.name, text: rendered.joined().replacing(endOfTextSpelling, with: ""))
    }

    /// The ids of a conversation, and which of them the assistant says: the targets of the training.
    ///
    /// What the assistant says is encoded by itself, because in a chat it is generated after the ids of what comes before.
    /// - Parameters:
    ///   - messages: the conversation.
    ///   - tokenizer: the tokenizer of the model.
    ///   - name: the text and the number of the conversation, for errors.
    /// - Throws: `ChatTemplateError` if the template refuses the conversation, `TokenizerError` for a character that the
    ///   tokenizer does not have, `TrainingError` if the assistant says nothing, or does not end it with a special token.
    func encode(
        _ messages: [ChatMessage], with tokenizer: any Tokenizer, called name: String
    ) throws -> (ids: [Int32], isTarget: [Bool]) {
        let (text, spans) = try template.assistantSpans(in: messages, variables: variables)
        guard !spans.isEmpty else {
            throw TrainingError.setting("\(name): it has no message of the assistant to learn")
        }
        let bytes = Array(text.utf8)
        var ids: [Int32] = [], isTarget: [Bool] = [], position = 0
        func append(_ range: Range<Int>, _ isSaid: Bool) throws {
            let piece = try tokenizer.encode(String(decoding: bytes[range], as: UTF8.self), special: .allowed)
            ids += piece
            isTarget += [Bool](repeating: isSaid, count: piece.count)
        }
        for span in spans {
            try append(position..<span.lowerBound, false)
            try append(span, true)
            guard let last = ids.last, tokenizer.specialToken(last) != nil else {
                throw TrainingError.setting(
                    "\(name): the chat template does not end an answer with a special token of the tokenizer "
                        + "(\(tokenizer.kind)), so a model could not end its answers; choose another template or tokenizer"
                )
            }
            position = span.upperBound
        }
        try append(position..<bytes.count, false)
        return (ids, isTarget)
    }
}
