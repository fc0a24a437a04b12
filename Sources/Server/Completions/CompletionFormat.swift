import Inference
import StrictJSON

/// The objects of `/v1/completions`.
///
/// Source: OpenAI's API reference, "Create completion"; the members of `logprobs` with ids are additions.
struct CompletionFormat: TextFormat {
    let head: ResponseHead
    let job: TextJob
    let returnsTokenIDs: Bool
    let texts: TokenTexts
    /// The log probabilities of the tokens of each prompt, where they are repeated.
    let promptScores: [[ScoredToken]]

    private func object(_ choices: [JSON], usage: JSON?) -> JSON {
        head.object("text_completion", choices, usage: usage)
    }

    private func choice(_ index: Int, _ text: String, _ finishReason: JSON, _ logprobs: JSON) -> JSON {
        ["text": .string(text), "index": .int(index), "logprobs": logprobs, "finish_reason": finishReason]
    }

    /// In a stream that reports the usage, all other chunks have a usage of null.
    private var usageOfChunks: JSON? { job.reportsUsage ? .null : nil }

    func response(_ choices: [(prompt: Int, choice: GeneratedChoice)], usage: JSON) -> JSON {
        let shown = choices.enumerated().map { index, element in
            let (prompt, generated) = element
            var logprobs = LogProbabilityList(texts, returnsTokenIDs: returnsTokenIDs)
            if job.echoes { logprobs.append(prompt: job.prompts[prompt].ids, promptScores[prompt]) }
            if !job.echoes { logprobs.skip(promptText(prompt)) }
            for token in generated.tokens { logprobs.append(token) }
            return choice(
                index, (job.echoes ? promptText(prompt) : "") + generated.text,
                generated.finishReason?.apiName ?? "length", job.reportsLogProbabilities ? logprobs.json : .null)
        }
        return object(shown, usage: usage)
    }

    func openings(of index: Int, prompt: Int) -> [JSON] {
        guard job.echoes else { return [] }
        var logprobs = LogProbabilityList(texts, returnsTokenIDs: returnsTokenIDs)
        logprobs.append(prompt: job.prompts[prompt].ids, promptScores[prompt])
        let finishReason: JSON = job.request.length == 0 ? "length" : .null
        return [
            object(
                [choice(index, promptText(prompt), finishReason, job.reportsLogProbabilities ? logprobs.json : .null)],
                usage: usageOfChunks)
        ]
    }

    func chunk(_ token: GeneratedToken, after generated: GeneratedChoice, index: Int, prompt: Int) -> JSON? {
        if token.text.isEmpty, token.finishReason == nil, !job.reportsLogProbabilities { return nil }
        var logprobs = LogProbabilityList(texts, returnsTokenIDs: returnsTokenIDs)
        logprobs.skip(promptText(prompt) + generated.text)
        logprobs.append(token)
        return object(
            [
                choice(
                    index, token.text, token.finishReason?.apiName ?? .null,
                    job.reportsLogProbabilities ? logprobs.json : .null)
            ], usage: usageOfChunks)
    }

    func chunk(usage: JSON) -> JSON { object([], usage: usage) }

    private func promptText(_ prompt: Int) -> String {
        job.prompts[prompt].text ?? job.model.engine.tokenizer.decode(job.prompts[prompt].ids)
    }
}

/// The `logprobs` of a completion: lists with an element for each token.
private struct LogProbabilityList {
    private let texts: TokenTexts
    private let returnsTokenIDs: Bool
    private var tokens: [JSON] = [], values: [JSON] = [], tops: [JSON] = [], offsets: [JSON] = []
    private var ids: [JSON] = [], topIDs: [JSON] = [], topTokens: [JSON] = [], topValues: [JSON] = []
    /// The number of characters (Unicode scalars, as Python counts them) of the text before the next token.
    private var offset = 0

    init(_ texts: TokenTexts, returnsTokenIDs: Bool) {
        self.texts = texts
        self.returnsTokenIDs = returnsTokenIDs
    }

    mutating func skip(_ text: String) { offset += text.unicodeScalars.count }

    mutating func append(prompt: [Int32], _ scores: [ScoredToken]) {
        // Without log probabilities there are no scores.
        guard let first = prompt.first, prompt.count == scores.count + 1 else { return }
        append(first, nil, [])
        skip(first)
        for score in scores {
            append(score.id, score.logProbability, score.alternatives)
            skip(score.id)
        }
    }

    /// A character of the prompt begins with a byte that continues none.
    private mutating func skip(_ id: Int32) { offset += texts.bytes(id).count { $0 & 0xC0 != 0x80 } }

    mutating func append(_ token: GeneratedToken) {
        // The text that a token completes begins with what earlier tokens left incomplete.
        let own = texts.text(token.id)
        let before = token.text.hasSuffix(own) ? String(token.text.dropLast(own.count)) : ""
        skip(before)
        append(token.id, token.logProbability, token.alternatives)
        skip(String(token.text.dropFirst(before.count)))
    }

    private mutating func append(_ id: Int32, _ logProbability: Double?, _ alternatives: [TokenLogProbability]) {
        let text = texts.text(id)
        tokens.append(.string(text))
        values.append(logProbability.map(JSON.double) ?? .null)
        offsets.append(.int(offset))
        if returnsTokenIDs {
            ids.append(.int(Int(id)))
            topIDs.append(.array(alternatives.map { .int(Int($0.id)) }))
            topTokens.append(.array(alternatives.map { .string(texts.text($0.id)) }))
            topValues.append(.array(alternatives.map { .double($0.logProbability) }))
        }
        guard let logProbability else {
            tops.append(.null)
            return
        }
        // The token itself is always there. Of tokens with the same text the most probable is shown.
        var top: [(String, JSON)] = []
        let own =
            alternatives.contains { $0.id == id } ? [] : [TokenLogProbability(id: id, logProbability: logProbability)]
        for alternative in alternatives + own {
            let name = texts.text(alternative.id)
            if !top.contains(where: { $0.0 == name }) { top.append((name, .double(alternative.logProbability))) }
        }
        tops.append(.object(JSONObject(top)))
    }

    var json: JSON {
        var members: [(String, JSON)] = [
            ("tokens", .array(tokens)), ("token_logprobs", .array(values)), ("top_logprobs", .array(tops)),
            ("text_offset", .array(offsets)),
        ]
        if returnsTokenIDs {
            members += [
                ("token_ids", .array(ids)), ("top_ids", .array(topIDs)), ("top_tokens", .array(topTokens)),
                ("top_values", .array(topValues)),
            ]
        }
        return .object(JSONObject(members))
    }
}
