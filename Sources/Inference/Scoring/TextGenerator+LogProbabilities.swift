import Models
import Tensors

extension TextGenerator {
    /// The logits (V) of the token that follows some ids, of which a model with a limited context reads the last.
    /// - Throws: `GenerationError` where there are no ids, or one is not of the model.
    public func logits(after ids: [Int32]) throws(GenerationError) -> [Float] {
        try check(ids)
        let context = Array(ids.suffix(model.contextLength ?? .max))
        return model.startDecoding().append(context).values
    }

    /// The log probability of each id but the first, given those before it: what OpenAI's API returns of a prompt with
    /// `echo`.
    /// - Parameters:
    ///   - ids: at most as many as the context of the model.
    ///   - count: how many of the most probable tokens are reported beside each.
    /// - Returns: an element for each id but the first.
    /// - Throws: `GenerationError` where there are no ids, or one is not of the model; `ScoringError.tooLong`.
    public func logProbabilities(of ids: [Int32], top count: Int = 0) throws -> [ScoredToken] {
        try check(ids)
        if let contextLength = model.contextLength, ids.count > contextLength {
            throw ScoringError.tooLong(tokens: ids.count, contextLength: contextLength)
        }
        // A pass over all ids at once takes memory for the logits of each, and has no 8-bit weights.
        guard ids.count > 1, model.contextLength != nil, Execution.current.weightFormat != .int8,
            let neural = model.neural
        else {
            let session = model.startDecoding()
            return zip(ids, ids.dropFirst()).map { id, following in
                session.append([id]).withElements { scored(following, top: count, UnsafeBufferPointer($0)) }
            }
        }
        // (T - 1, V)
        return neural.logits(TokenBatch(ids.dropLast())).withElements { logits in
            ids.dropFirst().enumerated().map { position, id in
                let row = logits[position * model.vocabularySize..<(position + 1) * model.vocabularySize]
                return scored(id, top: count, UnsafeBufferPointer(rebasing: row))
            }
        }
    }

    private func scored(_ id: Int32, top count: Int, _ logits: UnsafeBufferPointer<Float>) -> ScoredToken {
        let logSoftmax = LogSoftmax(logits)
        return ScoredToken(id: id, logProbability: logSoftmax[id], alternatives: logSoftmax.top(count))
    }

    private func check(_ ids: [Int32]) throws(GenerationError) {
        if ids.isEmpty { throw .emptyPrompt }
        for id in ids where id < 0 || Int(id) >= model.vocabularySize {
            throw .unknownToken(id, vocabularySize: model.vocabularySize)
        }
    }
}
