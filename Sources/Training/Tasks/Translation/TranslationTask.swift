import Inference
import Models
import Tensors
import Tokenizers

/// Translation: each token of a target is predicted from the source and from the tokens of the target before it.
///
///     loss = - sum over t of log p(target[t] | source, target[0 ..< t])
///
/// In training, labels are smoothed: a share of each label's probability is divided among all tokens (Szegedy et al., 2016;
/// Vaswani et al., 2017, section 5.4). The validation loss is without it, so that it is comparable.
public final class TranslationTask: TrainingTask {
    public let encoderDecoder: EncoderDecoder
    public let data: PairDataset
    /// Decodes samples; nil for a task that writes none.
    private let tokenizer: (any Tokenizer)?
    private let settings: TrainingSettings
    private var batches: PairBatches

    /// The number of validation pairs that are computed at the same time.
    private static let validationBatch = 32

    /// - Parameters:
    ///   - model: the model as it is to begin with.
    ///   - data: what to learn from and to validate on.
    ///   - settings: the batch, which counts pairs, the seed, label smoothing and the extent of the last validation are what the
    ///     task uses.
    ///   - tokenizer: decodes samples; nil for none.
    public init(
        _ model: EncoderDecoder, data: PairDataset, settings: TrainingSettings, tokenizer: (any Tokenizer)? = nil
    ) {
        encoderDecoder = model
        self.data = data
        self.settings = settings
        self.tokenizer = tokenizer
        batches = PairBatches(data.training.map(\.count), size: settings.batch, seed: settings.seed)
    }

    public var model: any TrainableModel { encoderDecoder }
    public var measure: ValidationMeasure { .loss }

    // MARK: Steps

    /// The mean number of tokens of a step, of sources and targets together.
    public var tokensPerStep: Int {
        settings.accumulate * max(1, data.meanLength * data.training.count / batches.countPerPass)
    }

    public func targetCount(step: Int) -> Int {
        (0..<settings.accumulate).reduce(0) { count, microBatch in
            count + examples(MicroBatchIndex(step: step, microBatch: microBatch)).reduce(0) { $0 + $1.target.count }
        }
    }

    private func examples(_ index: MicroBatchIndex) -> [PairDataset.Example] {
        batches[index.step * settings.accumulate + index.microBatch].map { data.training[$0] }
    }

    public func microBatch(_ index: MicroBatchIndex) -> MicroBatch {
        let batch = PairBatch(examples(index), start: encoderDecoder.configuration.startToken)
        let smoothing = Float(settings.labelSmoothing)
        return MicroBatch { [encoderDecoder] scale, dropout in
            encoderDecoder.loss(
                batch.sources, batch.inputs, labels: batch.labels, smoothing: smoothing, gradientScale: scale,
                dropout: dropout)
        }
    }

    // MARK: Validation

    public var validationSize: Int { data.validation.count }

    public func affordableValidationSize(trainedTokens: Int) -> Int {
        Evaluator.affordableWindows(trainedTokens: trainedTokens, length: data.meanLength)
    }

    public func finalValidationSize(trainedTokens: Int) -> Int {
        settings.finalEvaluation.limit(
            trainedTokens: trainedTokens, length: data.meanLength, model: .encoderDecoder(encoderDecoder.configuration))
    }

    public func validate(atMost size: Int, shouldStop: () -> Bool) -> ValidationResult? {
        let all = data.validation, count = min(size, all.count)
        var result = Evaluation(total: 0, count: 0)
        for start in stride(from: 0, to: count, by: Self.validationBatch) {
            if shouldStop() { return nil }
            // Evenly spaced among all.
            let part = start..<min(start + Self.validationBatch, count)
            result += encoderDecoder.loss(of: part.map { all[$0 * all.count / count] })
        }
        return ValidationResult(result, scored: count, of: all.count)
    }

    // MARK: Samples

    public var writesSamples: Bool { tokenizer != nil }

    /// A few validation sources, evenly spaced, with the translations of greedy search and the references.
    public func sample(step: Int, length: Int, shouldStop: () -> Bool) throws -> String? {
        guard let tokenizer else { return nil }
        let translator = Translator(encoderDecoder, tokenizer: tokenizer)
        let all = data.validation.count, count = min(all, max(1, min(5, length / 60)))
        var parts: [String] = []
        for number in 0..<count {
            if shouldStop() { return nil }
            let place = number * all / count, pair = data.validationTexts[place]
            let translation = translator.translate([data.validation[place].source])[0]
            parts.append(
                [("source", pair.source), ("translation", translation), ("reference", pair.target)]
                    .map { name, text in "\(name):\(String(repeating: " ", count: 12 - name.count))\(text.onOneLine)" }
                    .joined(separator: "\n"))
        }
        return parts.joined(separator: "\n\n")
    }

    // MARK: Records

    public var dataRecord: DataRecord { data.record }
}

extension String {
    /// The text with a space in place of each line end.
    fileprivate var onOneLine: String { String(map { $0.isNewline ? " " : $0 }) }
}
