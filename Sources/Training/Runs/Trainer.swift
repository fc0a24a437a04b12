import Models
import Tensors

/// Trains a model on a task: steps, validations, saves, and the end.
///
/// A step is a function of the weights, the moments, the seed and its number, so a run that was stopped or killed and
/// resumed computes the bits that an uninterrupted one would have computed. The trainer prints nothing: it reports events.
public final class Trainer<Task: TrainingTask> {
    public let task: Task
    public let settings: TrainingSettings
    public let optimizer: Optimizer
    public internal(set) var progress: TrainingProgress
    public private(set) var metrics: Metrics
    /// The samples so far: the contents of samples.txt.
    public private(set) var samples: String
    /// Where the time of the steps goes; nil where that is not measured.
    package var profile: Profile?

    private let store: any TrainingStore
    /// What shares each step with other processes. It is set before the training starts.
    package var communicator: any Communicator
    /// Whether another process was asked to stop.
    var isStopRequested = false
    /// Whether the other processes take part in what is being computed, so that they notice by themselves if it fails.
    var isWithinStep = false
    /// Reads elements of a saved moment into a tensor; nil in a new run, and after the moments were restored.
    ///
    /// Moments are restored when the training starts, because the ranks that share them are not known before.
    var savedMoments: ((Optimizer.Moment, Range<Int>, Tensor) throws -> Void)?
    /// All parts of all moments, as they are divided among the ranks. The list is the same on every rank: it is sorted by moment
    /// and, within a moment, by element.
    var momentParts: [MomentPart] = []
    /// The state that this process saved last.
    private var saved: TrainingProgress?

    /// - Parameters:
    ///   - task: the model, and what it learns.
    ///   - settings: everything else that decides what training does.
    ///   - store: where the best model and the state of the run are saved; by default in memory.
    ///   - communicator: what shares each step with other processes; by default there are none.
    /// - Throws: `TrainingError` where a setting is out of its range.
    public init(
        _ task: Task, settings: TrainingSettings, store: any TrainingStore = MemoryStore(),
        communicator: any Communicator = SingleProcess()
    ) throws {
        if let problem = settings.problem { throw TrainingError.invalid(problem) }
        self.task = task
        self.settings = settings
        self.store = store
        self.communicator = communicator
        optimizer = Optimizer(
            task.model.parameters, settings: settings.optimizer, hasMoments: settings.optimizerShards == 1)
        progress = TrainingProgress()
        metrics = Metrics()
        samples = ""
        if settings.optimizerShards == 1 { keepOwnMoments() }
    }

    /// Continues from the state of another run; the caller restores the weights and sets `savedMoments`.
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
    /// - Returns: why it ended. Unless it was stopped, the model then has the best weights, and `progress.final` is what the
    ///   last validation measured of them.
    ///   With several processes, that of rank 0 returns this; the others have the weights of the last step.
    /// - Throws: `TrainingError.notFinite`, or what the store or the communicator throws.
    public func run(
        shouldStop: () -> Bool = { false }, report: (TrainingEvent) -> Void = { _ in }
    ) throws -> TrainingEnd {
        try shareState()
        guard communicator.rank == 0 else { return try follow(shouldStop: shouldStop) }
        return try announcingEnd {
            try restoreMoments()
            return try lead(shouldStop: { shouldStop() || isStopRequested }, report: report)
        }
    }

