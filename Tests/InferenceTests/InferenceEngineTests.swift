import Inference
import Interchange
import Models
import Synchronization
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite("Inference engine") struct InferenceEngineTests {
    private static let configuration = TransformerConfiguration(
        .llama, vocabularySize: 257, contextLength: 32, layers: 2, heads: 2, width: 32)

    private func makeEngine(threads: Int = 2, precision: Precision = .float32) throws -> InferenceEngine {
        try InferenceEngine(
            Transformer(Self.configuration, seed: 3), tokenizer: ByteTokenizer(),
            execution: Execution(threads: threads, precision: precision))
    }

    private func request(_ number: Int) -> GenerationRequest {
        let settings = GenerationSettings(temperature: 1, topK: number % 3 == 0 ? 20 : nil, seed: UInt64(number))
        return GenerationRequest(
            prompt: Array(repeating: Int32(65 + number % 20), count: 1 + number % 5), length: 20 + 5 * number % 50,
            settings: settings, stops: number % 4 == 0 ? ["\u{FFFD}\u{FFFD}"] : [],
            topLogProbabilities: number % 2 == 0 ? 2 : nil)
    }

    private func tokens(_ engine: InferenceEngine, _ request: GenerationRequest) async throws -> [GeneratedToken] {
        var tokens: [GeneratedToken] = []
        for try await token in engine.stream(request) { tokens.append(token) }
        return tokens
    }

    @Test("Tasks that generate at the same time get what they would get alone", arguments: Precision.allCases)
    func determinism(precision: Precision) async throws {
        let engine = try makeEngine(precision: precision)
        let generator = TextGenerator(Transformer(Self.configuration, seed: 3), tokenizer: ByteTokenizer())
        let text = String(repeating: "tea for two and two for tea\n", count: 100)
        let score = try await engine.score(text)
        // More tasks than threads of the cooperative pool.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask {
                    let tokens = try await self.tokens(engine, self.request(number))
                    var alone: [GeneratedToken] = []
                    try Execution.$current.withValue(Execution(threads: 1, precision: precision)) {
                        _ = try TextGenerator(Transformer(Self.configuration, seed: 3), tokenizer: ByteTokenizer())
                            .generate(self.request(number)) { alone.append($0) }
                    }
                    #expect(tokens == alone, "request \(number)")
                }
            }
            group.addTask {
                let again = try await engine.score(text)
                #expect(again == score)
            }
            try await group.waitForAll()
        }
        let expected = try Execution.$current.withValue(Execution(threads: 1, precision: precision)) {
            try generator.score(text)
        }
        #expect(score == expected)
    }

    @Test("Streams take turns: one that is not consumed does not delay another")
    func turns() async throws {
        let engine = try makeEngine()
        var waiting = engine.stream(request(1)).makeAsyncIterator()
        let first = try await waiting.next()
        #expect(try await tokens(engine, request(2)).last?.finishReason == .length)
        var rest = [try #require(first)]
        while let token = try await waiting.next() { rest.append(token) }
        #expect(rest == (try await tokens(engine, request(1))))
    }

    /// A text is computed at most 8 tokens ahead of its consumer.
    @Test("A request beyond the limits is refused, and accepted once another has ended")
    func limits() async throws {
        let engine = try InferenceEngine(
            Transformer(Self.configuration, seed: 3), tokenizer: ByteTokenizer(),
            limits: EngineLimits(concurrentTexts: 1, waitingTexts: 1), execution: Execution(threads: 1))
        let endless = GenerationRequest(prompt: [97], length: .max)
        var first = engine.stream(endless).makeAsyncIterator(), second = engine.stream(endless).makeAsyncIterator()
        #expect(try await first.next() != nil)
        #expect(try await second.next() != nil)
        await #expect(throws: InferenceError.busy) { try await self.tokens(engine, self.request(3)) }
        // A stream that is released ends.
        first = engine.stream(endless).makeAsyncIterator()
        while await engine.statistics.waiting > 0 { await Task.yield() }
        #expect(try await tokens(engine, request(3)).last?.finishReason != nil)
        #expect(try await second.next() != nil)
    }

    @Test("Prompts that begin in the same way are processed from where they differ, to the same bits")
    func sharedPrompts() async throws {
        let engine = try makeEngine()
        let beginning = (0..<24).map { Int32(65 + $0 % 7) }
        func request(_ rest: [Int32]) -> GenerationRequest {
            GenerationRequest(
                prompt: beginning + rest, length: 5, settings: GenerationSettings(temperature: 1, seed: 5),
                topLogProbabilities: 3)
        }
        for rest in [[1, 2, 3], [1, 2, 4], [9], [1, 2, 3]] as [[Int32]] {
            let other = try makeEngine(threads: 1)
            #expect(try await tokens(engine, request(rest)) == tokens(other, request(rest)), "\(rest)")
        }
        let statistics = await engine.statistics
        #expect(statistics.sharedPromptTokens == 26 + 24 + 26)
        #expect(statistics.promptTokens == 27 + 1 + 1 + 1)
        #expect(statistics.generatedTokens == 20)
    }

    @Test("Cancelling the task that consumes a stream ends the work")
    func cancellation() async throws {
        let steps = StepCounter()
        let engine = try InferenceEngine(CountingModel(steps), tokenizer: ByteTokenizer())
        let task = Task {
            var count = 0
            for try await _ in engine.stream(GenerationRequest(prompt: [97], length: .max)) { count += 1 }
            return (count, Task.isCancelled)
        }
        while steps.value < 10 { await Task.yield() }
        task.cancel()
        let (count, isCancelled) = try await task.value
        // Everything that was queued before this is done.
        _ = try await engine.logits(after: [97])
        #expect(isCancelled && count >= 9)
        let stopped = steps.value
        #expect(stopped - 1 <= count + 10)
        for _ in 0..<10 { _ = await engine.statistics }
        #expect(steps.value == stopped)
        #expect(await engine.statistics.running == 0)
    }

    @Test("A task that is cancelled before its turn computes nothing")
    func cancelledEarly() async throws {
        let steps = StepCounter()
        let engine = try InferenceEngine(CountingModel(steps), tokenizer: ByteTokenizer())
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            var count = 0
            for try await _ in engine.stream(GenerationRequest(prompt: [97], length: 100)) { count += 1 }
            await #expect(throws: CancellationError.self) { try await engine.score("tea") }
            return count
        }
        task.cancel()
        #expect(try await task.value == 0 && steps.value == 0)
    }

    @Test("What is wrong with a request is an error of its first token")
    func errors() async throws {
        let engine = try makeEngine()
        let requests: [(GenerationRequest, GenerationError)] = [
            (GenerationRequest(prompt: [], length: 5), .emptyPrompt),
            (GenerationRequest(prompt: [257], length: 5), .unknownToken(257, vocabularySize: 257)),
            (GenerationRequest(prompt: [1], length: 5, stops: [""]), .emptyStopString),
            (
                GenerationRequest(prompt: [1], length: 5, settings: GenerationSettings(topK: 0)),
                .outOfRange("top-k", value: "0", range: "1 or more")
            ),
        ]
        for (request, error) in requests {
            await #expect(throws: error) { try await self.tokens(engine, request) }
        }
        await #expect(throws: ScoringError.tooShort(tokens: 1)) { try await engine.score("t") }
        await #expect(throws: GenerationError.emptyPrompt) { try await engine.logits(after: []) }
        // The engine still works.
        #expect(try await tokens(engine, request(1)).last?.finishReason == .length)
        let broken = Transformer(Self.configuration, seed: 3)
        broken.tokenEmbedding.value.withElements { $0.update(repeating: .nan) }
        let other = try InferenceEngine(broken, tokenizer: ByteTokenizer())
        var iterator = other.stream(request(1)).makeAsyncIterator()
        await #expect(throws: GenerationError.self) { try await iterator.next() }
    }

    @Test("A character outside the vocabulary is an error, or is replaced")
    func unknownCharacters() async throws {
        let tokenizer = CharacterTokenizer(alphabetOf: ["tea\n"])
        let engine = try InferenceEngine(
            BigramModel(vocabularySize: tokenizer.vocabularySize, seed: 1), tokenizer: tokenizer)
        #expect(throws: TokenizerError.self) { try engine.encode(prompt: "two") }
        #expect(try engine.encode(prompt: "two", replacing: "a") == tokenizer.encode("taa"))
        await #expect(throws: TokenizerError.self) { try await engine.score("two") }
        #expect(try await engine.score("two", replacing: "a") == engine.score("taa"))
    }

    @Test("A model is read from its directory")
    func path() async throws {
        let directory = TemporaryDirectory()
        let model = Transformer(Self.configuration, seed: 3)
        try ModelDirectory.save(model, tokenizer: ByteTokenizer(), to: directory.file("model"))
        let engine = try InferenceEngine(path: directory.file("model"), execution: Execution(threads: 2))
        #expect(try await tokens(engine, request(1)) == tokens(makeEngine(), request(1)))
        #expect(engine.vocabularySize == 257 && engine.contextLength == 32 && engine.modelType == "llama")
        #expect(engine.parameterCount == model.parameterCount)
        #expect(throws: ModelError.self) { try InferenceEngine(path: directory.file("none")) }
        #expect(
            try await engine.logProbabilities(of: [97, 98, 99], top: 1)
                == Execution.$current.withValue(Execution(threads: 2)) {
                    try TextGenerator(model, tokenizer: ByteTokenizer()).logProbabilities(of: [97, 98, 99], top: 1)
                })
    }

    @Test("An engine that is released releases its model, after its streams")
    func release() async throws {
        /// A stream whose engine nothing else refers to.
        func stream(_ steps: StepCounter) throws -> AsyncThrowingStream<GeneratedToken, any Error> {
            try InferenceEngine(CountingModel(steps), tokenizer: ByteTokenizer())
                .stream(GenerationRequest(prompt: [97], length: 3))
        }
        func useHalf(_ steps: StepCounter) async throws {
            var iterator = try stream(steps).makeAsyncIterator()
            for number in 1...2 {
                #expect(try await iterator.next() != nil)
                #expect(!steps.isReleased && steps.value >= number)
            }
        }
        let steps = StepCounter()
        try await useHalf(steps)
        for _ in 0..<10_000 where !steps.isReleased { try await Task.sleep(for: .milliseconds(1)) }
        #expect(steps.isReleased)
    }
}

