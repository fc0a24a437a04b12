import Models

/// The n-gram baseline. A trained model is useful only if its loss is lower than that of this model.
public enum NGramBaseline {
    /// The least and the most training tokens that a baseline for comparison is counted from, if the text has as many.
    /// Counting a million takes about a second.
    static let tokensForComparison = 1 << 20...10_000_000

    /// The number of tokens that are counted per second.
    private static let assumedRate = 1e6

    /// The number of training tokens that a baseline for comparison is counted from: as many as take a tenth of the
    /// training time. Like the windows of the evaluations it follows from the settings, not from the elapsed time.
    /// - Parameter trainedTokens: the number of training tokens, including repetitions.
    package static func affordableTokens(_ settings: TrainingSettings, trainedTokens: Int) -> Int {
        let tokens = 0.1 * settings.estimatedSeconds(trainedTokens: trainedTokens) * assumedRate
        return Int(
            min(Double(tokensForComparison.upperBound), max(Double(tokensForComparison.lowerBound), tokens)))
    }

    /// Counts the n-grams of the training texts and computes the loss on the validation texts. Each validation text is
    /// scored as the continuation of its own training text. The scored tokens are the same as for a trained model.
    /// - Parameters:
    ///   - data: the texts.
    ///   - order: the n of the n-grams.
    ///   - vocabularySize: the number of tokens of the vocabulary; all ids are below it.
    ///   - counted: the largest number of training tokens to count: the first ones of the texts.
    ///   - limit: the largest number of validation windows to score. They are the windows on which a trained model
    ///     would be scored.
    ///   - length: the number of tokens of a window.
    ///   - shouldStop: called during the evaluation; if it returns true, the result is nil.
    /// - Throws: `NGramError` if the counts do not fit into memory.
    public static func run(
        _ data: TokenDataset, order: Int, vocabularySize: Int, counting counted: Int = .max, atMost limit: Int = .max,
        length: Int = EvaluationWindows.defaultLength,
        shouldStop: () -> Bool = { false }
    ) throws -> (model: NGramModel, result: ValidationResult)? {
        let memory = MemoryEstimate.available
        // Not all are in memory.
        guard Double(4 * min(counted, data.trainingCount)) < memory / 2 else {
            throw TrainingError.setting("the text is too long to count its n-grams in memory; give a shorter one")
        }
        var rest = counted
        let documents = data.documents.map { document in
            let count = min(rest, document.trainingIDs.count)
            rest -= count
            return document.trainingIDs.array(0..<count)
        }
        let model = try NGramModel(
            order: order, vocabularySize: vocabularySize, documents: documents,
            memoryLimit: memory < 1e18 ? Int(max(0, memory - 16e6) / 2) : .max)
        let evaluator = Evaluator(data, length: length)
        let evaluation = evaluator.evaluate(model, atMost: limit, shouldStop: shouldStop)
        return evaluation.map { (model, ValidationResult($0, scored: limit, of: evaluator.windows)) }
    }

    /// Counts an n-gram model that is the result of a run, and scores as many windows as its settings allow.
    static func run(
        _ data: TokenDataset, _ model: NGramModel.Configuration, _ settings: TrainingSettings, shouldStop: () -> Bool
    ) throws -> (model: NGramModel, result: ValidationResult)? {
        let length = settings.sequenceLength
        var limit = settings.finalEvaluation.limit(
            trainedTokens: data.trainingCount, length: length, model: settings.model)
        if settings.finalEvaluation == .affordable {
            // A token is scored at least as fast as it is counted, and only one model is scored.
            limit = max(limit, tokensForComparison.lowerBound / length, data.trainingCount / 8 / length)
        }
        return try run(
            data, order: model.order, vocabularySize: model.vocabularySize, atMost: limit, length: length,
            shouldStop: shouldStop)
    }
}
