import Inference
import Interchange
import Models
import Tensors
import Tokenizers

/// Trains a model: steps, evaluations, saves, and the end.
///
/// A step is a function of the weights, the moments, the seed and its number, so a run that was stopped or killed and
/// resumed computes the bits that an uninterrupted one would have. How a training is shown is not its business: it
/// reports events.
public final class Trainer {
    public let model: any NeuralLanguageModel
    public let data: TokenDataset
    public let settings: TrainingSettings
    public let optimizer: AdamW
    public private(set) var progress: TrainingProgress
    public private(set) var metrics: Metrics
    /// What the model wrote along the way: the contents of samples.txt.
    public private(set) var samples: String
    /// Where the time of the steps goes, for who wants to know.
    package var profile: Profile?

    private let store: any TrainingStore
    private let evaluator: Evaluator
    /// For samples of what the model writes.
    private let tokenizer: (any Tokenizer)?
    /// What this process last saved.
    private var saved: TrainingProgress?

    /// - Parameters:
    ///   - model: as it is to begin with.
    ///   - data: what to learn from and to validate on.
    ///   - settings: everything else that decides what training does.
    ///   - tokenizer: to write samples with; nil for none.
    ///   - store: where things are kept; in memory, if nothing else is said.
    public init(
        _ model: any NeuralLanguageModel, data: TokenDataset, settings: TrainingSettings,
        tokenizer: (any Tokenizer)? = nil, store: any TrainingStore = MemoryStore()
    ) throws {
        if let problem = settings.problem { throw TrainingError.setting(problem) }
        self.model = model
        self.data = data
        self.settings = settings
        self.store = store
        self.tokenizer = tokenizer
        optimizer = AdamW(model.parameters, settings: settings.optimizer)
        // A model without a context is scored on windows as long as those it learns from.
        evaluator = Evaluator(data, length: model.contextLength ?? settings.shape.context)
        progress = TrainingProgress()
        metrics = Metrics()
        samples = ""
    }

    /// Goes on from where another run stood; weights and moments are the caller's to put in place.
    func resume(_ progress: TrainingProgress, metrics: Metrics, samples: String) {
        self.progress = progress
        self.progress.final = nil
        self.metrics = metrics
        self.samples = samples
        optimizer.steps = progress.step
    }

    /// Trains to the end.
    /// - Parameters:
    ///   - shouldStop: called after every step, between the batches of a step (which is then not taken) and of an evaluation,
    ///     and between the tokens of a sample.
    ///   - report: called with everything that happens.
    /// - Returns: why it ended. Unless it was stopped, the model then holds the best weights, and `progress.final` is their
    ///   loss over the validation text, or over the part of it that `settings.finalEvaluation` allows.
    /// - Throws: `TrainingError.notFinite`, or what the store throws.
    public func run(
        shouldStop: () -> Bool = { false }, report: (TrainingEvent) -> Void = { _ in }
    ) throws -> TrainingEnd {
        let clock = ContinuousClock()
        let begin = clock.now
        let earlierSeconds = progress.seconds, earlierSteps = progress.step
        func updateClock() { progress.seconds = earlierSeconds + (clock.now - begin).seconds }
        func rate() -> Double {
            Double((progress.step - earlierSteps) * settings.tokensPerStep)
                / max(1e-9, progress.seconds - earlierSeconds)
        }

        if progress.step == 0 { try save() }
        while true {
            if isEvaluationDue {
                guard try evaluate(rate: rate(), shouldStop: shouldStop, report: report) else { return try stop() }
                updateClock()
            }
            if isSaveDue { try save() }
            if isOver { break }
            if shouldStop() { return try stop() }
            let loss = try Profile.step(into: profile) { try step(shouldStop: shouldStop) }
            guard let loss else { return try stop() }
            updateClock()
            if progress.step % Metrics.interval == 0 { addRow(rate: rate()) }
            report(.step(progress.step, loss: loss, tokensPerSecond: rate()))
        }
        guard try finish(shouldStop: shouldStop, report: report) else { return try stop() }
        return isOutOfPatience ? .patience : .complete
    }

    /// The step of the best model.
    public var bestStep: Int? { store.bestStep ?? progress.bestStep }

    // MARK: Steps

