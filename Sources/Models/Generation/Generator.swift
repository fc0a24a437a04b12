import Tensors

/// Generates text token by token: one or several continuations of one prompt, computed as a batch.
///
/// ```swift
/// let generator = try Generator(model, prompt: ids, settings: .greedy)
/// while text.count < 500 { text.append(try generator.next()[0]) }
/// ```
///
/// The prompt is processed at once. After it, every token costs one step of the model, whose session caches the results
/// of earlier steps. When the context is full, the session is cleared and restarted with the last half of its text. The
/// model no longer sees the tokens before that.
///
/// Token n of sequence s is sampled with random numbers keyed by (seed, s, n), and the logits of a sequence do not depend on
/// the others. So a sequence is the same, to the bit, whether it is generated alone or beside others.
public final class Generator {
    /// The number of tokens at the beginning of the prompt that were left out because the context is too short.
    public var omittedPromptTokens: Int { sequences[0].omittedPromptTokens }

    private let model: any LanguageModel
    private let sequences: [GeneratedSequence]
    /// The prompt, which is processed once for all sequences.
    private let prompts: PromptCache?

    /// - Parameters:
    ///   - model: the model.
    ///   - prompt: at least one id. If it is longer than the model's context, only its end is used.
    ///   - sequences: the number of continuations.
    ///   - firstSequence: the number of the first one: 0, unless others were generated before.
    ///   - settings: how tokens are sampled.
    ///   - banned: ids that are never generated.
    /// - Throws: `GenerationError` if a setting is out of range, or the prompt is empty or has ids outside the
    ///   vocabulary.
    public init(
        _ model: any LanguageModel, prompt: [Int32], sequences: Int = 1, firstSequence: Int = 0,
        settings: GenerationSettings, banned: [Int32] = []
    ) throws(GenerationError) {
        precondition(sequences > 0, "at least one sequence")
        self.model = model
        var made: [GeneratedSequence] = []
        for number in firstSequence..<firstSequence + sequences {
            made.append(
                try GeneratedSequence(model, prompt: prompt, number: number, settings: settings, banned: banned))
        }
        self.sequences = made
        prompts = sequences > 1 ? PromptCache(capacity: prompt.count) : nil
    }

    /// The next token of each sequence.
    /// - Throws: `GenerationError.noTokenPossible` if no token can be sampled.
    public func next() throws(GenerationError) -> [Int32] {
        let logits = model.nextLogits(of: sequences, sharing: prompts)
        var tokens: [Int32] = []
        for (sequence, logits) in zip(sequences, logits) { tokens.append(try sequence.sample(logits)) }
        return tokens
    }
}
