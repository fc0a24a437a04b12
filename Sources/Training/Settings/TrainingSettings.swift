import Corpus
import Models
import Tensors
import Tokenizers

/// All settings that determine the result of a training run: the same settings and the same text give the same weights.
public struct TrainingSettings: Sendable, Equatable {
    /// The length of a training run.
    public enum Length: Sendable, Equatable {
        case steps(Int)
        /// A time limit. The schedule then follows the elapsed fraction of this time.
        case minutes(Double)
    }

    /// What the model learns; by default what it is made for.
    public var task: TaskKind
    /// The model to train. Its vocabulary size is set to that of the tokenizer, once the tokenizer has been created.
    public var model: ModelSpecification
    /// T, the number of tokens of each training sequence: the context length of the model, if it has one.
    public var sequenceLength: Int
    public var tokenizer: TokenizerSpecification
    /// The directory of the model from whose weights the training started; nil if they were initialized randomly.
    public var initialModel: String?
    /// The fraction at the end of each text that is used for validation.
    public var validation: Double
    /// What separates the documents of a text; nil for texts that are not divided into documents.
    public var documentSeparator: String?
    /// How special tokens that a text spells, such as `<|endoftext|>`, are encoded.
    public var specialTokens = SpecialTokenTreatment.text
    /// Whether several texts are the documents of one text, which is cut in two as a whole and in which the end of each is marked.
    /// Otherwise each is cut in two by itself, and no end is marked.
    public var joinsTexts = false
    /// The chat template that makes texts of conversations: the name of a built-in one, or Jinja. With nil it is that of the
    /// model from whose weights the training starts, or else `plain`.
    public var chatTemplate: String?

    public var length: Length
    /// B, the number of windows in a micro-batch.
    public var batch: Int
    /// The number of micro-batches whose gradients are accumulated in each step.
    public var accumulate: Int
    public var schedule: LearningRateSchedule
    public var optimizer: Optimizer.Settings
    public var dropout: Double
    /// The share of the probability of each target that is divided among all tokens, in the loss of a translation (label
    /// smoothing; Szegedy et al., 2016).
    public var labelSmoothing = 0.0
    /// The number format of the matrix products of a training step. Evaluations always use 32-bit floats, so that
    /// losses are comparable.
    public var precision: Precision
    public var seed: UInt64
    /// The number of evaluations without improvement after which training stops; 0 to never stop early.
    public var patience: Int

    /// The number of steps between evaluations; nil for a twentieth of all steps, at most 250.
    public var evaluateEvery: Int?
    /// The number of steps between saves; nil to save after an evaluation if ten seconds have passed since the last
    /// save.
    public var saveEvery: Int?
    /// How much of the validation text the final evaluation scores. Its loss is the one that is reported.
    public var finalEvaluation: FinalEvaluation

    /// The number of processes among which the moments of the optimizer are divided; 1 if each process has all of them. The
    /// weights do not depend on it, and it is not saved.
    package var optimizerShards = 1

    /// The default T for models without a context length.
    public static let defaultSequenceLength = 64

