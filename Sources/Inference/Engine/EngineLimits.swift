/// How many texts an engine generates at the same time, and how many wait.
public struct EngineLimits: Sendable, Equatable {
    /// The most texts in one step. Each needs memory for its keys and values.
    public var concurrentTexts: Int
    /// The most texts that wait for others to end. A further one is refused (`InferenceError.busy`).
    public var waitingTexts: Int
    /// The most tokens of prompts that are kept for prompts with the same beginning; nil for four times the context, or as many
    /// as 256 MB hold.
    public var cachedPromptTokens: Int?

    public init(concurrentTexts: Int = 64, waitingTexts: Int = .max, cachedPromptTokens: Int? = nil) {
        self.concurrentTexts = max(1, concurrentTexts)
        self.waitingTexts = max(0, waitingTexts)
        self.cachedPromptTokens = cachedPromptTokens
    }
}

/// What an engine has done since it was made, and what it is doing.
public struct EngineStatistics: Sendable, Equatable {
    /// The tokens of prompts that were processed.
    public var promptTokens = 0
    /// The tokens of prompts that did not have to be processed, because another prompt had begun in the same way.
    public var sharedPromptTokens = 0
    /// The tokens that were generated.
    public var generatedTokens = 0
    /// The steps of the model in which they were generated.
    public var steps = 0
    /// The texts that are being generated.
    public var running = 0
    /// The texts that wait until others have ended.
    public var waiting = 0
}
