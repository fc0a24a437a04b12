import Tensors

/// Counting as a rung of the ladder: it is trained in one pass and sampled like any other model.
extension NGramModel: LanguageModel {
    public var modelType: String { "ngram" }
    public var contextLength: Int? { nil }

    public func startDecoding(sequences: Int) -> any DecodingSession {
        NGramDecodingSession(model: self, sequences: sequences)
    }

    public func evaluate(
        _ tokens: [Int32], after history: ArraySlice<Int32>, windows: EvaluationWindows?, shouldStop: () -> Bool
    ) -> Evaluation? {
        // Without windows of a given length the text is cut all the same, to poll between them.
        let size = 2048
        let windows = windows ?? EvaluationWindows(tokenCount: tokens.count, for: self)
        var result = Evaluation(total: 0, count: 0)
        for first in stride(from: 0, to: windows.chosen.count, by: max(1, size / windows.length)) {
            if shouldStop() { return nil }
            var total = 0.0, count = 0
            for window in windows.chosen[first..<min(first + max(1, size / windows.length), windows.chosen.count)] {
                let inputs = windows.inputs(of: window)
                // All that precedes is known to a model without a context; more of it than this is never looked at.
                let before = tokens[max(0, inputs.lowerBound + 1 - order)...inputs.lowerBound]
                let known = before.count < order ? ArraySlice(history.suffix(order - before.count) + before) : before
                total += negativeLogLikelihood(
                    of: tokens[inputs.lowerBound + 1..<inputs.upperBound + 1], after: known)
                count += inputs.count
            }
            result += Evaluation(total: total, count: count)
        }
        return result
    }
}

/// Decoding from counts: the last order - 1 tokens are all there is to remember.
private final class NGramDecodingSession: DecodingSession {
    private let model: NGramModel
    private var histories: [[Int32]]
    private(set) var length = 0

    init(model: NGramModel, sequences: Int) {
        self.model = model
        histories = Array(repeating: [], count: sequences)
    }

    func append(_ tokens: TokenBatch) -> Tensor {
        precondition(tokens.batch == histories.count, "\(tokens.batch) sequences in a session of \(histories.count)")
        length += tokens.length
        var logits: [Float] = []
        var row = [Float](repeating: 0, count: model.vocabularySize)
        for b in histories.indices {
            histories[b] = (histories[b] + tokens.ids[b * tokens.length..<(b + 1) * tokens.length]).suffix(model.order)
            model.logProbabilities(after: histories[b][...], into: &row)
            logits += row
        }
        return Tensor([tokens.batch, model.vocabularySize], logits)
    }

    func clear() {
        length = 0
        histories = histories.map { _ in [] }
    }
}
