import Models

/// The n-gram model as a baseline, which a trained model must beat to be of use.
public enum NGramBaseline {
    /// The longest text, in tokens, that is counted only to compare a trained model with: it takes about ten seconds.
    public static let tokensForComparison = 10_000_000

    /// Counts the n-grams of the training texts, and measures the loss over the validation texts, each after its own
    /// training text: the same tokens that a trained model is measured on.
    /// - Parameters:
    ///   - data: the texts.
    ///   - order: the n of the n-grams.
    ///   - vocabularySize: ids are below it.
    ///   - limit: at most so many windows of the validation texts are scored, those that a trained model would be scored on.
    ///   - length: tokens of a window.
    ///   - shouldStop: called during the evaluation; when it returns true, the result is nil.
    /// - Throws: `NGramError` where the counts are too many for memory.
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

    /// Counts a model that is to be used by itself, and measures as many windows as its settings allow.
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
