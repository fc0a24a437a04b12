import Tensors

/// One sequence in generation: its text, the session that has processed it, and how its tokens are sampled.
///
/// A prompt is processed in one or several parts (`processPrompt`), and after it every token costs one step of the model,
/// in which many sequences can take part (`LanguageModel.step`). The tokens of a sequence depend on itself alone, to the
/// bit: on the prompt, the settings and its number.
///
/// When the context is full, the session is cleared and restarted with the last half of its text, which is then processed
/// like a prompt: half, so that this happens only once per half context. The model no longer sees the tokens before that.
package final class GeneratedSequence {
    /// The number of tokens at the beginning of the prompt that were left out because the context is too short.
    package let omittedPromptTokens: Int

    fileprivate private(set) var session: any DecodingSession
    private let model: any LanguageModel
    private let settings: GenerationSettings
    /// The number of the sequence, which its random numbers depend on.
    private let number: Int
    private var sampler: Sampler

    /// The last part of the text: the tokens in the session, and then the `pending` tokens that are not in it yet.
    private var text: [Int32]
    private var pending: Int
    /// Whether the pending tokens belong to a prompt with more rows than the product of few rows is made for.
    private var isLongPrompt = false
    /// The tokens that did not have to be processed.
    private var sharedTokens = 0
    /// Whether each token occurs in the text, for the repetition penalty.
    private var isInText: [Bool]
    /// The number of tokens of the whole text, including the prompt.
    private var position: Int

    /// - Parameters:
    ///   - model: the model.
    ///   - prompt: at least one id. If it is longer than the model's context, only its end is used.
    ///   - number: the number of the sequence.
    ///   - settings: how tokens are sampled.
    ///   - banned: ids that are never generated.
    /// - Throws: `GenerationError` if a setting is out of range, or the prompt is empty or has ids outside the
    ///   vocabulary.
    package init(
        _ model: any LanguageModel, prompt: [Int32], number: Int = 0, settings: GenerationSettings,
        banned: [Int32] = []
    ) throws(GenerationError) {
        try settings.validate()
        if prompt.isEmpty { throw .emptyPrompt }
        isInText = [Bool](repeating: false, count: model.vocabularySize)
        for id in prompt {
            guard isInText.indices.contains(Int(id)) else {
                throw .unknownToken(id, vocabularySize: model.vocabularySize)
            }
            isInText[Int(id)] = true
        }
        text = Array(prompt.suffix(model.contextLength ?? .max))
        omittedPromptTokens = prompt.count - text.count
        self.model = model
        self.settings = settings
        self.number = number
        sampler = Sampler(settings, vocabularySize: model.vocabularySize, banned: banned)
        session = model.startDecoding()
        pending = text.count
        position = prompt.count
        isLongPrompt = PromptCache.isLong(text)
    }

    /// Whether one token is to be processed, as part of a step. If not, the prompt is to be processed first.
    package var isAtStep: Bool { pending == 1 && !isLongPrompt && !isContextFull }

    private var isContextFull: Bool { model.contextLength.map { session.length + pending > $0 } ?? false }

    /// The token of the next step.
    fileprivate var stepToken: Int32 { text[text.count - 1] }

    /// Processes the next part of the prompt.
    /// - Parameters:
    ///   - count: the most tokens of it. Into how many parts a prompt is divided does not change its results.
    ///   - cache: prompts that were processed before. A common beginning is reused.
    /// - Returns: the logits (V) of the next token, if all of the prompt is processed; else nil.
    package func processPrompt(atMost count: Int = .max, sharing cache: PromptCache? = nil) -> Tensor? {
        if isContextFull {
            session.clear()
            pending = max(1, (model.contextLength ?? 2) / 2)
            text.removeFirst(text.count - pending)
            isLongPrompt = PromptCache.isLong(text)
        }
        if session.length == 0, isLongPrompt, let processed = cache?.session(for: text) {
            session = processed
            pending = text.count - session.length
            sharedTokens += session.length
        }
        let part = text[(text.count - pending)...].prefix(min(count, model.promptChunkLength))
        let logits = Execution.with(isLongPrompt ? .asPrompt : .asSteps) { session.append(Array(part)) }
        pending -= part.count
        if pending > 0 { return nil }
        if isLongPrompt { cache?.add(session, text) }
        isLongPrompt = false
        dropTextIfNotNeeded()
        return logits
    }

    /// The number of tokens of the prompt that are not processed yet.
    package var promptTokensLeft: Int {
        isAtStep ? 0 : isContextFull ? max(1, (model.contextLength ?? 2) / 2) : pending
    }

    /// The number of tokens of the prompt that did not have to be processed, since the last call.
    package func takeSharedTokens() -> Int {
        defer { sharedTokens = 0 }
        return sharedTokens
    }

    /// Counts the token of a step, which is now in the session.
    fileprivate func didStep() {
        pending -= 1
        dropTextIfNotNeeded()
    }

    /// The text is needed again only when a context is full.
    private func dropTextIfNotNeeded() {
        if model.contextLength == nil { text.removeAll(keepingCapacity: true) }
    }

    /// Samples the next token, and appends it to the text.
    /// - Parameter logits: of this sequence.
    /// - Throws: `GenerationError.noTokenPossible` if no token can be sampled.
    package func sample(_ logits: LogitsRow) throws(GenerationError) -> Int32 {
        var random = Philox(settings.seed, UInt64(number), UInt64(position))
        let token = logits.withElements { sampler.next($0.span, isInText: isInText, random: &random) }
        guard let token else { throw .noTokenPossible(position: position) }
        isInText[Int(token)] = true
        text.append(token)
        pending += 1
        position += 1
        return token
    }
}

/// The logits (V) of the next token of a sequence: a row of those of several.
package struct LogitsRow {
    private let logits: Tensor
    private let row: Int

    /// - Parameters:
    ///   - logits: (V), or (B, V).
    ///   - row: the number of the row.
    package init(_ logits: Tensor, row: Int = 0) {
        self.logits = logits
        self.row = row
    }

    package func withElements<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        let V = logits.shape.columns
        return try logits.withElements { try body(UnsafeBufferPointer(rebasing: $0[row * V..<(row + 1) * V])) }
    }
}

extension LanguageModel {
    /// One step of several sequences: their next tokens are processed together.
    /// - Parameter sequences: sequences of this model that are all at a step (`isAtStep`), at least one.
    /// - Returns: the logits of the next token of each.
    package func step(_ sequences: [GeneratedSequence]) -> [LogitsRow] {
        let logits = append(sequences.map(\.stepToken), to: sequences.map(\.session))
        for sequence in sequences { sequence.didStep() }
        return sequences.indices.map { LogitsRow(logits, row: $0) }
    }

    /// The logits of the next token of several sequences, in order. Those that are at a step are computed together, after
    /// the prompts of the others.
    package func nextLogits(of sequences: [GeneratedSequence], sharing cache: PromptCache? = nil) -> [LogitsRow] {
        var logits = sequences.map { sequence -> LogitsRow? in
            if sequence.isAtStep { return nil }
            while true {
                if let processed = sequence.processPrompt(sharing: cache) { return LogitsRow(processed) }
            }
        }
        let stepping = sequences.indices.filter { logits[$0] == nil }
        if stepping.isEmpty { return logits.compactMap(\.self) }
        for (number, row) in zip(stepping, step(stepping.map { sequences[$0] })) { logits[number] = row }
        return logits.compactMap(\.self)
    }
}
