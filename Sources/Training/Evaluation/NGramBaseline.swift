import Models

/// Counting instead of learning: the rung that every trained model is held against.
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

    /// Counts as settings say, for the model that is made of them.
    public static func run(
        _ data: TokenDataset, _ settings: TrainingSettings, vocabularySize: Int, shouldStop: () -> Bool = { false }
    ) throws -> (model: NGramModel, result: ValidationResult)? {
        let length = EvaluationWindows.defaultLength
        let limit = settings.finalEvaluation.limit(
            trainedTokens: data.trainingCount, length: length, settings: settings, vocabularySize: vocabularySize)
        return try run(
            data, order: settings.shape.order, vocabularySize: vocabularySize, atMost: limit, length: length,
            shouldStop: shouldStop)
    }
}

/// A loss over the validation texts, or over a sample of their windows.
public struct ValidationResult: Sendable, Equatable {
    /// Nats per token.
    public var loss: Double
    /// Windows that were scored.
    public var windows: Int
    /// Windows there are.
    public var allWindows: Int
    /// The standard error of the loss as an estimate of that over all windows; nil where all were scored, or too few to tell.
    public var standardError: Double?

    /// Whether all windows were scored.
    public var isComplete: Bool { windows >= allWindows }

    public init(loss: Double, windows: Int, allWindows: Int, standardError: Double? = nil) {
        self.loss = loss
        self.windows = windows
        self.allWindows = allWindows
        self.standardError = standardError
    }

    init(_ evaluation: Evaluation, scored limit: Int, of all: Int) {
        let windows = min(limit, all)
        // What is not left to chance, the share that was scored, has no error.
        let unknown = 1 - Double(windows) / Double(max(1, all))
        self.init(
            loss: evaluation.loss, windows: windows, allWindows: all,
            standardError: windows < all ? evaluation.standardError.map { $0 * unknown.squareRoot() } : nil)
    }
}
