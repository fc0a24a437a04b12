import Tensors

/// Where a training stands. With weights and moments it is all that a resumed run needs: everything random is a function
/// of the seed and the step.
public struct TrainingProgress: Sendable, Equatable {
    /// Updates made.
    public var step = 0
    /// Time spent so far, in all runs of it together.
    public var seconds = 0.0

    /// What the kernels of the last step were compiled for. The bits of a run are those of one instruction set.
    public var instructionSet: InstructionSet?

    /// Of the last step.
    public var learningRate = 0.0
    public var gradientNorm = 0.0

    /// Evaluations made, the step of the last one and what it gave.
    public var evaluations = 0
    public var evaluatedStep: Int?
    public var lastValue: Double?
    /// How many validation windows an evaluation scores, once that is decided.
    public var evaluationWindows: Int?

    /// The best model so far: what was measured over those windows, and its step.
    public var bestValue: Double?
    public var bestStep: Int?
    /// Evaluations since then, which patience counts.
    public var evaluationsSinceBest = 0

    /// The training losses of the steps since the last line of the metrics.
    public var lossSum = 0.0
    public var lossCount = 0

    /// What the last validation measured of the best model, once training is over.
    public var final: ValidationResult?
    /// That figure alone.
    public var finalValue: Double? { final?.value }

    public init() {}
}

/// Why a training ended.
public enum TrainingEnd: Sendable, Equatable {
    /// All steps were made, or the time was up.
    case complete
    /// The validation loss had not improved for as many evaluations as there was patience.
    case patience
    /// It was asked to stop. Everything is saved, and it can be resumed.
    case stopped
}

/// What happens while a model trains, for whoever shows it.
public enum TrainingEvent: Sendable {
    /// A step: its number from 1, its mean loss in nats per token, and the rate of tokens since training began or resumed.
    case step(Int, loss: Double, tokensPerSecond: Double)
    /// What a validation measured after a step, and whether it is the best so far.
    case evaluation(step: Int, value: Double, isBest: Bool)
    /// What the model writes after a step.
    case sample(step: Int, text: String)
    /// The last evaluation begins, of so many of the validation windows.
    case finalEvaluation(windows: Int, of: Int)
}
