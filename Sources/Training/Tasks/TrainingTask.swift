import Models

/// What a training learns from, and what its loss is.
///
/// The `Trainer` knows parameters, a loss and a measure; everything about texts, labels or pairs is in the task. All
/// randomness is a function of (seed, step, micro-batch), so that a resumed run draws what an uninterrupted one would have
/// drawn, and several processes can share a step.
public protocol TrainingTask: AnyObject {
    /// The model whose parameters are trained.
    var model: any TrainableModel { get }

    /// What a validation measures.
    var measure: ValidationMeasure { get }

    // MARK: Steps

    /// The tokens that a step reads.
    var tokensPerStep: Int { get }

    /// The number of targets of a whole step: the loss of the step is the sum of the losses of its micro-batches divided by
    /// it.
    func targetCount(step: Int) -> Int

    /// The data of a micro-batch.
    func microBatch(_ index: MicroBatchIndex) -> MicroBatch

    // MARK: Validation

    /// How many parts (windows, examples) the validation data has.
    var validationSize: Int { get }

    /// How many of them a validation during training scores, so that it costs at most 5 % of the training before it.
    /// - Parameter trainedTokens: how many tokens the training read since the last validation.
    func affordableValidationSize(trainedTokens: Int) -> Int

    /// How many of them the last validation scores.
    /// - Parameter trainedTokens: how many tokens the training read.
    func finalValidationSize(trainedTokens: Int) -> Int

    /// Measures the model on parts of the validation data, evenly spaced and the same every time.
    /// - Parameters:
    ///   - size: the largest number of parts.
    ///   - shouldStop: called between batches; when it returns true, the result is nil.
    func validate(atMost size: Int, shouldStop: () -> Bool) -> ValidationResult?

    // MARK: Samples

    /// Whether the task shows something during training.
    var writesSamples: Bool { get }

    /// Something to show: a text, a translation, a confusion matrix.
    /// - Parameters:
    ///   - step: what random numbers depend on, with the seed.
    ///   - length: about how many tokens.
    ///   - shouldStop: when it returns true, the result is nil.
    func sample(step: Int, length: Int, shouldStop: () -> Bool) throws -> String?

    // MARK: Records

    /// What is recorded of the data beside a run.
    var dataRecord: DataRecord { get }
}

/// Which micro-batch of a training: together with the seed, all that random choices depend on.
public struct MicroBatchIndex: Sendable, Hashable {
    public let step: Int
    public let microBatch: Int

    public init(step: Int, microBatch: Int) {
        self.step = step
        self.microBatch = microBatch
    }
}

/// The data of a micro-batch, ready to be learned from.
public struct MicroBatch {
    /// The sum of the losses of the targets; adds the gradient of `scale` times that sum to the gradients of the parameters.
    public let loss: (_ scale: Float, _ dropout: (rate: Float, key: UInt64)?) -> Double

    public init(loss: @escaping (_ scale: Float, _ dropout: (rate: Float, key: UInt64)?) -> Double) {
        self.loss = loss
    }
}

/// What a validation measures: its name, and whether lower or higher is better.
public struct ValidationMeasure: Sendable, Equatable {
    /// In the middle of a sentence: "validation loss".
    public let name: String
    public let isLowerBetter: Bool

    public init(name: String, isLowerBetter: Bool) {
        self.name = name
        self.isLowerBetter = isLowerBetter
    }

    /// The mean negative log probability of the targets, in nats.
    public static let loss = ValidationMeasure(name: "validation loss", isLowerBetter: true)

    /// Whether a value is better than another; any number is better than none.
    public func isBetter(_ value: Double, than other: Double?) -> Bool {
        guard let other, !other.isNaN else { return !value.isNaN }
        return isLowerBetter ? value < other : value > other
    }
}

/// What is recorded of the data beside a run.
public struct DataRecord: Sendable {
    /// The SHA-256 of each text, or of the file that its tokens came from.
    public let hashes: [String]
    /// Figures under the names that settings.json gives them.
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
