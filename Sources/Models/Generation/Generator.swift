import Tensors

/// Generates text token by token: one or several continuations of one prompt, computed as a batch.
///
/// ```swift
/// let generator = try Generator(model, prompt: ids, settings: .greedy)
/// while text.count < 500 { text.append(try generator.next()[0]) }
/// ```
///
/// The prompt is processed at once. After it, every token costs one step of the model, whose session caches the results
/// of earlier steps. When the context is full, the session is cleared and restarted with the last half of its text:
/// half, so that this happens only once per half context. The model no longer sees the tokens before that.
///
/// Token n of sequence s is sampled with random numbers keyed by (seed, s, n). So it does not matter which sequences
/// are computed together, or in how many chunks, except for rounding: products of many rows are summed in another order
/// than products of few.
public final class Generator {
    /// The number of tokens at the beginning of the prompt that were left out because the context is too short.
    public let omittedPromptTokens: Int

    private let model: any LanguageModel
    private let settings: GenerationSettings
    private let session: any DecodingSession
    private let firstSequence: Int
    private var sampler: Sampler

    /// The last part of each sequence: the tokens in the session, and then the `pending` tokens that are not in it yet.
    private var texts: [[Int32]]
    private var pending: Int
    /// The tokens that occur in each sequence, for the repetition penalty.
    private var isInText: [[Bool]]
    /// The number of tokens of each sequence, including the prompt.
    private var position: Int

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
        try settings.validate()
        if prompt.isEmpty { throw .emptyPrompt }
        var isInPrompt = [Bool](repeating: false, count: model.vocabularySize)
        for id in prompt {
            guard isInPrompt.indices.contains(Int(id)) else {
                throw .unknownToken(id, vocabularySize: model.vocabularySize)
            }
            isInPrompt[Int(id)] = true
        }
        let text = prompt.suffix(model.contextLength ?? .max)
        omittedPromptTokens = prompt.count - text.count
        self.model = model
        self.settings = settings
        self.firstSequence = firstSequence
        session = model.startDecoding(sequences: sequences)
        sampler = Sampler(settings, vocabularySize: model.vocabularySize, banned: banned)
        texts = Array(repeating: Array(text), count: sequences)
        isInText = Array(repeating: isInPrompt, count: sequences)
        pending = text.count
        position = prompt.count
    }

    /// The next token of each sequence.
    /// - Throws: `GenerationError.noTokenPossible` if no token can be sampled.
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

    /// Appends the pending tokens to the session, and returns the logits of the next tokens (B, V).
    private func advance() -> Tensor {
        if let context = model.contextLength, session.length + pending > context {
            session.clear()
            pending = max(1, context / 2)
            for b in texts.indices { texts[b].removeFirst(texts[b].count - pending) }
        }
        let chunk = model.promptChunkLength
        while true {
            let range = texts[0].count - pending..<texts[0].count - pending + min(chunk, pending)
            let ids = texts.count == 1 ? Array(texts[0][range]) : texts.flatMap { $0[range] }
            let logits = session.append(TokenBatch(batch: texts.count, length: range.count, ids: ids))
            pending -= range.count
            guard pending == 0 else { continue }
            // They are needed again only when a context is full.
            if model.contextLength == nil { for b in texts.indices { texts[b].removeAll(keepingCapacity: true) } }
            return logits
        }
    }
}
