import Models

/// A training task: the data and the loss function.
///
/// The `Trainer` only knows parameters, a loss and a measure. Everything that concerns texts, labels or pairs belongs
/// to the task. All random numbers are a function of (seed, step, micro-batch), so that a resumed run draws the same
/// samples as an uninterrupted one, and several processes can share a step.
public protocol TrainingTask: AnyObject {
    /// The model whose parameters are trained.
    var model: any TrainableModel { get }

    /// The measure that a validation computes.
    var measure: ValidationMeasure { get }

    // MARK: Steps

    /// The number of tokens that a step processes.
    var tokensPerStep: Int { get }

    /// The number of targets of a whole step. The loss of the step is the sum of the losses of its micro-batches
    /// divided by this number.
    func targetCount(step: Int) -> Int

    /// The data of a micro-batch.
    func microBatch(_ index: MicroBatchIndex) -> MicroBatch

    // MARK: Validation

    /// The number of parts (windows, examples) of the validation data.
    var validationSize: Int { get }

    /// The number of parts that a validation during training scores, so that it costs at most 5 % of the training
    /// before it.
    /// - Parameter trainedTokens: the number of training tokens since the last validation.
    func affordableValidationSize(trainedTokens: Int) -> Int

    /// The number of parts that the final validation scores.
    /// - Parameter trainedTokens: the number of training tokens of the whole run.
    func finalValidationSize(trainedTokens: Int) -> Int

    /// Evaluates the model on parts of the validation data, which are evenly spaced and the same in every call.
    /// - Parameters:
    ///   - size: the maximum number of parts.
    ///   - shouldStop: called between batches; if it returns true, the result is nil.
    func validate(atMost size: Int, shouldStop: () -> Bool) -> ValidationResult?

    // MARK: Samples

    /// Whether the task generates samples during training.
    var writesSamples: Bool { get }

    /// Generates a sample to display: a text, a translation, a confusion matrix.
    /// - Parameters:
    ///   - step: the step, which with the seed determines the random numbers.
    ///   - length: the approximate number of tokens.
    ///   - shouldStop: if it returns true, the result is nil.
    func sample(step: Int, length: Int, shouldStop: () -> Bool) throws -> String?

    // MARK: Records

    /// The record of the data, which is saved with a run.
    var dataRecord: DataRecord { get }
}

/// The index of a micro-batch. With the seed it determines all random choices.
public struct MicroBatchIndex: Sendable, Hashable {
    public let step: Int
    public let microBatch: Int

    public init(step: Int, microBatch: Int) {
        self.step = step
        self.microBatch = microBatch
    }
}

/// The data of a micro-batch, ready for training.
public struct MicroBatch {
    /// Returns the sum of the losses of the targets, and adds the gradient of `scale` times this sum to the gradients
    /// of the parameters.
    public let loss: (_ scale: Float, _ dropout: (rate: Float, key: UInt64)?) -> Double

    public init(loss: @escaping (_ scale: Float, _ dropout: (rate: Float, key: UInt64)?) -> Double) {
        self.loss = loss
    }
}

/// The measure of a validation: its name, and whether lower or higher is better.
public struct ValidationMeasure: Sendable, Equatable {
    /// The name, for the middle of a sentence: "validation loss".
    public let name: String
    public let isLowerBetter: Bool

    public init(name: String, isLowerBetter: Bool) {
        self.name = name
        self.isLowerBetter = isLowerBetter
    }

    /// The mean negative log probability of the targets, in nats.
    public static let loss = ValidationMeasure(name: "validation loss", isLowerBetter: true)

    /// Whether a value is better than another one. Any number is better than nil or NaN.
    public func isBetter(_ value: Double, than other: Double?) -> Bool {
        guard let other, !other.isNaN else { return !value.isNaN }
        return isLowerBetter ? value < other : value > other
    }
}

/// A record of the data of a run, which is saved with the run.
public struct DataRecord: Sendable {
    /// The SHA-256 of each text, or of the file from which its tokens were read.
    public let hashes: [String]
    /// Figures and their names in settings.json.
    public let figures: [(name: String, value: Figure)]

    public enum Figure: Sendable {
        case count(Int)
        case mean(Double)
    }

    public init(hashes: [String], figures: [(name: String, value: Figure)]) {
        self.hashes = hashes
        self.figures = figures
    }
}
