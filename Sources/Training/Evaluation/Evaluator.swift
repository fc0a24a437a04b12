import Models

/// Validation: the loss over the parts of the texts that are not learnt from.
struct Evaluator {
    let documents: [TokenDataset.Document]
    let length: Int

    /// - Parameter length: of the windows that are scored; a model's context, if it has one.
    init(_ data: TokenDataset, length: Int) {
        documents = data.documents
        self.length = length
    }

    /// All windows of all texts.
    var windows: Int { documents.reduce(0) { $0 + windows(of: $1.validation) } }

    private func windows(of tokens: [Int32]) -> Int {
        EvaluationWindows.count(tokenCount: tokens.count, length: length)
    }

    /// The loss over at most `limit` windows, evenly spaced over the texts and the same every time; nil if it was stopped.
    func evaluate(
        _ model: any LanguageModel, atMost limit: Int = .max, shouldStop: () -> Bool
    ) -> Evaluation? {
        let all = windows
        var result = Evaluation(total: 0, count: 0)
        var passed = 0
        for document in documents {
            let tokens = document.validation
            // Each text has its share of the windows, the shares being rounded so that their sum is the limit.
            let own = windows(of: tokens)
            let share = limit >= all ? own : limit * (passed + own) / all - limit * passed / all
            passed += own
            guard share > 0 else { continue }
            let chosen = EvaluationWindows(tokenCount: tokens.count, length: length, atMost: share)
            let part = model.evaluate(
                tokens, after: document.training[...], windows: chosen, shouldStop: shouldStop)
            guard let part else { return nil }
            result += part
        }
        return result
    }

    /// How many windows an evaluation may score so that it costs at most 5% of the training it follows.
    ///
    /// A forward pass is a third of a training step's arithmetic (Kaplan et al., 2020), so 0.05 x 3 tokens can be scored
    /// for each one learnt from. Counted rather than timed, so that two runs choose the same windows.
    static func affordableWindows(trainedTokens: Int, length: Int) -> Int {
        max(1, Int(0.15 * Double(trainedTokens) / Double(length)))
    }
}
