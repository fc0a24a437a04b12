import Inference
import Models
import StrictJSON

/// The prompts of a completion or chat request, and the number of texts to generate for each.
struct TextJob: Sendable {
    /// A prompt: its ids, and its text where the response repeats it.
    struct Prompt: Sendable {
        var ids: [Int32]
        /// The text; nil if the request gave ids.
        var text: String?
    }

    var model: ServedLanguageModel
    var prompts: [Prompt]
    /// The number of choices for each prompt, and the number of texts that they are chosen from.
    var choices: Int
    var candidates: Int
    /// The request for the first text of a prompt; its prompt is empty.
    var request: GenerationRequest
    /// Whether the texts begin with their prompt.
    var echoes = false
    var isStreamed: Bool
    var reportsUsage: Bool
    var reportsLogProbabilities: Bool

    /// The stream of a text.
    func stream(prompt: Int, candidate: Int) -> AsyncThrowingStream<GeneratedToken, any Error> {
        var request = request
        request.prompt = prompts[prompt].ids
        request.firstSequence = candidate
        return model.engine.stream(request)
    }

    /// The number of tokens of all prompts.
    var promptTokens: Int { prompts.reduce(0) { $0 + $1.ids.count } }

    /// The longest prompt for a model without a limit of its own: a model of counts.
    private static let longestPrompt = 1 << 16

    /// - Throws: `APIError` for a prompt that is longer than the context.
    func requirePromptsInContext(parameter: String) throws(APIError) {
        let limit = model.engine.contextLength ?? Self.longestPrompt
        for prompt in prompts where prompt.ids.count > limit {
            throw APIError(
                400,
                "the prompt has \(prompt.ids.count) tokens, more than the \(limit) that the model '\(model.id)' reads; "
                    + "shorten it", parameter: parameter, code: "context_length_exceeded")
        }
    }
}

/// A text that is generated or being generated.
struct GeneratedChoice: Sendable {
    var text = ""
    var tokens: [GeneratedToken] = []
    var finishReason: FinishReason?

    mutating func append(_ token: GeneratedToken) {
        text += token.text
        tokens.append(token)
        finishReason = token.finishReason
    }

    /// The mean log probability of the tokens. `best_of` chooses the texts with the highest mean.
    var meanLogProbability: Double {
        tokens.reduce(0) { $0 + ($1.logProbability ?? 0) } / Double(max(1, tokens.count))
    }
}

extension FinishReason {
    /// The name in OpenAI's API.
    var apiName: JSON {
        switch self {
        case .endOfText, .stopString: "stop"
        case .length: "length"
        }
    }
}
