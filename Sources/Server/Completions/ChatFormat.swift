import Inference
import StrictJSON

/// The objects of `/v1/chat/completions`.
///
/// Source: OpenAI's API reference, "Create chat completion" and "The chat completion chunk object".
struct ChatFormat: TextFormat {
    let head: ResponseHead
    let job: TextJob
    let texts: TokenTexts

    func response(_ choices: [(prompt: Int, choice: GeneratedChoice)], usage: JSON) -> JSON {
        let shown = choices.enumerated().map { index, element -> JSON in
            [
                "index": .int(index),
                "message": ["role": "assistant", "content": .string(element.choice.text), "refusal": .null],
                "logprobs": logprobs(element.choice.tokens),
                "finish_reason": element.choice.finishReason?.apiName ?? "length",
            ]
        }
        return head.object("chat.completion", shown, usage: usage)
    }

    func openings(of index: Int, prompt: Int) -> [JSON] {
        [chunk(index, ["role": "assistant", "content": ""], nil, logprobs: .null)]
    }

    func chunk(_ token: GeneratedToken, after generated: GeneratedChoice, index: Int, prompt: Int) -> JSON? {
        let isShown = !token.text.isEmpty || job.reportsLogProbabilities
        guard isShown || token.finishReason != nil else { return nil }
        return chunk(
            index, isShown ? ["content": .string(token.text)] : [:], token.finishReason, logprobs: logprobs([token]))
    }

    func chunk(usage: JSON) -> JSON { head.object("chat.completion.chunk", [], usage: usage) }

    private func chunk(_ index: Int, _ delta: JSON, _ finishReason: FinishReason?, logprobs: JSON) -> JSON {
        let choice: JSON = [
            "index": .int(index), "delta": delta, "logprobs": logprobs, "finish_reason": finishReason?.apiName ?? .null,
        ]
        return head.object("chat.completion.chunk", [choice], usage: job.reportsUsage ? .null : nil)
    }

    private func logprobs(_ tokens: [GeneratedToken]) -> JSON {
        guard job.reportsLogProbabilities else { return .null }
        let content = tokens.map { token -> JSON in
            var members = members(token.id, token.logProbability ?? 0)
            let alternatives = token.alternatives.map {
                JSON.object(JSONObject(self.members($0.id, $0.logProbability)))
            }
            members.append(("top_logprobs", .array(alternatives)))
            return .object(JSONObject(members))
        }
        return ["content": .array(content), "refusal": .null]
    }

    private func members(_ id: Int32, _ logProbability: Double) -> [(String, JSON)] {
        [
            ("token", .string(texts.text(id))), ("logprob", .double(logProbability)),
            ("bytes", .array(texts.bytes(id).map { .int(Int($0)) })),
        ]
    }
}