    /// Trains to the end, on rank 0 or in a single process.
    private func lead(shouldStop: () -> Bool, report: (TrainingEvent) -> Void) throws -> TrainingEnd {
        let clock = ContinuousClock()
        let begin = clock.now
        let earlierSeconds = progress.seconds, earlierSteps = progress.step
        func updateClock() { progress.seconds = earlierSeconds + (clock.now - begin).seconds }
        func rate() -> Double {
            Double((progress.step - earlierSteps) * task.tokensPerStep)
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
    func step(shouldStop: () -> Bool) throws -> Double? {
        let targets = task.targetCount(step: progress.step)
        try announceStep()
        guard let total = try computeGradients(targets: targets, shouldStop: shouldStop) else {
            optimizer.clearGradients()
            isWithinStep = false
            return nil
        }
        let loss = total / Double(targets)
        let norm = optimizer.gradientNorm()
        for (what, value) in [("loss", loss), ("gradient norm", norm)] where !value.isFinite {
            optimizer.clearGradients()
            throw TrainingError.notFinite(what: what, value: value, step: progress.step + 1)
        }
        progress.learningRate = settings.learningRate(after: progress)
        progress.gradientNorm = norm
        optimizer.update(learningRate: progress.learningRate, gradientNorm: norm)
        try gatherWeights()
        progress.step += 1
        progress.instructionSet = Execution.current.instructionSet
        progress.lossSum += loss
        progress.lossCount += 1
        isWithinStep = false
        return loss
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
            ?? task.affordableValidationSize(
                trainedTokens: (settings.evaluationInterval ?? progress.step) * task.tokensPerStep)
        guard let value = task.validate(atMost: windows, shouldStop: shouldStop)?.value else { return false }
        guard value.isFinite else {
            throw TrainingError.notFinite(what: task.measure.name, value: value, step: progress.step)
        }
        // Before anything is recorded: a validation that is stopped is made again as a whole.
        var sample: String?
        if task.writesSamples, (progress.evaluations + 1) % 4 == 0, !isOver {
            sample = try task.sample(step: progress.step, length: 200, shouldStop: shouldStop)
            if sample == nil { return false }
        }
        let isBest = task.measure.isBetter(value, than: progress.bestValue)
        progress.evaluationWindows = windows
        progress.evaluations += 1
        progress.evaluatedStep = progress.step
        progress.lastValue = value
        progress.evaluationsSinceBest = isBest ? 0 : progress.evaluationsSinceBest + 1
        metrics.rows[metrics.rows.count - 1].validation = value
        if isBest {
            (progress.bestValue, progress.bestStep) = (value, progress.step)
            try store.keepBest(task.model, step: progress.step)
        }
        report(.evaluation(step: progress.step, value: value, isBest: isBest))
        if let sample { record(sample, step: progress.step, value: value, report: report) }
        return true
    }

    /// Finds the loss of the best model, and leaves its weights in the model.
    /// - Returns: false if it was stopped, and then nothing has changed.
    private func finish(shouldStop: () -> Bool, report: (TrainingEvent) -> Void) throws -> Bool {
        guard let (result, isLast) = try lastEvaluation(shouldStop: shouldStop, report: report) else { return false }
        if task.writesSamples, let step = isLast ? progress.step : bestStep {
            let sample = try withBestWeights(isLast: isLast) {
                try task.sample(step: step, length: 500, shouldStop: shouldStop)
            }
            guard let sample else { return false }
            record(sample, step: step, value: result.value, report: report)
        }
        if isLast, store.bestStep != progress.step { try store.keepBest(task.model, step: progress.step) }
        if isLast, progress.bestStep != progress.step {
            (progress.bestStep, progress.bestValue) = (progress.step, progress.lastValue)
        }
        progress.final = result
        // What is resumed are the last weights, not the best.
        try save()
        if !isLast { try store.restoreBest(into: task.model) }
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
        let all = task.validationSize
        let isKnown = store.bestStep == progress.bestStep
        let isLast = isKnown && progress.bestStep == progress.step
        if isKnown, let value = progress.bestValue, progress.evaluationWindows ?? 0 >= all {
            return (ValidationResult(value: value, windows: all, allWindows: all), isLast)
        }
        let affordable = task.finalValidationSize(trainedTokens: progress.step * task.tokensPerStep)
        // Never fewer than along the way.
        let limit = min(all, max(affordable, progress.evaluationWindows ?? 0))
        report(.finalEvaluation(windows: limit, of: all))
        func measure() -> ValidationResult? { task.validate(atMost: limit, shouldStop: shouldStop) }
        guard let last = measure() else { return nil }
        var best = (result: last, isLast: true)
        if !isLast {
            guard let older = try withBestWeights(isLast: false, measure) else { return nil }
            if !older.value.isNaN, !task.measure.isBetter(last.value, than: older.value) { best = (older, false) }
        }
        guard best.result.value.isFinite else {
            throw TrainingError.notFinite(what: task.measure.name, value: best.result.value, step: progress.step)
        }
        return best
    }

    /// Runs `body` with the best weights in the model, and then puts those back that it has now.
    /// - Parameter isLast: whether those are the best.
    private func withBestWeights<Result>(isLast: Bool, _ body: () throws -> Result) throws -> Result {
        if isLast { return try body() }
        let weights = task.model.copyOfWeights()
        defer { task.model.setWeights(weights) }
        try store.restoreBest(into: task.model)
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
        if progress.bestStep == nil { try store.keepBest(task.model, step: progress.step) }
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
                validation: nil, learningRate: progress.learningRate,
                gradientNorm: progress.gradientNorm,
                tokens: progress.step * task.tokensPerStep, seconds: progress.seconds, tokensPerSecond: rate))
        (progress.lossSum, progress.lossCount) = (0, 0)
    }

    private func record(_ sample: String, step: Int, value: Double, report: (TrainingEvent) -> Void) {
        samples += "--- step \(step), \(task.measure.name) \((value * 1000).rounded() / 1000) ---\n\(sample)\n\n"
        report(.sample(step: step, text: sample))
    }
}

extension Duration {
    /// The duration as a number.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
