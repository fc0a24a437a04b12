import Models

/// Computes the validation loss: the loss on the parts of the texts that are not used for training.
struct Evaluator {
    let documents: [TokenDataset.Document]
    let length: Int

    /// - Parameter length: the number of tokens of each window: the context length of the model, if it has one.
    init(_ data: TokenDataset, length: Int) {
        documents = data.documents
        self.length = length
    }

    /// The number of windows in all texts.
    var windows: Int { documents.reduce(0) { $0 + windows(of: $1.validation) } }

    private func windows(of tokens: [Int32]) -> Int {
        EvaluationWindows.count(tokenCount: tokens.count, length: length)
    }

    /// Computes the loss over at most `limit` windows, which are evenly spaced over the texts and the same in every
    /// call. Returns nil if stopped.
    func evaluate(
        _ model: any LanguageModel, atMost limit: Int = .max, shouldStop: () -> Bool
    ) -> Evaluation? {
        let all = windows
        var result = Evaluation(total: 0, count: 0)
        var passed = 0
        for document in documents {
            let tokens = document.validation
            // Each text gets its share of the windows. The shares are rounded so that they add up to the limit.
            let own = windows(of: tokens)
            let share = limit >= all ? own : limit * (passed + own) / all - limit * passed / all
            passed += own
            guard share > 0 else { continue }
            var chosen = EvaluationWindows(tokenCount: tokens.count, length: length, atMost: share)
            chosen.isTarget = document.conversations?.isValidationTarget
            let part = model.evaluate(
                tokens, after: document.training[...], windows: chosen, shouldStop: shouldStop)
            guard let part else { return nil }
            result += part
        }
        return result
    }

    /// The number of windows that an evaluation can score at a cost of at most 5% of the training before it.
    ///
    /// A forward pass takes a third of the arithmetic of a training step (Kaplan et al., 2020), so 0.05 x 3 tokens can
    /// be scored for each training token. The cost is counted, not timed, so that two runs choose the same windows.
    static func affordableWindows(trainedTokens: Int, length: Int) -> Int {
        max(1, Int(0.15 * Double(trainedTokens) / Double(length)))
    }
}
