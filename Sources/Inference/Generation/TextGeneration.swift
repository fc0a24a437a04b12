import Models
import Tokenizers

/// A text under way: the sequence of its tokens, and what turns them into text until it ends.
struct TextGeneration {
    /// The tokens.
    let sequence: GeneratedSequence
    /// The number of the text among those of a request.
    private let index: Int
    private let request: GenerationRequest
    /// The tokens that end a text.
    private let ends: [Int32]
    private var decoder: StreamingDecoder
    private var filter: StopFilter
    private var count = 0
    private(set) var isRunning: Bool

    /// - Parameters:
    ///   - request: what to generate.
    ///   - generator: the model, and how its tokens become text.
    ///   - index: the number of the text among those of the request.
    /// - Throws: `GenerationError` for a prompt, a setting or a stop string that is invalid.
    init(_ request: GenerationRequest, by generator: TextGenerator, index: Int = 0) throws(GenerationError) {
        sequence = try GeneratedSequence(
            generator.model, prompt: request.prompt, number: request.firstSequence + index, settings: request.settings,
            banned: generator.banned)
        self.index = index
        self.request = request
        ends = generator.ignoresEnds ? [] : generator.roles.ends
        let tokenizer = generator.tokenizer
        let continuesText = request.prompt.contains {
            tokenizer.decodedBytes(of: $0, isFirst: true, spellingSpecialTokens: false) != nil
        }
        decoder = StreamingDecoder(tokenizer, continuing: continuesText)
        filter = try StopFilter(request.stops)
        isRunning = request.length > 0
    }

    /// The next token, which is sampled from its logits.
    /// - Throws: `GenerationError.noTokenPossible`; the text has then ended.
    mutating func next(_ logits: LogitsRow) throws(GenerationError) -> GeneratedToken {
        isRunning = false
        let id = try sequence.sample(logits)
        count += 1
        let (text, finishReason) = append(id)
        var logProbability: Double?, alternatives: [TokenLogProbability] = []
        if let count = request.topLogProbabilities {
            (logProbability, alternatives) = logits.withElements { logits in
                let logSoftmax = LogSoftmax(logits)
                return (logSoftmax[id], logSoftmax.top(count))
            }
        }
        isRunning = finishReason == nil
        return GeneratedToken(
            sequence: index, id: id, text: text, logProbability: logProbability, alternatives: alternatives,
            finishReason: finishReason)
    }

    /// The text that a token completes, and why it is the last one, if it is.
    private mutating func append(_ id: Int32) -> (text: String, FinishReason?) {
        var text = "", reason: FinishReason?
        if ends.contains(id) {
            reason = .endOfText
        } else {
            text = filter.append(decoder.append(id))
            if count == request.length { reason = .length }
        }
        // The end of the text may complete a stop string, with U+FFFD for a character that is incomplete.
        if reason != nil { text += filter.append(decoder.finish()) }
        if let stop = filter.stop {
            reason = .stopString(stop)
        } else if reason != nil {
            text += filter.finish()
        }
        return (text, reason)
    }
}