    /// One update, and the mean loss of its batch before it; nil, and no update, if it was stopped between the batches
    /// whose gradients it accumulates.
    private func step(shouldStop: () -> Bool) throws -> Double? {
        let tokens = settings.tokensPerStep
        var total = 0.0
        for microBatch in 0..<settings.accumulate {
            if microBatch > 0, shouldStop() {
                optimizer.clearGradients()
                return nil
            }
            let (inputs, targets) = Profile.measure("batch") {
                data.batch(
                    batch: settings.batch, length: settings.shape.context, seed: settings.seed, step: progress.step,
                    microBatch: microBatch)
            }
            let key = Philox.key([Purpose.dropout, settings.seed, UInt64(progress.step), UInt64(microBatch)])
            total += Execution.with(settings.precision) {
                model.loss(
                    inputs, targets: targets, gradientScale: 1 / Float(tokens),
                    dropout: settings.dropout > 0 ? (Float(settings.dropout), key) : nil)
            }
        }
        let loss = total / Double(tokens)
        let norm = optimizer.gradientNorm()
        for (what, value) in [("loss", loss), ("gradient norm", norm)] where !value.isFinite {
            optimizer.clearGradients()
            throw TrainingError.notFinite(what: what, value: value, step: progress.step + 1)
        }
        progress.learningRate = learningRate
        progress.gradientNorm = norm
        optimizer.update(learningRate: progress.learningRate, gradientNorm: norm)
        progress.step += 1
        progress.instructionSet = Execution.current.instructionSet
        progress.lossSum += loss
        progress.lossCount += 1
        return loss
    }

    private var learningRate: Double {
        switch settings.length {
        case .steps(let steps): settings.schedule.rate(step: progress.step, of: steps)
        case .minutes(let minutes):
            settings.schedule.rate(step: progress.step, progress: progress.seconds / (60 * minutes))
        }
    }

    /// Whether there is nothing left to train.
    public var isOver: Bool {
        if isOutOfPatience { return true }
        switch settings.length {
        case .steps(let steps): return progress.step >= steps
        case .minutes(let minutes): return progress.seconds >= 60 * minutes && progress.step > 0
        }
    }

    private var isOutOfPatience: Bool {
        settings.patience > 0 && progress.evaluationsSinceBest >= settings.patience
    }

    // MARK: Evaluation

    private var isEvaluationDue: Bool {
        guard progress.step > 0, progress.evaluatedStep != progress.step else { return false }
        if isOver { return true }
        if let interval = settings.evaluationInterval { return progress.step % interval == 0 }
        guard case .minutes(let minutes) = settings.length else { return false }
        return progress.seconds >= Double(progress.evaluations + 1) * 60 * minutes / 20
    }

    /// Measures the validation loss, and keeps the model if it is the best so far.
    /// - Returns: false if it was stopped, and then nothing has changed.
    private func evaluate(rate: Double, shouldStop: () -> Bool, report: (TrainingEvent) -> Void) throws -> Bool {
        if metrics.rows.last?.step != progress.step { addRow(rate: rate) }
        let windows =
            progress.evaluationWindows
            ?? Evaluator.affordableWindows(
                trainedTokens: (settings.evaluationInterval ?? progress.step) * settings.tokensPerStep,
                length: evaluator.length)
        guard let loss = evaluator.evaluate(model, atMost: windows, shouldStop: shouldStop)?.loss else { return false }
        guard loss.isFinite else {
            throw TrainingError.notFinite(what: "validation loss", value: loss, step: progress.step)
        }
        // Before anything is recorded: an evaluation that is stopped is made again as a whole.
        var sample: String?
        if tokenizer != nil, (progress.evaluations + 1) % 4 == 0, !isOver {
            sample = try writeSample(length: 200, step: progress.step, shouldStop: shouldStop)
            if sample == nil { return false }
        }
        let isBest = loss < progress.bestLoss ?? .infinity
        progress.evaluationWindows = windows
        progress.evaluations += 1
        progress.evaluatedStep = progress.step
        progress.lastLoss = loss
        progress.evaluationsSinceBest = isBest ? 0 : progress.evaluationsSinceBest + 1
        metrics.rows[metrics.rows.count - 1].validationLoss = loss
        if isBest {
            (progress.bestLoss, progress.bestStep) = (loss, progress.step)
            try store.keepBest(model, step: progress.step)
        }
        report(.evaluation(step: progress.step, loss: loss, isBest: isBest))
        if let sample { record(sample, step: progress.step, loss: loss, report: report) }
        return true
    }

    /// Finds the loss of the best model, and leaves its weights in the model.
    /// - Returns: false if it was stopped, and then nothing has changed.
    private func finish(shouldStop: () -> Bool, report: (TrainingEvent) -> Void) throws -> Bool {
        guard let (result, isLast) = try lastEvaluation(shouldStop: shouldStop, report: report) else { return false }
        if tokenizer != nil, let step = isLast ? progress.step : bestStep {
            let sample = try withBestWeights(isLast: isLast) {
                try writeSample(length: 500, step: step, shouldStop: shouldStop)
            }
            guard let sample else { return false }
            record(sample, step: step, loss: result.loss, report: report)
        }
        if isLast, store.bestStep != progress.step { try store.keepBest(model, step: progress.step) }
        if isLast, progress.bestStep != progress.step {
            (progress.bestStep, progress.bestLoss) = (progress.step, progress.lastLoss)
        }
        progress.final = result
        // What is resumed are the last weights, not the best.
        try save()
        if !isLast { try store.restoreBest(into: model) }
        return true
    }

