import Inference
import Models
import StrictJSON

extension API {
    /// `POST /v1/completions`: texts that continue prompts.
    func completions(_ request: APIRequest) async throws -> APIResponse {
        var fields = try RequestFields(request.body)
        let model = try await languageModel(&fields)
        let prompts = try prompts(&fields, model)
        let sampling = try SamplingFields(&fields, vocabularySize: model.engine.vocabularySize)
        let echoes = try fields.bool("echo") ?? false
        let length = try fields.integer("max_tokens", in: (echoes ? 0 : 1)...SamplingFields.greatestLength) ?? 16
        // OpenAI's limit is 5; the page shows ten.
        let logProbabilities = try fields.integer("logprobs", in: 0...20)
        let candidates = try fields.integer("best_of", in: 1...SamplingFields.mostChoices) ?? sampling.choices
        try fields.accept("suffix", only: { $0.stringValue == "" }, "the model continues a text, and cannot fill a gap")
        try fields.requireKnown()
        if candidates < sampling.choices {
            throw APIError(
                400, "'best_of' is \(candidates), less than 'n', which is \(sampling.choices)", parameter: "best_of")
        }
        if sampling.isStreamed, candidates > sampling.choices {
            throw APIError(
                400, "'best_of' is more than 'n', which needs all texts first; leave out 'stream'", parameter: "best_of"
            )
        }
        if prompts.count * candidates > SamplingFields.mostChoices {
            throw APIError(
                400,
                "\(prompts.count) prompts with \(candidates) texts each are more than \(SamplingFields.mostChoices); divide the request",
                parameter: "prompt")
        }
        let job = TextJob(
            model: model, prompts: prompts, choices: sampling.choices, candidates: candidates,
            request: GenerationRequest(
                prompt: [], length: length, settings: sampling.settings, stops: sampling.stops,
                // The best of several texts are chosen by their log probabilities.
                topLogProbabilities: logProbabilities ?? (candidates > sampling.choices ? 0 : nil)),
            echoes: echoes, isStreamed: sampling.isStreamed, reportsUsage: sampling.reportsUsage,
            reportsLogProbabilities: logProbabilities != nil)
        try job.requirePromptsInContext(parameter: "prompt")
        var scores = [[ScoredToken]](repeating: [], count: prompts.count)
        if echoes, let logProbabilities {
            for (number, prompt) in prompts.enumerated() {
                try Task.checkCancellation()
                scores[number] = try await model.engine.logProbabilities(of: prompt.ids, top: logProbabilities)
            }
        }
        let format = CompletionFormat(
            head: head("cmpl-", of: model), job: job, returnsTokenIDs: sampling.returnsTokenIDs,
            texts: TokenTexts(model.engine.tokenizer), promptScores: scores)
        return try await TextResponder(job: job, format: format).respond()
    }

    /// The prompts: a text, a list of ids, or a list of texts and lists of ids.
    private func prompts(_ fields: inout RequestFields, _ model: ServedLanguageModel) throws -> [TextJob.Prompt] {
        guard let value = fields.value("prompt") else {
            // As in OpenAI's API, a missing prompt is the beginning of a new text.
            return [TextJob.Prompt(ids: try model.engine.encode(prompt: ""), text: "")]
        }
        let expected = "a string, a list of token ids, or a list of strings and lists of token ids"
        func prompt(_ value: JSON) throws -> TextJob.Prompt {
            if let text = value.stringValue {
                return TextJob.Prompt(ids: try model.engine.encode(prompt: text), text: text)
            }
            guard let list = value.arrayValue else { throw fields.wrong("prompt", value, expected) }
            guard !list.isEmpty else { throw APIError(GenerationError.emptyPrompt) }
            return TextJob.Prompt(
                ids: try RequestFields.ids(list, "prompt", vocabularySize: model.engine.vocabularySize))
        }
        guard let list = value.arrayValue, list.first?.intValue == nil else { return [try prompt(value)] }
        guard !list.isEmpty else { throw APIError(400, "'prompt' is an empty list", parameter: "prompt") }
        guard list.count <= SamplingFields.mostChoices else {
            throw APIError(
                400, "'prompt' has \(list.count) prompts; it must have at most \(SamplingFields.mostChoices)",
                parameter: "prompt")
        }
        return try list.map(prompt)
    }
}
