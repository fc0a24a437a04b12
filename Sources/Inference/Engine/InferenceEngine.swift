import Interchange
import Models
import Tensors
import Tokenizers

/// A model with its tokenizer that several tasks can use at once.
///
/// ```swift
/// let engine = try InferenceEngine(path: "model")
/// let request = GenerationRequest(prompt: try engine.encode(prompt: "ROMEO:"), length: 200)
/// for try await token in engine.stream(request) { print(token.text, terminator: "") }
/// ```
///
/// **Steps.** The next tokens of all texts under way are computed in one step, whatever their lengths, because reading the
/// weights takes most of the time and they are read once (continuous batching: Yu et al., "Orca", 2022). A text takes part
/// from the step after its prompt until it ends. Between two steps the engine processes a part of the new prompts (at most
/// 256 tokens) and other requests. A text is generated at most 8 tokens ahead of its consumer, so a slow consumer does not delay
/// other texts. A cancelled or abandoned stream ends before the next step.
///
/// **Prompts.** A prompt that begins like one that was processed before is only processed from where they differ.
///
/// **Determinism.** A request has a state of its own, all are computed with the same `Execution`, and the order in which
/// products are summed depends on neither the number of texts nor the parts of a prompt. So the tokens of a request depend on
/// the request alone, to the bit, whatever else runs.
///
/// **Threads.** A step takes from microseconds to seconds of computation. The engine computes on a thread of its own, as the
/// executor of the actor: the threads of Swift's cooperative pool, one for each core, stay free for the tasks that consume
/// the results, and a kernel never waits for a task. Kernels use further threads as `Execution.threads` says.
///
/// **Ownership.** Models are not `Sendable`. The engine takes over the model (`sending`), so nothing else can use it.
public actor InferenceEngine {
    /// How prompts and texts become ids.
    public nonisolated let encoding: TextEncoding
    /// The tokenizer of the model.
    public nonisolated var tokenizer: any Tokenizer { encoding.tokenizer }
    /// What kind of model it is, as `model_type` in its config.json.
    public nonisolated let modelType: String
    /// V: ids are 0 ..< V.
    public nonisolated let vocabularySize: Int
    /// The longest sequence that the model reads, or nil if there is no limit.
    public nonisolated let contextLength: Int?
    /// The number of parameters that training sets.
    public nonisolated let parameterCount: Int

    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private nonisolated let executor: ThreadExecutor
    private let generator: TextGenerator
    private let execution: Execution
    private var texts: TextQueue

    /// Takes over a model.
    /// - Parameters:
    ///   - model: the model, which nothing else refers to.
    ///   - tokenizer: the tokenizer that it was trained with.
    ///   - roles: which tokens begin and end a text; nil for a model that was trained without special tokens.
    ///   - limits: how many texts are generated at the same time, and how many may wait.
    ///   - execution: how everything is computed.
    /// - Throws: `InferenceError.noThread`.
    public init(
        _ model: sending any LanguageModel, tokenizer: any Tokenizer, roles: TokenRoles? = nil,
        limits: EngineLimits = EngineLimits(), execution: Execution = .current
    ) throws {
        executor = try ThreadExecutor()
        self.execution = execution
        modelType = model.modelType
        vocabularySize = model.vocabularySize
        contextLength = model.contextLength
        parameterCount = model.parameterCount
        generator = TextGenerator(model, tokenizer: tokenizer, roles: roles)
        encoding = generator.encoding
        texts = TextQueue(limits)
    }

    /// Reads a model: a directory or a GGUF file (`ModelDirectory.load`).
    /// - Parameters:
    ///   - path: the directory or file.
    ///   - acceptingEdits: whether files beside the weights may have been edited since the model was saved.
    ///   - limits: how many texts are generated at the same time, and how many may wait.
    ///   - execution: how everything is computed.
    /// - Throws: one line that names the file and what is wrong with it, or `InferenceError.noThread`.
    public init(
        path: String, acceptingEdits: Bool = false, limits: EngineLimits = EngineLimits(),
        execution: Execution = .current
    ) throws {
        let saved = try ModelDirectory.load(path, acceptingEdits: acceptingEdits)
        let tokenizer = try saved.tokenizer
        try self.init(
            saved.languageModel, tokenizer: tokenizer, roles: saved.description.roles, limits: limits,
            execution: execution)
    }

    // MARK: Generation

    /// The ids of a prompt (`TextEncoding.ids(ofPrompt:replacing:)`), on the caller's thread.
    public nonisolated func encode(prompt: String, replacing unknown: Unicode.Scalar? = nil) throws -> [Int32] {
        try encoding.ids(ofPrompt: prompt, replacing: unknown)
    }

    /// The tokens of one text. Generation starts when the first token is requested.
    ///
    /// Where the consuming task is cancelled, the step that is being computed is the last; the stream then ends without an
    /// error. An invalid request, such as an empty prompt, is an error (`GenerationError`) of the first token, and so is a
    /// request beyond the limits of the engine (`InferenceError.busy`).
    /// - Parameter request: what to generate.
    public nonisolated func stream(_ request: GenerationRequest) -> AsyncThrowingStream<GeneratedToken, any Error> {
        let ticket = TextTicket { [weak self] ticket in
            guard let self else { return }
            Task { await self.leave(ticket) }
        }
        return AsyncThrowingStream { try await self.nextToken(request, ticket) }
    }

    private func nextToken(_ request: GenerationRequest, _ ticket: TextTicket) async throws -> GeneratedToken? {
        if Task.isCancelled {
            texts.remove(ticket.id)
            return nil
        }
        let text = try texts.text(of: ticket) { try TextGeneration(request, by: generator) }
        startSteps()
        guard let text else { return nil }
        let id = ticket.id
        defer { if text.isDelivered { texts.remove(id) } }
        if let token = try text.takeToken() { return token }
        // The closure is isolated to the engine because it calls a method of it. Without that, it would run beside a step.
        return try await withTaskCancellationHandler {
            try await self.waitForToken(of: text)
        } onCancel: {
            Task { await self.leave(id) }
        }
    }

    private func waitForToken(of text: QueuedText) async throws -> GeneratedToken? {
        try await withCheckedThrowingContinuation { text.wait($0) }
    }

    private func leave(_ id: TextTicket.ID) { texts.remove(id) }

    /// What the engine has done and is doing.
    public var statistics: EngineStatistics { texts.statistics }

    /// Whether `runSteps` is running.
    private var isStepping = false

    private func startSteps() {
        guard !isStepping, texts.hasWork else { return }
        isStepping = true
        Task { await runSteps() }
    }

    /// Computes steps until no text can go on. Whatever else was requested has its turn between two steps.
    private func runSteps() async {
        while texts.hasWork {
            compute { texts.step(generator.model) }
            await Task.yield()
        }
        isStepping = false
    }

    // MARK: Scores

    /// Scores a text, like `TextGenerator.score`. Other requests have their turns in between.
    /// - Throws: `TokenizerError`, `ScoringError.tooShort`, or `CancellationError` if the task is cancelled.
    public nonisolated func score(_ text: String, replacing unknown: Unicode.Scalar? = nil) async throws -> TextScore {
        let scorer = Confined<TextScorer>()
        while true {
            try Task.checkCancellation()
            if let score = try await scoreNextPart(of: text, unknown, scorer) { return score }
        }
    }

    /// Scores a part of a text, and returns the score of the whole after the last one.
    private func scoreNextPart(
        of text: String, _ unknown: Unicode.Scalar?, _ scorer: Confined<TextScorer>
    ) throws -> TextScore? {
        try compute {
            guard var state = try scorer.take(orMake: { try TextScorer(text, generator, replacing: unknown) }) else {
                return nil
            }
            if !state.scoreNextPart() { return state.score }
            scorer.put(state)
            return nil
        }
    }

    /// The logits (V) of the token that follows some ids (`TextGenerator.logits(after:)`).
    /// - Throws: `GenerationError`.
    public func logits(after ids: [Int32]) throws -> [Float] {
        try compute { try generator.logits(after: ids) }
    }

    /// The log probability of each id but the first, given those before it (`TextGenerator.logProbabilities(of:top:)`).
    /// - Throws: `GenerationError` or `ScoringError.tooLong`.
    public func logProbabilities(of ids: [Int32], top count: Int = 0) throws -> [ScoredToken] {
        try compute { try generator.logProbabilities(of: ids, top: count) }
    }

    // MARK: Explanations

    private var inspector: ModelInspector?

    /// Runs a closure with the inspector of the model, after earlier requests.
    /// - Throws: `ExplanationError.noWeights` for a model of counts, and what `body` throws.
    package func inspect<Result: Sendable>(_ body: @Sendable (ModelInspector) throws -> Result) throws -> Result {
        guard let model = generator.model.neural else {
            throw ExplanationError.noWeights(modelType: generator.model.modelType)
        }
        let inspector = inspector ?? ModelInspector(Explainer(model, tokenizer: tokenizer, roles: generator.roles))
        self.inspector = inspector
        return try compute { try body(inspector) }
    }

    /// Computes with the engine's `Execution`, which is bound to a task and would otherwise be that of each caller.
    private func compute<Result>(_ body: () throws -> Result) rethrows -> Result {
        try Execution.$current.withValue(execution, operation: body)
    }
}

/// The state of a request, which its stream keeps between two turns.
private final class Confined<State>: Sendable {
    // Unsafe because tasks pass the object around; but only isolated methods of the engine that it was made for access these
    // two, and their release, on any thread, returns memory to a pool that any thread can use.
    private nonisolated(unsafe) var state: State?
    private nonisolated(unsafe) var isMade = false

    /// The state, which is made first if this is the first call; nil where an error has ended the request.
    func take(orMake make: () throws -> State) rethrows -> State? {
        if isMade { return state.take() }
        isMade = true
        return try make()
    }

    /// Keeps the state for the next turn.
    func put(_ state: State) { self.state = state }
}

/// Why an engine cannot be made, or does not accept a request, in one line.
public enum InferenceError: Error, Equatable, CustomStringConvertible {
    /// The system refuses to start a thread.
    case noThread
    /// As many texts are under way and waiting as the limits of the engine allow.
    case busy

    public var description: String {
        switch self {
        case .noThread: "the system cannot start another thread; raise its limit (ulimit -u, ulimit -v)"
        case .busy: "the model is busy with as many requests as it accepts; try again later"
        }
    }
}
