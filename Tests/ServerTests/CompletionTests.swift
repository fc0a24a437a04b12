import Inference
import Models
import Server
import StrictJSON
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite("Completions") struct CompletionTests {
    private static func body(_ more: (String, JSON)...) -> JSON {
        .object(
            JSONObject(
                [("model", "text"), ("prompt", "tea"), ("max_tokens", 12), ("seed", 5)] + more))
    }

    /// What the library generates.
    private func expected(_ prompt: [Int32], length: Int, seed: UInt64, sequence: Int = 0) throws -> [GeneratedToken] {
        let generator = TextGenerator(Transformer(TestServer.configuration, seed: 3), tokenizer: ByteTokenizer())
        var tokens: [GeneratedToken] = []
        try Execution.$current.withValue(Execution(threads: 1)) {
            _ = try generator.generate(
                GenerationRequest(
                    prompt: prompt, length: length, settings: GenerationSettings(temperature: 1, seed: seed),
                    firstSequence: sequence, topLogProbabilities: 3)
            ) { tokens.append($0) }
        }
        return tokens
    }

    @Test("A completion is what the library generates, with its usage")
    func whole() async throws {
        let server = try TestServer(models: ["text"])
        let reply = try await server.post("/v1/completions", Self.body())
        let tokens = try expected([116, 101, 97], length: 12, seed: 5)
        #expect(reply.status == 200)
        #expect(try reply.texts == [tokens.map(\.text).joined()])
        #expect(try reply.choice["finish_reason"]?.stringValue == "length")
        let usage = try #require(try reply.json["usage"])
        #expect(usage == ["prompt_tokens": 3, "completion_tokens": 12, "total_tokens": 15])
        #expect(try reply.json["object"]?.stringValue == "text_completion")
    }

    @Test("A stream has the text of the whole, ends with [DONE], and reports the usage if it is requested")
    func stream() async throws {
        let server = try TestServer(models: ["text"])
        let whole = try await server.post("/v1/completions", Self.body(("n", 3)))
        let reply = try await server.post(
            "/v1/completions",
            Self.body(("n", 3), ("stream", true), ("stream_options", ["include_usage": true])))
        #expect(reply.text.hasSuffix("data: [DONE]\n\n"))
        let chunks = try reply.chunks
        var texts = ["", "", ""]
        for chunk in chunks {
            for choice in chunk["choices"]?.arrayValue ?? [] {
                texts[try #require(choice["index"]?.intValue)] += choice["text"]?.stringValue ?? ""
            }
        }
        #expect(try texts == whole.texts)
        #expect(Set(texts).count > 1)
        #expect(chunks.last?["choices"]?.arrayValue?.isEmpty == true)
        #expect(try chunks.last?["usage"] == whole.json["usage"])
        #expect(chunks.dropLast().allSatisfy { $0["usage"]?.isNull == true })
    }

    @Test("Choices come prompt by prompt, and prompts are texts or ids")
    func prompts() async throws {
        let server = try TestServer(models: ["text"])
        let prompts: [JSON] = ["tea", [116, 119, 111]]
        let together = try await server.post(
            "/v1/completions", ["prompt": .array(prompts), "n": 2, "max_tokens": 6, "seed": 1])
        var alone: [String] = []
        for prompt in prompts {
            alone += try await server.post("/v1/completions", ["prompt": prompt, "n": 2, "max_tokens": 6, "seed": 1])
                .texts
        }
        #expect(try together.texts == alone)
        let ids = try await server.post("/v1/completions", ["prompt": [116, 101, 97], "max_tokens": 12, "seed": 5])
        #expect(try await ids.texts == server.post("/v1/completions", Self.body()).texts)
    }

    @Test("The same text beside 30 others as alone")
    func determinism() async throws {
        let server = try TestServer(limits: EngineLimits(concurrentTexts: 7), models: ["text"])
        @Sendable func request(_ number: Int) -> JSON {
            [
                "prompt": .string(String(repeating: "tea for two ", count: 1 + number % 3) + "\(number)"),
                "max_tokens": .int(3 + number % 20), "seed": .int(number), "logprobs": 2,
            ]
        }
        var alone: [[JSON]] = []
        for number in 0..<30 {
            alone.append(try await server.post("/v1/completions", request(number)).json["choices"]?.arrayValue ?? [])
        }
        try await withThrowingTaskGroup(of: (Int, [JSON]).self) { group in
            for number in 0..<30 {
                group.addTask {
                    (
                        number,
                        try await server.post("/v1/completions", request(number)).json["choices"]?.arrayValue ?? []
                    )
                }
            }
            for try await (number, choices) in group { #expect(choices == alone[number], "request \(number)") }
        }
    }

    @Test("Log probabilities are those of the model, also of the prompt")
    func logProbabilities() async throws {
        let server = try TestServer(models: ["text"])
        let reply = try await server.post(
            "/v1/completions", Self.body(("logprobs", 3), ("echo", true), ("return_token_ids", true)))
        let logprobs = try #require(try reply.choice["logprobs"])
        let ids = try #require(logprobs["token_ids"]?.arrayValue?.compactMap(\.intValue).map { Int32($0) })
        #expect(ids.count == 15 && Array(ids.prefix(3)) == [116, 101, 97])
        let generator = TextGenerator(Transformer(TestServer.configuration, seed: 3), tokenizer: ByteTokenizer())
        let scores = try generator.logProbabilities(of: ids, top: 3)
        let values = try #require(logprobs["token_logprobs"]?.arrayValue)
        #expect(values[0].isNull)
        for (value, score) in zip(values.dropFirst(), scores) {
            #expect(abs(try #require(value.doubleValue) - score.logProbability) < 1e-5)
        }
        #expect(logprobs["top_ids"]?.arrayValue?.last?.arrayValue?.count == 3)
        #expect(try reply.choice["text"]?.stringValue?.hasPrefix("tea") == true)
        // The prompt alone.
        let prompt = try await server.post(
            "/v1/completions", ["prompt": "tea", "max_tokens": 0, "echo": true, "logprobs": 1])
        #expect(try prompt.choice["logprobs"]?["tokens"] == ["t", "e", "a"])
        #expect(try prompt.choice["logprobs"]?["text_offset"] == [0, 1, 2])
        #expect(try prompt.json["usage"]?["completion_tokens"]?.intValue == 0)
    }

    @Test("The best of several texts is the most probable one")
    func best() async throws {
        let server = try TestServer(models: ["text"])
        let all = try (0..<5).map { try expected([116, 101, 97], length: 12, seed: 5, sequence: $0) }
        let means = all.map { $0.reduce(0) { $0 + ($1.logProbability ?? 0) } }
        let best = try #require(means.indices.max { means[$0] < means[$1] })
        let reply = try await server.post("/v1/completions", Self.body(("best_of", 5)))
        #expect(try reply.texts == [all[best].map(\.text).joined()])
        #expect(try reply.json["usage"]?["completion_tokens"]?.intValue == 60)
    }

    @Test("A bias excludes a token or enforces it, and a stop string ends the text")
    func biasAndStop() async throws {
        let server = try TestServer(models: ["text"])
        let enforced = try await server.post("/v1/completions", Self.body(("logit_bias", ["120": 100])))
        #expect(try enforced.texts == [String(repeating: "x", count: 12)])
        let stopped = try await server.post(
            "/v1/completions", Self.body(("logit_bias", ["120": 100]), ("stop", ["y", "xxx"])))
        #expect(try stopped.texts == [""])
        #expect(try stopped.choice["finish_reason"]?.stringValue == "stop")
    }

    @Test(
        "What is wrong with a request is named",
        arguments: [
            ("max_tokens", 0, "max_tokens"), ("max_tokens", "many", "max_tokens"), ("temperature", -1, "temperature"),
            ("top_p", 2, "top_p"), ("n", 0, "n"), ("n", 1000, "n"), ("logprobs", 50, "logprobs"), ("stop", "", "stop"),
            ("stop", [1], "stop"), ("seed", 1.5, "seed"), ("stream", "yes", "stream"), ("prompt", [], "prompt"),
            ("prompt", [-1], "prompt"), ("prompt", [300], "prompt"), ("prompt", ["a", [1.5]], "prompt"),
            ("prompt", ["a": 1], "prompt"), ("best_of", 1, "best_of"), ("logit_bias", ["x": 1], "logit_bias"),
            ("logit_bias", ["1": 900], "logit_bias"), ("presence_penalty", 1, "presence_penalty"),
            ("suffix", "end", "suffix"), ("colour", "red", "colour"), ("model", "none", "model"),
            ("stream_options", ["include_usage": true], "stream_options"),
            ("repetition_penalty", 0, "repetition_penalty"),
        ] as [(String, JSON, String)])
    func errors(field: String, value: JSON, parameter: String) async throws {
        let server = try TestServer(models: ["text"])
        var members: [(String, JSON)] = [("model", "text"), ("prompt", "tea"), ("n", field == "best_of" ? 2 : 1)]
        members.removeAll { $0.0 == field }
        let reply = try await server.post("/v1/completions", .object(JSONObject(members + [(field, value)])))
        #expect(reply.status == (field == "model" ? 404 : 400))
        let error = try reply.error
        #expect(error.parameter == parameter)
        #expect(!error.message.isEmpty && !error.message.contains("\n"))
    }

    @Test("A prompt longer than the context is refused, and one as long is accepted")
    func longPrompt() async throws {
        let server = try TestServer(models: ["text"])
        func prompt(_ count: Int) -> JSON { .array((0..<count).map { .int(65 + $0 % 20) }) }
        let longest = try await server.post(
            "/v1/completions", ["prompt": prompt(TestServer.context), "max_tokens": 1, "echo": true, "logprobs": 1])
        #expect(try longest.choice["logprobs"]?["token_logprobs"]?.arrayValue?.count == TestServer.context + 1)
        let longer = try await server.post("/v1/completions", ["prompt": prompt(TestServer.context + 1)])
        #expect(longer.status == 400)
        #expect(try longer.json["error"]?["code"]?.stringValue == "context_length_exceeded")
    }

    @Test("A request beyond the limits gets 429 and when to come back")
    func busy() async throws {
        let server = try TestServer(limits: EngineLimits(concurrentTexts: 1, waitingTexts: 1), models: ["text"])
        let reply = try await server.post("/v1/completions", Self.body(("n", 5)))
        #expect(reply.status == 429)
        #expect(reply.headers.contains { $0 == ("Retry-After", "1") })
        #expect(try await server.post("/v1/completions", Self.body()).status == 200)
    }

    @Test("A client that leaves ends its work, and nobody else's")
    func cancellation() async throws {
        let server = try TestServer(limits: EngineLimits(concurrentTexts: 4), models: ["text"])
        let endless = Task {
            try await server.post("/v1/completions", ["prompt": "tea", "max_tokens": 1_000_000])
        }
        func running() async throws -> Bool {
            try await server.send("GET", "/metrics").text.contains("gpt_texts_running{model=\"text\"} 1")
        }
        while !(try await running()) { await Task.yield() }
        let other = try await server.post("/v1/completions", Self.body())
        endless.cancel()
        await #expect(throws: CancellationError.self) { try await endless.value }
        while try await running() { await Task.yield() }
        #expect(try await server.post("/v1/completions", Self.body()).texts == other.texts)
    }
}
