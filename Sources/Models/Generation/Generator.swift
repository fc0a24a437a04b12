import Tensors

/// Continues a text, token by token: one or several continuations of one prompt, computed side by side.
///
/// ```swift
/// let generator = try Generator(model, prompt: ids, settings: .greedy)
/// while text.count < 500 { text.append(try generator.next()[0]) }
/// ```
///
/// The prompt is processed at once; after it every token costs one step of the model, whose session keeps what it
/// computed before. When the context is full, the session is cleared and goes on from the last half of the text that was
/// in it: half, so that this is needed only every half context. What is further back the model has forgotten.
///
/// Token n of sequence s is drawn with random numbers keyed by (seed, s, n), so which sequences are
/// made at once does not matter, nor in how many pieces; up to rounding, for products of many rows are summed in another
/// order than those of few.
public final class Generator {
    /// How many tokens of the prompt's beginning the context had no room for. They are left out.
    public let omittedPromptTokens: Int

    private let model: any LanguageModel
    private let settings: GenerationSettings
    private let session: any DecodingSession
    private let firstSequence: Int
    private var sampler: Sampler

    /// The end of each sequence: what the session has and, last, the `pending` tokens it has not been given yet.
    private var texts: [[Int32]]
    private var pending: Int
    /// Which tokens each sequence has, for the repetition penalty.
    private var isInText: [[Bool]]
    /// How many tokens each sequence has, the prompt's included.
    private var position: Int

    /// - Parameters:
    ///   - model: what says which token may come next.
    ///   - prompt: the ids to go on from, at least one. Of one that is longer than the model's context the end is kept.
    ///   - sequences: how many continuations are made.
    ///   - firstSequence: the number of the first of them: 0, unless some were made before.
    ///   - settings: how tokens are drawn.
    ///   - banned: ids that are never generated.
    /// - Throws: `GenerationError` where a setting is outside its range, or the prompt empty or not of the model's tokens.
    public init(
        _ model: any LanguageModel, prompt: [Int32], sequences: Int = 1, firstSequence: Int = 0,
        settings: GenerationSettings, banned: [Int32] = []
    ) throws(GenerationError) {
        precondition(sequences > 0, "at least one sequence")
        try settings.validate()
        if prompt.isEmpty { throw .emptyPrompt }
        var isInPrompt = [Bool](repeating: false, count: model.vocabularySize)
        for id in prompt {
            guard isInPrompt.indices.contains(Int(id)) else {
                throw .unknownToken(id, vocabularySize: model.vocabularySize)
            }
            isInPrompt[Int(id)] = true
        }
        let kept = prompt.suffix(model.contextLength ?? .max)
        omittedPromptTokens = prompt.count - kept.count
        self.model = model
        self.settings = settings
        self.firstSequence = firstSequence
        session = model.startDecoding(sequences: sequences)
        sampler = Sampler(settings, vocabularySize: model.vocabularySize, banned: banned)
        texts = Array(repeating: Array(kept), count: sequences)
        isInText = Array(repeating: isInPrompt, count: sequences)
        pending = kept.count
        position = prompt.count
    }

    /// The next token of each sequence.
    /// - Throws: `GenerationError.noTokenPossible` where the model's numbers are none, or every token is banned.
    public func next() throws(GenerationError) -> [Int32] { try nextWithLogits().tokens }

    /// The next token of each sequence, and the logits (B, V) that the model computed for it, before sampling changes them.
    package func nextWithLogits() throws(GenerationError) -> (tokens: [Int32], logits: Tensor) {
        let logits = advance()
        var tokens: [Int32] = []
        for b in texts.indices {
            var random = Philox(settings.seed, UInt64(firstSequence + b), UInt64(position))
            let token = logits.withElements { all in
                let row = UnsafeBufferPointer(rebasing: all[b * model.vocabularySize..<(b + 1) * model.vocabularySize])
                return sampler.next(row.span, isInText: isInText[b], random: &random)
            }
            guard let token else { throw .noTokenPossible(position: position) }
            isInText[b][Int(token)] = true
            tokens.append(token)
        }
        for b in texts.indices { texts[b].append(tokens[b]) }
        pending += 1
        position += 1
        return (tokens, logits)
    }

    /// Gives the session what it lacks of the texts, and returns the logits of the next tokens (B, V).
    private func advance() -> Tensor {
        if let context = model.contextLength, session.length + pending > context {
            session.clear()
            pending = max(1, context / 2)
            for b in texts.indices { texts[b].removeFirst(texts[b].count - pending) }
        }
        // A model without a context takes any prompt, but not all at once: memory has a limit.
        let piece = model.contextLength ?? 1024
        while true {
            let range = texts[0].count - pending..<texts[0].count - pending + min(piece, pending)
            let ids = texts.count == 1 ? Array(texts[0][range]) : texts.flatMap { $0[range] }
            let logits = session.append(TokenBatch(batch: texts.count, length: range.count, ids: ids))
            pending -= range.count
            guard pending == 0 else { continue }
            // Only a context that is full asks for them again.
            if model.contextLength == nil { for b in texts.indices { texts[b].removeAll(keepingCapacity: true) } }
            return logits
        }
    }
}
