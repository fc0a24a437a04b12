import Inference
import Models
import Tensors

/// The classification of texts: the label of a whole sequence is predicted from the hidden vector of its first position.
///
///     loss = - sum over texts of log p(label)
public final class ClassificationTask: TrainingTask {
    public let encoder: Encoder
    public let data: LabelledDataset
    private let settings: TrainingSettings

    /// The number of validation examples that are computed at the same time.
    private static let validationBatch = 32

    /// - Parameters:
    ///   - encoder: a classifier with the labels of the data.
    ///   - data: what to learn from and to validate on.
    ///   - settings: the batch, the seed and the extent of the last validation are what the task uses.
    public init(_ encoder: Encoder, data: LabelledDataset, settings: TrainingSettings) {
        precondition(encoder.configuration.labels == data.labels, "the labels of the model are not those of the data")
        self.encoder = encoder
        self.data = data
        self.settings = settings
    }

    public var model: any TrainableModel { encoder }
    public var measure: ValidationMeasure { .loss }

    // MARK: Steps

    public var tokensPerStep: Int { settings.batch * settings.accumulate * data.meanLength }

    public func targetCount(step: Int) -> Int { settings.batch * settings.accumulate }

    public func microBatch(_ index: MicroBatchIndex) -> MicroBatch {
        let first = (index.step * settings.accumulate + index.microBatch) * settings.batch
        let examples = data.batch(from: first, count: settings.batch, seed: settings.seed)
        let batch = SequenceBatch(examples.map(\.sequence)), labels = examples.map(\.label)
        return MicroBatch { [encoder] scale, dropout in
            encoder.loss(batch.tokens, types: batch.types, labels: labels, gradientScale: scale, dropout: dropout)
        }
    }

    // MARK: Validation

    public var validationSize: Int { data.validation.count }

    public func affordableValidationSize(trainedTokens: Int) -> Int {
        Evaluator.affordableWindows(trainedTokens: trainedTokens, length: data.meanLength)
    }

    public func finalValidationSize(trainedTokens: Int) -> Int {
        settings.finalEvaluation.limit(
            trainedTokens: trainedTokens, length: data.meanLength, model: .encoder(encoder.configuration))
    }

    public func validate(atMost size: Int, shouldStop: () -> Bool) -> ValidationResult? {
        let all = data.validation, count = min(size, all.count)
        var result = Evaluation(total: 0, count: 0)
        for start in stride(from: 0, to: count, by: Self.validationBatch) {
            if shouldStop() { return nil }
            // Evenly spaced among all.
            let examples = (start..<min(start + Self.validationBatch, count)).map { all[$0 * all.count / count] }
            let batch = SequenceBatch(examples.map(\.sequence))
            let loss = encoder.loss(batch.tokens, types: batch.types, labels: examples.map(\.label))
            result += Evaluation(total: loss, count: examples.count)
        }
        return ValidationResult(result, scored: count, of: all.count)
    }

    // MARK: Samples

    public var writesSamples: Bool { false }

    public func sample(step: Int, length: Int, shouldStop: () -> Bool) throws -> String? { nil }

    // MARK: Records

    public var dataRecord: DataRecord { data.record }
}
