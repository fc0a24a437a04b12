import Models

/// How many windows of the validation texts the final evaluation of a run scores.
public enum FinalEvaluation: Sendable, Equatable {
    /// As many as can be scored in a twentieth of the training time, or in about five seconds if that is longer. With the
    /// validations during training, which take a twentieth too, that is a tenth of a longer training.
    case affordable
    /// At most this number of windows, evenly spaced.
    case windows(Int)
    case all

    /// The number of windows, if one was specified; otherwise nil.
    public var count: Int? { if case .windows(let number) = self { number } else { nil } }

    /// The largest number of windows to score.
    ///
    /// It is computed from the arithmetic of the model, not from the elapsed time: the scored windows determine which
    /// model is kept as the best one, and the same settings must give the same model.
    ///
    /// - Parameters:
    ///   - trainedTokens: the number of training tokens.
    ///   - length: the number of tokens of a window.
    ///   - model: the model that is scored.
    package func limit(trainedTokens: Int, length: Int, model: ModelSpecification) -> Int {
        switch self {
        case .all: return .max
        case .windows(let count): return count
        case .affordable:
            // Two models are evaluated, the last one and the best one, so each gets half of the time. At least two windows
            // are scored, because a standard error needs two.
            let quick = Int(Self.seconds / 2 * Self.assumedRate / model.scoringFlops(length: length))
            return max(
                2, quick / length, Evaluator.affordableWindows(trainedTokens: trainedTokens / 2, length: length))
        }
    }

    /// The approximate time that a final evaluation can take after a training run of any length: enough for an exact loss
    /// of a small model on a small text.
    package static let seconds = 5.0

    /// The assumed speed of an evaluation in floating-point operations per second, which two cores of a current server
    /// reach.
    package static let assumedRate = 1e11
}

extension TrainingSettings {
    /// The approximate number of seconds that the arithmetic of a training takes. It is counted, not timed.
    /// - Parameter tokens: the number of training tokens.
    func estimatedSeconds(trainedTokens tokens: Int) -> Double {
        3 * Double(tokens) * model.scoringFlops(length: sequenceLength) / FinalEvaluation.assumedRate
    }
}

extension ModelSpecification {
    /// The number of floating-point operations to score a token. The operations other than matrix products (norms,
    /// activations, memory accesses) are estimated by a constant, because they dominate in a tiny model.
    package func scoringFlops(length: Int) -> Double {
        1e5 + 10 * Double(vocabularySize) + (trainingFlopsPerToken(length: length) ?? 0) / 3
    }
}

extension TrainingSettings {
    /// Adjusts the settings of several models so that their final evaluations score the same number of tokens: the
    /// largest number that each of the models trained by gradient descent can afford. N-gram models use windows of
    /// the longest context.
    public static func measuredAlike(_ all: [TrainingSettings]) -> [TrainingSettings] {
        let trained = all.filter(\.model.kind.isTrained)
        let tokens = trained.map { settings in
            let limit = settings.finalEvaluation.limit(
                trainedTokens: settings.expectedTokens, length: settings.sequenceLength, model: settings.model)
            return limit.multipliedReportingOverflow(by: settings.sequenceLength)
        }
        let fewest = tokens.filter { !$0.overflow }.map(\.partialValue).min()
        let longest = trained.map(\.sequenceLength).max()
        return all.map { settings in
            var settings = settings
            if !settings.model.kind.isTrained, let longest { settings.sequenceLength = longest }
            if let fewest { settings.finalEvaluation = .windows(max(1, fewest / settings.sequenceLength)) }
            return settings
        }
    }

    /// The number of training tokens. If the length is given in minutes, it is estimated from the assumed speed.
    private var expectedTokens: Int {
        switch length {
        case .steps(let steps): steps * tokensPerStep
        case .minutes(let minutes):
            Int(60 * minutes * FinalEvaluation.assumedRate / (3 * model.scoringFlops(length: sequenceLength)))
        }
    }
}
