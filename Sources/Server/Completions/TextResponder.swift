import Inference
import StrictJSON

/// How the texts of a job are described: as completions or as messages of a chat.
protocol TextFormat: Sendable {
    /// The whole response.
    func response(_ choices: [(prompt: Int, choice: GeneratedChoice)], usage: JSON) -> JSON
    /// What comes before the first token of each choice of a stream.
    func openings(of choice: Int, prompt: Int) -> [JSON]
    /// A token of a stream; nil if it adds nothing yet.
    func chunk(_ token: GeneratedToken, after choice: GeneratedChoice, index: Int, prompt: Int) -> JSON?
    /// A chunk without choices, which reports the usage.
    func chunk(usage: JSON) -> JSON
}

/// Runs a job, and writes its response at once or as a stream of server-sent events.
struct TextResponder {
    let job: TextJob
    let format: any TextFormat

    func respond() async throws -> APIResponse {
        if !job.isStreamed { return APIResponse(try await whole()) }
        // The first token is computed before the status is sent, so that a request that the model refuses has a status of
        // its own.
        let start = try await Merge(job).first()
        return APIResponse(
            headers: [("Content-Type", "text/event-stream; charset=utf-8"), ("Cache-Control", "no-store")],
            body: .stream { writer in try await stream(start, to: writer) })
    }

    private func usage(generated: Int) -> JSON {
        [
            "prompt_tokens": .int(job.promptTokens), "completion_tokens": .int(generated),
            "total_tokens": .int(job.promptTokens + generated),
        ]
    }

    private func whole() async throws -> JSON {
        var choices = [[GeneratedChoice]](
            repeating: [GeneratedChoice](repeating: GeneratedChoice(), count: job.candidates), count: job.prompts.count)
        var count = 0
        try await Merge(job).forEach { prompt, candidate, token in
            choices[prompt][candidate].append(token)
            count += 1
        }
        let chosen = choices.enumerated().flatMap { prompt, candidates in
            // Of equally probable texts the first.
            let best =
                job.candidates > job.choices
                ? candidates.indices.sorted {
                    (candidates[$1].meanLogProbability, $0) < (candidates[$0].meanLogProbability, $1)
                } : Array(candidates.indices)
            return best.prefix(job.choices).map { (prompt, candidates[$0]) }
        }
        return format.response(chosen, usage: usage(generated: count))
    }

    private func stream(_ start: Merge.Start, to writer: APIResponse.Writer) async throws {
        func send(_ json: JSON) async throws { try await writer(Array("data: \(json.serialized())\n\n".utf8)) }
        do {
            for prompt in job.prompts.indices {
                for choice in 0..<job.choices {
                    for opening in format.openings(of: prompt * job.choices + choice, prompt: prompt) {
                        try await send(opening)
                    }
                }
            }
            var choices = [GeneratedChoice](repeating: GeneratedChoice(), count: job.prompts.count * job.choices)
            var count = 0
            try await Merge(job).forEach(from: start) { prompt, candidate, token in
                let index = prompt * job.choices + candidate
                count += 1
                let chunk = format.chunk(token, after: choices[index], index: index, prompt: prompt)
                choices[index].append(token)
                if let chunk { try await send(chunk) }
            }
            if job.reportsUsage { try await send(format.chunk(usage: usage(generated: count))) }
            try await writer(Array("data: [DONE]\n\n".utf8))
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            // The status is sent already; clients raise the error of a chunk that has one.
            try await send(APIError(error).json)
        }
    }
}

/// The tokens of all texts of a job, as they are computed. Each text has one token under way, so a client that reads slowly
/// delays its own texts only.
private struct Merge {
    private let job: TextJob

    init(_ job: TextJob) { self.job = job }

    typealias Streams = [[AsyncThrowingStream<GeneratedToken, any Error>]]

    /// The streams, after the first token of the first text.
    struct Start: Sendable {
        let streams: Streams
        let token: GeneratedToken?
    }

    private struct Event: Sendable {
        let prompt: Int, candidate: Int
        let token: GeneratedToken?
    }

    private var streams: Streams {
        job.prompts.indices.map { prompt in
            (0..<(job.isStreamed ? job.choices : job.candidates)).map { job.stream(prompt: prompt, candidate: $0) }
        }
    }

    /// - Throws: why the model refuses the job.
    func first() async throws -> Start {
        let streams = streams
        if job.request.length == 0 { return Start(streams: streams, token: nil) }
        var iterator = streams[0][0].makeAsyncIterator()
        return Start(streams: streams, token: try await iterator.next())
    }

    func forEach(
        from start: Start? = nil, _ body: (_ prompt: Int, _ candidate: Int, GeneratedToken) async throws -> Void
    ) async throws {
        if job.request.length == 0 { return }
        let streams = start?.streams ?? streams
        var isFirstDone = false
        if let start {
            guard let token = start.token else { throw CancellationError() }
            try await body(0, 0, token)
            isFirstDone = token.finishReason != nil
        }
        try await withThrowingTaskGroup(of: Event.self) { group in
            func request(_ prompt: Int, _ candidate: Int) {
                let stream = streams[prompt][candidate]
                group.addTask {
                    var iterator = stream.makeAsyncIterator()
                    return Event(prompt: prompt, candidate: candidate, token: try await iterator.next())
                }
            }
            for (prompt, candidates) in streams.enumerated() {
                for candidate in candidates.indices where !(isFirstDone && prompt == 0 && candidate == 0) {
                    request(prompt, candidate)
                }
            }
            while let event = try await group.next() {
                guard let token = event.token else { throw CancellationError() }
                try await body(event.prompt, event.candidate, token)
                if token.finishReason == nil { request(event.prompt, event.candidate) }
            }
        }
    }
}