/// The number of steps that a model has computed.
private final class StepCounter: Sendable {
    private let steps = Atomic(0)
    private let released = Atomic(false)

    var value: Int { steps.load(ordering: .acquiring) }
    var isReleased: Bool { released.load(ordering: .acquiring) }
    func step() { steps.add(1, ordering: .acquiringAndReleasing) }
    func release() { released.store(true, ordering: .releasing) }
}

/// A model for which all bytes are equally probable.
private final class CountingModel: LanguageModel {
    private let steps: StepCounter

    init(_ steps: StepCounter) { self.steps = steps }

    deinit { steps.release() }

    var specification: ModelSpecification? { nil }
    var vocabularySize: Int { 257 }
    var contextLength: Int? { nil }
    var parameterCount: Int { 0 }

    func startDecoding() -> any DecodingSession { Session(steps) }

    func evaluate<Tokens: RandomAccessCollection<Int32>>(
        _ tokens: Tokens, after history: ArraySlice<Int32>, windows: EvaluationWindows?, shouldStop: () -> Bool
    ) -> Evaluation? where Tokens.Index == Int {
        steps.step()
        return Evaluation(total: 0, count: tokens.count - 1)
    }

    private final class Session: DecodingSession {
        private let steps: StepCounter
        private(set) var length = 0

        init(_ steps: StepCounter) { self.steps = steps }

        func append(_ tokens: [Int32]) -> Tensor {
            steps.step()
            length += tokens.count
            return Tensor([257])
        }

        func clear() { length = 0 }
    }
}
