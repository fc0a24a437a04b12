import ChatTemplates
import Inference
import Models
import StrictJSON
import Tokenizers

extension API {
    /// `POST /v1/chat/completions`: answers to a conversation.
    func chatCompletions(_ request: APIRequest) async throws -> APIResponse {
        var fields = try RequestFields(request.body)
        let model = try await languageModel(&fields)
        let form: ChatForm?
        do { form = try model.chat.get() } catch {
            throw APIError(
                400, "the chat template of the model '\(model.id)' cannot be used: \(error)", parameter: "model")
        }
        guard let chat = form else {
            throw APIError(
                400, "the model '\(model.id)' has no chat template; use /v1/completions with a prompt",
                parameter: "model")
        }
        let messages = try messages(&fields)
        let sampling = try SamplingFields(&fields, vocabularySize: model.engine.vocabularySize)
        // `max_tokens` is the older name.
        let limits = (
            try fields.integer("max_completion_tokens", in: 1...SamplingFields.greatestLength),
            try fields.integer("max_tokens", in: 1...SamplingFields.greatestLength)
        )
        let reportsLogProbabilities = try fields.bool("logprobs") ?? false
        let alternatives = try fields.integer("top_logprobs", in: 0...20)
        if alternatives != nil, !reportsLogProbabilities {
            throw APIError(
                400, "'top_logprobs' has no effect without 'logprobs': true", parameter: "top_logprobs")
        }
        try fields.accept(
            "response_format", only: { $0["type"]?.stringValue == "text" }, "the model writes text; use the type 'text'"
        )
        try fields.accept(
            "modalities", only: { $0.arrayValue?.map(\.stringValue) == ["text"] }, "the model writes text")
        let noTools = "the model cannot call functions"
        try fields.accept("tools", only: { $0.arrayValue?.isEmpty == true }, noTools)
        try fields.accept("tool_choice", only: { $0.stringValue == "none" }, noTools)
        fields.ignore("parallel_tool_calls")
        try fields.requireKnown()

        let ids = try chat.ids(of: messages, model.engine.encoding)
        var job = TextJob(
            model: model, prompts: [TextJob.Prompt(ids: ids, text: nil)], choices: sampling.choices,
            candidates: sampling.choices,
            request: GenerationRequest(
                prompt: [], length: limits.0 ?? limits.1 ?? SamplingFields.greatestLength, settings: sampling.settings,
                stops: sampling.stops,
                topLogProbabilities: reportsLogProbabilities ? alternatives ?? 0 : nil),
            isStreamed: sampling.isStreamed, reportsUsage: sampling.reportsUsage,
            reportsLogProbabilities: reportsLogProbabilities)
        try job.requirePromptsInContext(parameter: "messages")
        // An answer ends where the context is full, because the model would no longer see the conversation.
        if let context = model.engine.contextLength {
            job.request.length = min(job.request.length, max(1, context - ids.count))
        }
        let format = ChatFormat(
            head: head("chatcmpl-", of: model), job: job, texts: TokenTexts(model.engine.tokenizer))
        return try await TextResponder(job: job, format: format).respond()
    }

    private func messages(_ fields: inout RequestFields) throws -> [ChatMessage] {
        guard let value = fields.value("messages") else { throw fields.missing("messages") }
        guard let list = value.arrayValue, !list.isEmpty else {
            throw fields.wrong("messages", value, "a list with at least one message")
        }
        return try list.enumerated().map { number, message in
            let name = "messages[\(number)]"
            guard let object = message.objectValue else {
                throw APIError(400, "\(name) is \(message.kind); it must be an object", parameter: "messages")
            }
            // The text of a content that is given in parts.
            let members = try object.map { key, value -> (String, JSON) in
                guard key == "content", let parts = value.arrayValue else { return (key, value) }
                let texts = try parts.map { part -> String in
                    guard part["type"]?.stringValue == "text", let text = part["text"]?.stringValue else {
                        throw APIError(
                            400, "the content of \(name) has a part that is not text, and the model reads only text",
                            parameter: "messages")
                    }
                    return text
                }
                return (key, .string(texts.joined()))
            }
            do { return try ChatMessage(JSONObject(members)) } catch {
                throw APIError(400, "\(name): \(error)", parameter: "messages")
            }
        }
    }
}

/// How conversations become prompts.
struct ChatForm: Sendable {
    let template: ChatTemplate
    /// The texts of the special tokens, by the names that templates use for them.
    let variables: [String: String]

    /// The ids of a conversation with the beginning of an answer.
    func ids(of messages: [ChatMessage], _ encoding: TextEncoding) throws -> [Int32] {
        // The template writes all special tokens itself.
        var encoding = encoding
        encoding.special = .allowed
        encoding.addsTemplate = false
        return try encoding.ids(of: template.render(messages, addingGenerationPrompt: true, variables: variables))
    }
}
