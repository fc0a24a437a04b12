import Tensors

/// Everything that decides what a training does: the same settings and the same text give the same weights.
public struct TrainingSettings: Sendable, Equatable {
    /// When a training is over.
    public enum Length: Sendable, Equatable {
        case steps(Int)
        /// The schedule then follows the share of this time that has passed.
        case minutes(Double)
    }

    public var shape: ModelShape
    public var tokenizer: TokenizerSpecification
    /// The directory of the model whose weights training began with; nil where they were drawn.
    public var initialModel: String?
    /// The share of each text, its end, that is for validation.
    public var validation: Double

    public var length: Length
    /// B, windows in a micro-batch.
    public var batch: Int
    /// Micro-batches whose gradients are summed before a step.
    public var accumulate: Int
    public var schedule: LearningRateSchedule
    public var optimizer: AdamW.Settings
    public var dropout: Double
    /// What a step multiplies in. Evaluations are in 32-bit floats always, so that losses can be compared.
    public var precision: Precision
    public var seed: UInt64
    /// Evaluations without a new best after which training ends; 0 for never.
    public var patience: Int

    /// Steps between evaluations; nil for a twentieth of all steps, at most 250.
    public var evaluateEvery: Int?
    /// Steps between saves; nil for one after an evaluation, if ten seconds have passed since the last.
    public var saveEvery: Int?
    /// How much of the validation text the last evaluation scores, which gives the loss that is quoted.
    public var finalEvaluation: FinalEvaluation

    public init(
        shape: ModelShape, tokenizer: TokenizerSpecification = .characters, validation: Double = 0.1, length: Length,
        batch: Int,
        accumulate: Int = 1, schedule: LearningRateSchedule, optimizer: AdamW.Settings = .init(), dropout: Double = 0,
        precision: Precision = .preferredForTraining, seed: UInt64 = 1, patience: Int = 0, evaluateEvery: Int? = nil,
        saveEvery: Int? = nil, finalEvaluation: FinalEvaluation = .affordable
    ) {
        self.shape = shape
        self.tokenizer = tokenizer
        self.validation = validation
        self.length = length
        self.batch = batch
        self.accumulate = accumulate
        self.schedule = schedule
        self.optimizer = optimizer
        self.dropout = dropout
        self.precision = precision
        self.seed = seed
        self.patience = patience
        self.evaluateEvery = evaluateEvery
        self.saveEvery = saveEvery
        self.finalEvaluation = finalEvaluation
    }

    /// The number of steps, where that is what ends the training.
    public var steps: Int? { if case .steps(let steps) = length { steps } else { nil } }

    /// Tokens that a step learns from.
    public var tokensPerStep: Int { batch * accumulate * shape.context }

    /// Steps between evaluations where the number of steps is known.
    var evaluationInterval: Int? { evaluateEvery ?? steps.map { max(1, min(250, $0 / 20)) } }

    /// The most steps of a run, however its end is set. The tokens of that many have to be counted in an Int.
    static let greatestStep = 1_000_000_000

    /// What is out of its range, in one line, if anything is.
    public var problem: String? {
        if let problem = shape.problem { return problem }
        let counts: [(String, Int?, ClosedRange<Int>)] = [
            ("--steps", steps, 1...Self.greatestStep), ("--batch", batch, 1...1 << 20),
            ("--accumulate", accumulate, 1...1 << 20), ("--warmup", schedule.warmupSteps, 0...1_000_000_000),
            ("--patience", patience, 0...1_000_000_000), ("--evaluate-every", evaluateEvery, 1...1_000_000_000),
            ("--save-every", saveEvery, 1...1_000_000_000),
            ("--evaluate", finalEvaluation.count, 1...1_000_000_000),
        ]
        for case (let name, let value?, let range) in counts where !range.contains(value) {
            return "\(name) is \(value), which is not between \(range.lowerBound) and \(range.upperBound)"
        }
        var tokens = Self.greatestStep
        for count in [batch, accumulate, shape.context] {
            let (product, overflow) = tokens.multipliedReportingOverflow(by: max(1, count))
            if overflow {
                return "a step of \(accumulate) x \(batch) windows of \(shape.context) tokens is too large: "
                    + "choose a smaller --batch, --accumulate or --context"
            }
            tokens = product
        }
        if case .minutes(let minutes) = length, !(minutes > 0 && minutes <= 1e6) {
            return "--minutes is \(minutes.spelling); it must be above 0 and at most 1000000"
        }
        let numbers: [(String, Double, ClosedRange<Double>)] = [
            ("--lr", schedule.peak, 0...1e6), ("--decay", optimizer.weightDecay, 0...1e3),
            ("--clip", optimizer.clip, 0...1e12),
            ("--validation", validation, 0.0001...0.9999),
        ]
        for (name, value, range) in numbers where !range.contains(value) {
            return "\(name) is \(value.spelling), which is not between \(range.lowerBound) and \(range.upperBound)"
        }
        let shares = [("--dropout", dropout), ("--beta1", optimizer.beta1), ("--beta2", optimizer.beta2)]
        for (name, value) in shares where !(value >= 0 && value < 1) {
            return "\(name) is \(value.spelling), which is not at least 0 and below 1"
        }
        // The arithmetic is in single precision, in which a share just below 1 is 1.
        if Float(dropout) >= 1 { return "--dropout is \(dropout), which is too close to 1" }
        if !(optimizer.epsilon > 0 && optimizer.epsilon < 1) {
            return "the epsilon of AdamW is \(optimizer.epsilon), which is not between 0 and 1"
        }
        return nil
    }
}
