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
/// **Turns.** Each token of a stream is computed when its consumer asks for it, and requests are served in the order in which
/// they ask. So streams that are consumed at the same time take turns token by token, a slow consumer delays nobody, and a
/// stream that is no longer consumed costs nothing. Processing a prompt is one such turn, and so are about 2048 tokens of a
/// text to score.
///
/// **Determinism.** A request has a state of its own, and all are computed with the same `Execution`. So its tokens depend on
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

    /// Takes over a model.
    /// - Parameters:
    ///   - model: the model, which nothing else refers to.
    ///   - tokenizer: the tokenizer that it was trained with.
    ///   - roles: which tokens begin and end a text; nil for a model that was trained without special tokens.
    ///   - execution: how everything is computed.
    /// - Throws: `InferenceError.noThread`.
    public init(
        _ model: sending any LanguageModel, tokenizer: any Tokenizer, roles: TokenRoles? = nil,
        execution: Execution = .current
    ) throws {
        executor = try ThreadExecutor()
        self.execution = execution
        modelType = model.modelType
        vocabularySize = model.vocabularySize
        contextLength = model.contextLength
        parameterCount = model.parameterCount
        generator = TextGenerator(model, tokenizer: tokenizer, roles: roles)
        encoding = generator.encoding
    }

    /// Reads a model: a directory or a GGUF file (`ModelDirectory.load`).
    /// - Parameters:
    ///   - path: the directory or file.
    ///   - acceptingEdits: whether files beside the weights may have been edited since the model was saved.
    ///   - execution: how everything is computed.
    /// - Throws: one line that names the file and what is wrong with it, or `InferenceError.noThread`.
    public init(
        path: String, acceptingEdits: Bool = false, execution: Execution = .current
    ) throws {
        let saved = try ModelDirectory.load(path, acceptingEdits: acceptingEdits)
        let tokenizer = try saved.tokenizer
        try self.init(
            saved.languageModel, tokenizer: tokenizer, roles: saved.description.roles, execution: execution)
    }

    // MARK: Generation

    /// The ids of a prompt (`TextEncoding.ids(ofPrompt:replacing:)`), on the caller's thread.
    public nonisolated func encode(prompt: String, replacing unknown: Unicode.Scalar? = nil) throws -> [Int32] {
        try encoding.ids(ofPrompt: prompt, replacing: unknown)
    }

    /// The tokens of one sequence, each computed when it is asked for.
    ///
    /// Where the consuming task is cancelled, the step that is being computed is the last; the stream then ends without an
    /// error. An invalid request, such as an empty prompt, is an error (`GenerationError`) of the first token.
    /// - Parameter request: what to generate.
    public nonisolated func stream(_ request: GenerationRequest) -> AsyncThrowingStream<GeneratedToken, any Error> {
        let generation = Confined<TextGeneration>()
        return AsyncThrowingStream { try await self.nextToken(request, generation) }
    }

    private func nextToken(
        _ request: GenerationRequest, _ generation: Confined<TextGeneration>
    ) throws -> GeneratedToken? {
        // The task may have been cancelled while others had their turns.
        if Task.isCancelled { return nil }
        return try compute {
            guard var state = try generation.take(orMake: { try TextGeneration(request, by: generator) }) else {
                return nil
            }
            let token = try state.next().first
            generation.put(state)
            return token
        }
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

/// Why an engine cannot be made, in one line.
public enum InferenceError: Error, Equatable, CustomStringConvertible {
    /// The system refuses to start a thread.
    case noThread

    public var description: String {
        switch self {
        case .noThread: "the system cannot start another thread; raise its limit (ulimit -u, ulimit -v)"
        }
    }
}
