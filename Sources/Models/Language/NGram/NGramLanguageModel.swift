import Tensors

/// An n-gram model is evaluated and sampled like any other language model.
extension NGramModel: LanguageModel {
    public var specification: ModelSpecification? {
        .ngram(Configuration(order: order, vocabularySize: vocabularySize))
    }
    public var form: ModelForm { .counted(self) }
    public var contextLength: Int? { nil }

    public func startDecoding() -> any DecodingSession { NGramDecodingSession(model: self) }

    public func evaluate<Tokens: RandomAccessCollection<Int32>>(
        _ tokens: Tokens, after history: ArraySlice<Int32>, windows: EvaluationWindows?, shouldStop: () -> Bool
    ) -> Evaluation? where Tokens.Index == Int {
        // Without given windows the text is still split, so that shouldStop is called between them.
        let size = 2048
        let windows = windows ?? EvaluationWindows(tokenCount: tokens.count, for: self)
        var result = Evaluation(total: 0, count: 0)
        for first in stride(from: 0, to: windows.chosen.count, by: max(1, size / windows.length)) {
            if shouldStop() { return nil }
            var total = 0.0, count = 0
            for window in windows.chosen[first..<min(first + max(1, size / windows.length), windows.chosen.count)] {
                let inputs = windows.inputs(of: window)
                if let isTarget = windows.isTarget {
                    for target in inputs.lowerBound + 1..<inputs.upperBound + 1 where isTarget[target] {
                        let before = Array(tokens[max(0, target - order)..<target])
                        let known =
                            before.count < order
                            ? ArraySlice(history.suffix(order - before.count) + before) : before[...]
                        total += negativeLogLikelihood(of: [tokens[target]], after: known)
                        count += 1
                    }
                    continue
                }
                // The model may use all preceding tokens, but never uses more than these.
                let before = Array(tokens[max(0, inputs.lowerBound + 1 - order)...inputs.lowerBound])
                let known =
                    before.count < order ? ArraySlice(history.suffix(order - before.count) + before) : before[...]
                total += negativeLogLikelihood(
                    of: Array(tokens[inputs.lowerBound + 1..<inputs.upperBound + 1])[...], after: known)
                count += inputs.count
            }
            result += Evaluation(total: total, count: count)
        }
        return result
    }
}

/// Decoding with an n-gram model, which needs only the last order - 1 tokens.
private final class NGramDecodingSession: DecodingSession {
    private let model: NGramModel
    private var history: [Int32] = []
    private(set) var length = 0

    init(model: NGramModel) { self.model = model }

    func append(_ tokens: [Int32]) -> Tensor {
        length += tokens.count
        history = (history + tokens).suffix(model.order)
        var logits = [Float](repeating: 0, count: model.vocabularySize)
        model.logProbabilities(after: history[...], into: &logits)
        return Tensor([model.vocabularySize], logits)
    }

    func clear() {
        length = 0
        history = []
    }
}
