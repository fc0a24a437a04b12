import Models

/// Validation: the loss over the parts of the texts that are not learnt from.
struct Evaluator {
    let documents: [TokenDataset.Document]
    let length: Int

    /// - Parameter length: of the windows that are scored; a model's context, if it has one.
    init(_ data: TokenDataset, length: Int) {
        documents = data.documents
        self.length = length
    }

    /// All windows of all texts.
    var windows: Int { documents.reduce(0) { $0 + windows(of: $1.validation) } }

    private func windows(of tokens: [Int32]) -> Int {
        EvaluationWindows.count(tokenCount: tokens.count, length: length)
    }

    /// The loss over at most `limit` windows, evenly spaced over the texts and the same every time; nil if it was stopped.
    func evaluate(
        _ model: any LanguageModel, atMost limit: Int = .max, shouldStop: () -> Bool
    ) -> Evaluation? {
        let all = windows
        var result = Evaluation(total: 0, count: 0)
        var passed = 0
        for document in documents {
            let tokens = document.validation
            // Each text has its share of the windows, the shares being rounded so that their sum is the limit.
            let own = windows(of: tokens)
            let share = limit >= all ? own : limit * (passed + own) / all - limit * passed / all
            passed += own
            guard share > 0 else { continue }
            let chosen = EvaluationWindows(tokenCount: tokens.count, length: length, atMost: share)
            let part = model.evaluate(
                tokens, after: document.training[...], windows: chosen, shouldStop: shouldStop)
            guard let part else { return nil }
            result += part
        }
        return result
    }

    /// How many windows an evaluation may score so that it costs at most 5% of the training it follows.
    ///
    /// A forward pass is a third of a training step's arithmetic (Kaplan et al., 2020), so 0.05 x 3 tokens can be scored
    /// for each one learnt from. Counted rather than timed, so that two runs choose the same windows.
    static func affordableWindows(trainedTokens: Int, length: Int) -> Int {
        max(1, Int(0.15 * Double(trainedTokens) / Double(length)))
    }
}

// MARK: - The last evaluation

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
    ///   - settings: those of the training.
    ///   - vocabularySize: of the model.
    func limit(trainedTokens: Int, length: Int, settings: TrainingSettings, vocabularySize: Int) -> Int {
        switch self {
        case .all: return .max
        case .windows(let count): return count
        case .affordable:
            // Two models are measured, the last and the best: each has half of the time.
            let quick = Int(Self.seconds / 2 * Self.assumedRate / settings.shape.scoringFlops(vocabularySize))
            return max(
                1, quick / length, Evaluator.affordableWindows(trainedTokens: trainedTokens, length: length))
        }
    }

    /// For how long a last evaluation may take however short the training was, about.
    private static let seconds = 10.0

    /// Floating-point operations a second that an evaluation is assumed to do: what two cores of a current server reach.
    static let assumedRate = 1e11
}

extension ModelShape {
    /// Floating-point operations to score a token. What a token costs beside its products (norms, activations, memory) is put
    /// into a constant: it is all that there is in a tiny model.
    func scoringFlops(_ vocabularySize: Int) -> Double {
        let (V, C, T) = (Double(vocabularySize), Double(width), Double(context))
        let overhead = 1e5 + 10 * V
        return switch kind {
        case .gpt: overhead + transformer(vocabularySize: vocabularySize).trainingFlopsPerToken(length: context) / 3
        case .attention: overhead + 2 * (V * C + 4 * C * C) + 4 * C * T
        case .bigram, .ngram: overhead
        }
    }
}

extension TrainingSettings {
    /// Several settings, each for a model of its own, changed so that the last evaluations score equally many tokens: as many as
    /// each of those that train can afford. Those that count have windows of the longest context.
    public static func measuredAlike(_ all: [TrainingSettings], vocabularySize: Int) -> [TrainingSettings] {
        let trained = all.filter { $0.shape.kind != .ngram }
        let tokens = trained.map { settings in
            let context = settings.shape.context
            let limit = settings.finalEvaluation.limit(
                trainedTokens: settings.expectedTokens(vocabularySize: vocabularySize), length: context,
                settings: settings, vocabularySize: vocabularySize)
            return limit.multipliedReportingOverflow(by: context)
        }
        let fewest = tokens.filter { !$0.overflow }.map(\.partialValue).min()
        let longest = trained.map(\.shape.context).max()
        return all.map { settings in
            var settings = settings
            if settings.shape.kind == .ngram, let longest { settings.shape.context = longest }
            if let fewest { settings.finalEvaluation = .windows(max(1, fewest / settings.shape.context)) }
            return settings
        }
    }

    /// The tokens that a training will learn from, where time ends it: by the arithmetic that a machine is assumed to do.
    private func expectedTokens(vocabularySize: Int) -> Int {
        switch length {
        case .steps(let steps): steps * tokensPerStep
        case .minutes(let minutes):
            Int(60 * minutes * FinalEvaluation.assumedRate / (3 * shape.scoringFlops(vocabularySize)))
        }
    }
}
