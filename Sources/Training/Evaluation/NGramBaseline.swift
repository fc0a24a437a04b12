import Models

/// The n-gram baseline. A trained model is useful only if its loss is lower than that of this model.
public enum NGramBaseline {
    /// The maximum length of a text, in tokens, for which a baseline is counted only for comparison. Counting this
    /// number takes about ten seconds.
    public static let tokensForComparison = 10_000_000

    /// Counts the n-grams of the training texts and computes the loss on the validation texts. Each validation text is
    /// scored as the continuation of its own training text. The scored tokens are the same as for a trained model.
    /// - Parameters:
    ///   - data: the texts.
    ///   - order: the n of the n-grams.
    ///   - vocabularySize: the number of tokens of the vocabulary; all ids are below it.
    ///   - limit: the largest number of validation windows to score. They are the windows on which a trained model
    ///     would be scored.
    ///   - length: the number of tokens of a window.
    ///   - shouldStop: called during the evaluation; if it returns true, the result is nil.
    /// - Throws: `NGramError` if the counts do not fit into memory.
    public static func run(
        _ data: TokenDataset, order: Int, vocabularySize: Int, atMost limit: Int = .max,
        length: Int = EvaluationWindows.defaultLength,
        shouldStop: () -> Bool = { false }
    ) throws -> (model: NGramModel, result: ValidationResult)? {
        let memory = MemoryEstimate.available
        let model = try NGramModel(
            order: order, vocabularySize: vocabularySize, documents: data.documents.map(\.training),
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
        let limit = settings.finalEvaluation.limit(
            trainedTokens: data.trainingCount, length: length, model: settings.model)
        return try run(
            data, order: model.order, vocabularySize: model.vocabularySize, atMost: limit, length: length,
            shouldStop: shouldStop)
    }
}
