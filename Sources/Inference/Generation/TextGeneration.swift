import Models
import Tokenizers

/// A generation under way: each call of `next` makes one token of every sequence that has not ended.
struct TextGeneration {
    /// What turns the ids of one sequence into text, until it ends.
    private struct SequenceState {
        var decoder: StreamingDecoder
        var filter: StopFilter
        var isRunning = true
    }

    private let generator: Generator
    private let request: GenerationRequest
    /// The tokens that end a sequence.
    private let ends: [Int32]
    private let vocabularySize: Int
    private var sequences: [SequenceState]
    private var step = 0

    /// - Throws: `GenerationError` for a prompt, a setting or a stop string that is invalid.
    init(
        _ request: GenerationRequest, by generator: TextGenerator, sequences: Int = 1
    ) throws(GenerationError) {
        self.generator = try Generator(
            generator.model, prompt: request.prompt, sequences: sequences, firstSequence: request.firstSequence,
            settings: request.settings, banned: generator.banned)
        self.request = request
        ends = generator.ignoresEnds ? [] : generator.roles.ends
        vocabularySize = generator.model.vocabularySize
        let tokenizer = generator.tokenizer
        let continuesText = request.prompt.contains {
            tokenizer.decodedBytes(of: $0, isFirst: true, spellingSpecialTokens: false) != nil
        }
        let sequence = SequenceState(
            decoder: StreamingDecoder(tokenizer, continuing: continuesText),
            filter: try StopFilter(request.stops))
        self.sequences = Array(repeating: sequence, count: sequences)
    }

    /// The next token of each sequence that has not ended; none once all have.
    mutating func next() throws(GenerationError) -> [GeneratedToken] {
        guard step < request.length, sequences.contains(where: \.isRunning) else { return [] }
        step += 1
        let (ids, logits) = try generator.nextWithLogits()
        var tokens: [GeneratedToken] = []
        for (index, id) in ids.enumerated() where sequences[index].isRunning {
            let (text, finishReason) = append(id, to: index)
            var logProbability: Double?, alternatives: [TokenLogProbability] = []
            if let count = request.topLogProbabilities {
                logits.withElements { all in
                    let row = all[index * vocabularySize..<(index + 1) * vocabularySize]
                    let logSoftmax = LogSoftmax(UnsafeBufferPointer(rebasing: row))
                    logProbability = logSoftmax[id]
                    alternatives = logSoftmax.top(count)
                }
            }
            tokens.append(
                GeneratedToken(
                    sequence: index, id: id, text: text, logProbability: logProbability, alternatives: alternatives,
                    finishReason: finishReason))
        }
        return tokens
    }

    /// The text that a token completes, and why it is the last of its sequence, if it is.
    private mutating func append(_ id: Int32, to index: Int) -> (text: String, FinishReason?) {
        var text = "", reason: FinishReason?
        if ends.contains(id) {
            reason = .endOfText
        } else {
            text = sequences[index].filter.append(sequences[index].decoder.append(id))
            if step == request.length { reason = .length }
        }
        // The end of the text may complete a stop string, with U+FFFD for a character that is incomplete.
        if reason != nil { text += sequences[index].filter.append(sequences[index].decoder.finish()) }
        if let stop = sequences[index].filter.stop {
            reason = .stopString(stop)
        } else if reason != nil {
            text += sequences[index].filter.finish()
        }
        sequences[index].isRunning = reason == nil
        return (text, reason)
    }
}