    public init(
        model: ModelSpecification, sequenceLength: Int? = nil, tokenizer: TokenizerSpecification = .characters,
        validation: Double = 0.1, length: Length,
        batch: Int,
        accumulate: Int = 1, schedule: LearningRateSchedule, optimizer: Optimizer.Settings = .init(),
        dropout: Double = 0,
        precision: Precision = .preferredForTraining, seed: UInt64 = 1, patience: Int = 0, evaluateEvery: Int? = nil,
        saveEvery: Int? = nil, finalEvaluation: FinalEvaluation = .affordable
    ) {
        self.model = model
        task = TaskKind(of: model)
        self.sequenceLength = sequenceLength ?? model.contextLength ?? Self.defaultSequenceLength
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

    /// Sets T, and the context length of the model if it has one.
    public mutating func setContext(_ length: Int) {
        sequenceLength = length
        model.setContextLength(length)
    }

    /// The texts, divided into documents if the settings have a separator.
    func divided(_ texts: [NamedText]) throws -> [NamedText] {
        guard let documentSeparator else { return texts }
        var divided: [NamedText] = []
        for text in texts { divided.append(try text.separated(by: documentSeparator)) }
        return divided
    }

    /// The tokenizer of a model with random weights. A vocabulary is trained on the texts.
    /// - Parameters:
    ///   - texts: the texts, divided into documents.
    ///   - format: what makes texts of conversations; nil if there are none.
    ///   - notice: called as by `TokenizerSpecification.make`.
    func makeTokenizer(
        for texts: [NamedText], _ format: ChatFormat?, notice: (String) -> Void
    ) throws -> any Tokenizer {
        let texts = try (joinsTexts ? NamedText.joined(texts) : texts).map { try format?.plainText(of: $0) ?? $0 }
        return try tokenizer.make(for: texts, validation: validation, special: specialTokens, notice: notice)
    }

    /// The number of steps; nil if the length is given in minutes.
    public var steps: Int? { if case .steps(let steps) = length { steps } else { nil } }

    /// The number of training tokens of a step.
    public var tokensPerStep: Int { batch * accumulate * sequenceLength }

    /// The number of steps between evaluations; nil if it is not set and the number of steps is not known.
    var evaluationInterval: Int? { evaluateEvery ?? steps.map { max(1, min(250, $0 / 20)) } }

    /// The maximum number of steps of a run, even if its length is given in minutes. It ensures that the number of
    /// tokens fits into an `Int`.
    static let greatestStep = 1_000_000_000

    /// The first setting that is out of range; nil if all are valid.
    public var problem: SettingProblem? {
        if let problem = model.problem { return SettingProblem(nil, problem) }
        if !task.isLearned(by: model.kind) {
            return SettingProblem(
                nil, "a model of the kind \(model.kind.rawValue) cannot learn the task \(task.rawValue)")
        }
        func outside(_ value: some Any, _ range: ClosedRange<some Any>) -> String {
            "is \(value), which is not between \(range.lowerBound) and \(range.upperBound)"
        }
        let large = 1_000_000_000
        let counts: [(TrainingSetting.ID, Int?, ClosedRange<Int>)] = [
            (.context, sequenceLength, 1...1 << 24), (.steps, steps, 1...Self.greatestStep),
            (.batch, batch, 1...1 << 20),
            (.accumulate, accumulate, 1...1 << 20), (.warmup, schedule.warmupSteps, 0...large),
            (.patience, patience, 0...large), (.evaluationInterval, evaluateEvery, 1...large),
            (.saveInterval, saveEvery, 1...large), (.finalEvaluation, finalEvaluation.count, 1...large),
        ]
        for case (let id, let value?, let range) in counts where !range.contains(value) {
            return SettingProblem(id, outside(value, range))
        }
        var tokens = Self.greatestStep
        for count in [batch, accumulate, sequenceLength] {
            let (product, overflow) = tokens.multipliedReportingOverflow(by: max(1, count))
            if overflow {
                return SettingProblem(
                    nil,
                    "a step of \(accumulate) x \(batch) windows of \(sequenceLength) tokens is too large: choose a smaller "
                        + "batch, fewer accumulated batches or a smaller context")
            }
            tokens = product
        }
        if case .minutes(let minutes) = length, !(minutes > 0 && minutes <= 1e6) {
            return SettingProblem(.minutes, "is \(minutes.spelling); it must be above 0 and at most 1000000")
        }
        let numbers: [(TrainingSetting.ID, Double, ClosedRange<Double>)] = [
            (.learningRate, schedule.peak, 0...1e6), (.weightDecay, optimizer.weightDecay, 0...1e3),
            (.clip, optimizer.clip, 0...1e12), (.validation, validation, 0.0001...0.9999),
        ]
        for (id, value, range) in numbers where !range.contains(value) {
            return SettingProblem(id, outside(value.spelling, range))
        }
        if documentSeparator?.isEmpty == true { return SettingProblem(.documentSeparator, "is empty") }
        let fractions: [(TrainingSetting.ID, Double)] = [
            (.dropout, dropout), (.labelSmoothing, labelSmoothing), (.beta1, optimizer.beta1),
            (.beta2, optimizer.beta2),
        ]
        for (id, value) in fractions where !(value >= 0 && value < 1) {
            return SettingProblem(id, "is \(value.spelling), which is not at least 0 and below 1")
        }
        // Computations are in single precision, which rounds a dropout rate just below 1 to 1.
        if Float(dropout) >= 1 { return SettingProblem(.dropout, "is \(dropout), which is too close to 1") }
        if !(optimizer.epsilon > 0 && optimizer.epsilon < 1) {
            return SettingProblem(
                nil, "the epsilon of AdamW is \(optimizer.epsilon), which is not between 0 and 1")
        }
        return nil
    }
}
