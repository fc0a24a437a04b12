import Corpus
import Models

/// Computes the validation loss: the loss on the parts of the texts that are not used for training.
package struct Evaluator {
    /// Tokens that are scored by themselves: the validation part of a text, or one of its conversations, because a conversation
    /// begins a window in training, and a chat.
    private struct Part {
        let tokens: StoredTokens
        /// The last tokens before: as many as any model uses.
        let history: ArraySlice<Int32>
        /// Whether each token is a target; nil if all are.
        let isTarget: [Bool]?
    }

    private let parts: [Part]
    let length: Int

    /// - Parameter length: the number of tokens of each window: the context length of the model, if it has one.
    init(_ data: TokenDataset, length: Int) {
        parts = data.documents.flatMap { document in
            guard let conversations = document.conversations else {
                let training = document.trainingIDs
                let history = training.array(max(0, training.count - NGramModel.maximumOrder)..<training.count)
                return [Part(tokens: document.validationIDs, history: history[...], isTarget: nil)]
            }
            return conversations.validationRanges.map {
                Part(
                    tokens: document.validationIDs.part($0), history: [],
                    isTarget: Array(conversations.isValidationTarget[$0]))
            }
        }
        self.length = length
    }

    /// The number of windows in all texts.
    var windows: Int { parts.reduce(0) { $0 + windows(of: $1.tokens) } }

    private func windows(of tokens: StoredTokens) -> Int {
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
        for part in parts {
            // Each text gets its share of the windows. The shares are rounded so that they add up to the limit.
            let own = windows(of: part.tokens)
            let share = limit >= all ? own : limit * (passed + own) / all - limit * passed / all
            passed += own
            guard share > 0 else { continue }
            var chosen = EvaluationWindows(tokenCount: part.tokens.count, length: length, atMost: share)
            chosen.isTarget = part.isTarget
            let evaluation = model.evaluate(
                part.tokens, after: part.history, windows: chosen,
                shouldStop: {
                    // The windows are spread over all files, so the pages of this batch are not read again.
                    part.tokens.releaseMemory()
                    return shouldStop()
                })
            guard let evaluation else { return nil }
            result += evaluation
        }
        return result
    }

    /// The number of windows that an evaluation can score at a cost of at most 5% of the training before it.
    ///
    /// A forward pass takes a third of the arithmetic of a training step (Kaplan et al., 2020), so 0.05 x 3 tokens can
    /// be scored for each training token. The cost is counted, not timed, so that two runs choose the same windows.
    package static func affordableWindows(trainedTokens: Int, length: Int) -> Int {
        max(1, Int(0.15 * Double(trainedTokens) / Double(length)))
    }
}
