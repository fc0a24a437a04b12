import Models

/// How many windows of the validation texts the last evaluation of a training scores.
public enum FinalEvaluation: Sendable, Equatable {
    /// As many as it can in a tenth of the time of the training, or in about ten seconds where that is more.
    case affordable
    /// At most so many, evenly spaced.
    case windows(Int)
    case all

    /// The number of windows that was asked for; nil for the others.
    public var count: Int? { if case .windows(let number) = self { number } else { nil } }

    /// How many windows of `length` tokens that is.
    ///
    /// It follows from the arithmetic of the model, not from the clock: the windows decide which model is kept as the best, and
    /// the same settings must give the same model.
    ///
    /// - Parameters:
    ///   - trainedTokens: how many the training learnt from.
    ///   - length: tokens of a window.
    ///   - model: what is scored.
    func limit(trainedTokens: Int, length: Int, model: ModelSpecification) -> Int {
        switch self {
        case .all: return .max
        case .windows(let count): return count
        case .affordable:
            // Two models are measured, the last and the best: each has half of the time.
            let quick = Int(Self.seconds / 2 * Self.assumedRate / model.scoringFlops(length: length))
            return max(
                1, quick / length, Evaluator.affordableWindows(trainedTokens: trainedTokens, length: length))
        }
    }

    /// For how long a last evaluation may take however short the training was, about.
    private static let seconds = 10.0

    /// Floating-point operations a second that an evaluation is assumed to do: what two cores of a current server reach.
    static let assumedRate = 1e11
}

extension ModelSpecification {
    /// Floating-point operations to score a token. What a token costs beside its products (norms, activations, memory) is
    /// estimated by a constant: it is all that there is in a tiny model.
    fileprivate func scoringFlops(length: Int) -> Double {
        1e5 + 10 * Double(vocabularySize) + (trainingFlopsPerToken(length: length) ?? 0) / 3
    }
}

extension TrainingSettings {
    /// Several settings, each for a model of its own, changed so that the last evaluations score equally many tokens: as many as
    /// each of those that train can afford. Those that count have windows of the longest context.
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

    /// The tokens that a training will learn from, where time ends it: by the arithmetic that a machine is assumed to do.
    private var expectedTokens: Int {
        switch length {
        case .steps(let steps): steps * tokensPerStep
        case .minutes(let minutes):
            Int(60 * minutes * FinalEvaluation.assumedRate / (3 * model.scoringFlops(length: sequenceLength)))
        }
    }
}