    /// The loss of the best model, and whether that is the model as it is now; nil if it was stopped.
    ///
    /// Along the way models were compared on few windows; at the end the last and the best of them are compared on more, on
    /// all if `settings.finalEvaluation` allows. What is kept as the best may also be none of this run's: where it was killed
    /// between keeping a model and the save, and then went on differently. The loss of such a model is measured, too.
    private func lastEvaluation(
        shouldStop: () -> Bool, report: (TrainingEvent) -> Void
    ) throws -> (result: ValidationResult, isLast: Bool)? {
        let all = evaluator.windows
        let isKnown = store.bestStep == progress.bestStep
        let isLast = isKnown && progress.bestStep == progress.step
        if isKnown, let loss = progress.bestLoss, progress.evaluationWindows ?? 0 >= all {
            return (ValidationResult(loss: loss, windows: all, allWindows: all), isLast)
        }
        let affordable = settings.finalEvaluation.limit(
            trainedTokens: progress.step * settings.tokensPerStep, length: evaluator.length, settings: settings,
            vocabularySize: model.vocabularySize)
        // Never fewer than along the way.
        let limit = min(all, max(affordable, progress.evaluationWindows ?? 0))
        report(.finalEvaluation(windows: limit, of: all))
        func measure() -> ValidationResult? {
            evaluator.evaluate(model, atMost: limit, shouldStop: shouldStop)
                .map { ValidationResult($0, scored: limit, of: all) }
        }
        guard let last = measure() else { return nil }
        var best = (result: last, isLast: true)
        if !isLast {
            guard let older = try withBestWeights(isLast: false, measure) else { return nil }
            // A loss that is not a number is worse than any other.
            if !older.loss.isNaN, !(last.loss < older.loss) { best = (older, false) }
        }
        guard best.result.loss.isFinite else {
            throw TrainingError.notFinite(what: "validation loss", value: best.result.loss, step: progress.step)
        }
        return best
    }

    /// Runs `body` with the best weights in the model, and then puts those back that it has now.
    /// - Parameter isLast: whether those are the best.
    private func withBestWeights<Result>(isLast: Bool, _ body: () throws -> Result) throws -> Result {
        if isLast { return try body() }
        let weights = model.copyOfWeights()
        defer { model.setWeights(weights) }
        try store.restoreBest(into: model)
        return try body()
    }

    // MARK: Records

    /// Saves change nothing in what is computed, so they may follow the clock.
    private var isSaveDue: Bool {
        if let every = settings.saveEvery { return progress.step % every == 0 && progress.step != saved?.step }
        return progress.evaluatedStep == progress.step && progress.seconds >= (saved?.seconds ?? 0) + 10
    }

    /// Everything a resumed run needs is kept. Before there is a best model, the model as it is stands in for it.
    private func save() throws {
        if progress.bestStep == nil { try store.keepBest(model, step: progress.step) }
        try store.commit(self)
        saved = progress
    }

    /// Saves, unless nothing has happened since the last time: a large model takes seconds.
    private func stop() throws -> TrainingEnd {
        if progress != saved { try save() }
        return .stopped
    }

    private func addRow(rate: Double) {
        metrics.rows.append(
            MetricsRow(
                step: progress.step,
                trainingLoss: progress.lossCount > 0 ? progress.lossSum / Double(progress.lossCount) : nil,
                validationLoss: nil, learningRate: progress.learningRate,
                gradientNorm: progress.gradientNorm,
                tokens: progress.step * settings.tokensPerStep, seconds: progress.seconds, tokensPerSecond: rate))
        (progress.lossSum, progress.lossCount) = (0, 0)
    }

    /// What the model writes for the record, after a newline; nil if it was stopped.
    private func writeSample(length: Int, step: Int, shouldStop: () -> Bool) throws -> String? {
        guard let tokenizer else { return nil }
        struct Stopped: Error {}
        let key = Philox.key([Purpose.samples, settings.seed, UInt64(step)])
        let generator = TextGenerator(model, tokenizer: tokenizer)
        var text = ""
        do {
            try generator.generate(
                after: generator.encode(prompt: ""), length: length, settings: GenerationSettings(seed: key)
            ) { _, piece in
                if shouldStop() { throw Stopped() }
                text += piece
            }
        } catch is Stopped {
            return nil
        }
        return text
    }

    private func record(_ sample: String, step: Int, loss: Double, report: (TrainingEvent) -> Void) {
        samples += "--- step \(step), validation loss \((loss * 1000).rounded() / 1000) ---\n\(sample)\n\n"
        report(.sample(step: step, text: sample))
    }
}

extension Duration {
    /// The duration as a number.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
