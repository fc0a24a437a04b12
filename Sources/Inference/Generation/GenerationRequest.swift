import Models

/// What to generate: the prompt, how tokens are drawn, where to stop, and what to report about each token.
public struct GenerationRequest: Sendable, Equatable {
    /// The ids that the text continues, at least one (`TextGenerator.encode(prompt:)`). A prompt longer than the model's
    /// context is cut to its last tokens.
    public var prompt: [Int32]
    /// The largest number of tokens to generate.
    public var length: Int
    /// How tokens are drawn.
    public var settings: GenerationSettings
    /// Texts that end a sequence. They are not part of it.
    public var stops: [String]
    /// The number of the first sequence. Sequence n of a prompt is the same whether it is generated alone, with
    /// `firstSequence` n, or beside others.
    public var firstSequence: Int
    /// nil for no log probabilities; 0 for that of each token; k > 0 also for those of the k most probable tokens at each
    /// position. They cost one pass over the vocabulary for each token.
    public var topLogProbabilities: Int?

    public init(
        prompt: [Int32], length: Int, settings: GenerationSettings = GenerationSettings(), stops: [String] = [],
        firstSequence: Int = 0, topLogProbabilities: Int? = nil
    ) {
        self.prompt = prompt
        self.length = length
        self.settings = settings
        self.stops = stops
        self.firstSequence = firstSequence
        self.topLogProbabilities = topLogProbabilities
    }
}
