import Interchange
import LanguageModels
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
    /// When this process last saved.
    private var saved: (step: Int, seconds: Double)?

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
        evaluator = Evaluator(data, model: model)
        progress = TrainingProgress()
        metrics = Metrics()
        samples = ""
    }

    /// Goes on from where another run stood; weights and moments are the caller's to put in place.
    func resume(_ progress: TrainingProgress, metrics: Metrics, samples: String) {
        self.progress = progress
        self.progress.finalLoss = nil
        self.metrics = metrics
        self.samples = samples
        optimizer.steps = progress.step
    }

    /// Trains to the end.
    /// - Parameters:
    ///   - shouldStop: asked after every step, and between the batches of a step (which is then not taken) and of an
    ///     evaluation.
    ///   - report: told of everything that happens.
    /// - Returns: why it ended. Unless it was stopped, the model then holds the best weights, and `progress.finalLoss` is
    ///   their loss over the whole validation text.
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
        if progress.evaluations % 4 == 0, !isOver {
            try writeSample(length: 200, step: progress.step, loss: loss, report: report)
        }
        return true
    }

    /// Finds the loss of the best model over the whole validation text, and leaves its weights in the model.
    ///
    /// Along the way models were compared on some of the windows; at the end the last and the best of them are compared
    /// on all. What is kept as the best may also be none of this run's: where it was killed between keeping a model and the
    /// save, and then went on differently. The loss of such a model is measured, too.
    /// - Returns: false if it was stopped, and then nothing has changed.
    private func finish(shouldStop: () -> Bool, report: (TrainingEvent) -> Void) throws -> Bool {
        var best = (loss: progress.bestLoss, step: progress.bestStep)
        let isKnown = store.bestStep == progress.bestStep
        var isLast = isKnown && progress.bestStep == progress.step
        if !isKnown || progress.evaluationWindows ?? 0 < evaluator.windows {
            report(.finalEvaluation)
            guard let last = evaluator.evaluate(model, shouldStop: shouldStop)?.loss else { return false }
            var older: Double?
            if !isKnown || progress.bestStep != progress.step {
                let weights = model.copyOfWeights()
                try store.restoreBest(into: model)
                older = evaluator.evaluate(model, shouldStop: shouldStop)?.loss
                model.setWeights(weights)
                guard older != nil else { return false }
            }
            if let older, older <= last {
                best.loss = older
            } else {
                best = (last, progress.step)
                isLast = true
                if older != nil { try store.keepBest(model, step: progress.step) }
            }
        }
        if best.step != progress.bestStep { (progress.bestStep, progress.bestLoss) = (best.step, progress.lastLoss) }
        progress.finalLoss = best.loss
        let lastWeights = isLast ? nil : model.copyOfWeights()
        if lastWeights != nil { try store.restoreBest(into: model) }
        if let step = bestStep {
            try writeSample(length: 500, step: step, loss: best.loss ?? .nan, report: report)
        }
        // What is resumed are the last weights, not the best.
        if let lastWeights { model.setWeights(lastWeights) }
        try save()
        if lastWeights != nil { try store.restoreBest(into: model) }
        return true
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
        saved = (progress.step, progress.seconds)
    }

    private func stop() throws -> TrainingEnd {
        try save()
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

    /// Lets the model write for the record, from a newline.
    private func writeSample(length: Int, step: Int, loss: Double, report: (TrainingEvent) -> Void) throws {
        guard let tokenizer else { return }
        let key = Philox.key([Purpose.samples, settings.seed, UInt64(step)])
        let text = try TextGenerator(model, tokenizer: tokenizer)
            .text(after: "", length: length, settings: GenerationSettings(seed: key))
        samples += "--- step \(step), validation loss \((loss * 1000).rounded() / 1000) ---\n\(text)\n\n"
        report(.sample(step: step, text: text))
    }
}

extension Duration {
    /// The duration as a number.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
