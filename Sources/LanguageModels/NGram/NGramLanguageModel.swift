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
        guard let first = tokens.first else { return Evaluation(total: 0, count: 0) }
        let total = negativeLogLikelihood(of: tokens.dropFirst(), after: ArraySlice(history.suffix(order) + [first]))
        return Evaluation(total: total, count: tokens.count - 1)
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
