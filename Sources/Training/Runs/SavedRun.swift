import Corpus
import Files
import Interchange
import Models
import StrictJSON
import Tokenizers

/// A saved run that is to be resumed. Its directory is locked, and `resume` checks that the text, the tokenizer and the
/// settings are those of the run.
public struct SavedRun {
    public let path: String
    /// Keeps other processes out; nil for one that only reads.
    let lock: DirectoryLock?
    let checkpoint: Checkpoint

    /// The settings with which the run was trained so far.
    public var settings: TrainingSettings { checkpoint.settings }
    public var progress: TrainingProgress { checkpoint.progress }
    /// The source of the data.
    public var origin: DataOrigin { checkpoint.origin }

    /// Locks the directory of a run and reads its last save.
    /// - Parameters:
    ///   - path: the directory.
    ///   - isReadOnly: whether the directory is neither locked nor changed, because another process of the same training has
    ///     locked it.
    /// - Throws: an error if there is no save, if it is damaged, or if another process is using the directory.
    public init(_ path: String, isReadOnly: Bool = false) throws {
        guard try Files.find(path) else {
            throw TrainingError.directory(
                "there is no run to resume at \(path): no such directory; give a directory written by 'gpt train'")
        }
        if let kind = Files.kind(path), kind != "a directory" {
            throw TrainingError.directory(
                "there is no run to resume at \(path): it is \(kind), not a directory; give a directory written by "
                    + "'gpt train'")
        }
        lock = isReadOnly ? nil : try DirectoryLock(directory: path)
        self.path = path
        guard try Files.find(RunDirectory.latest(path)) else {
            if RunDirectory.occupant(of: path) == .incompleteSave {
                throw TrainingError.directory(
                    "there is no run to resume in \(path): it ended before its first save was complete; start it again "
                        + "in the same directory")
            }
            throw TrainingError.directory(
                Files.exists(RunDirectory.training(path))
                    ? "there is nothing to resume in \(path): training/latest.safetensors is missing (n-gram models "
                        + "have none)"
                    : "there is no run to resume in \(path): it has no training/latest.safetensors")
        }
        checkpoint = try Checkpoint(path: RunDirectory.latest(path))
        if isReadOnly { return }
        AtomicFile.removeLeftovers(in: path)
        AtomicFile.removeLeftovers(in: RunDirectory.training(path))
    }

    /// The error if the run would learn another task; nil if it learns this one.
    public func change(to task: TaskKind) -> TrainingError? {
        var other = settings
        other.task = task
        return other.forbiddenChange(from: settings).map { .settingChanged(directory: path, $0) }
    }

    /// Whether the run is complete, and `settings` do not extend it.
    public func isComplete(with settings: TrainingSettings) -> Bool {
        progress.final != nil && !settings.differences(from: self.settings).contains(where: \.reopensCompleteRun)
    }

    /// Returns a run that continues from the last save.
    ///
    /// `TrainingSetting.all` defines which settings may change. In a complete run no setting may change unless the run
    /// is extended.
    /// - Parameters:
    ///   - texts: the texts, read from `origin` or from their current location.
    ///   - origin: the source of the texts, which is recorded for the next resumption.
    ///   - settings: the settings of the run, possibly with changes.
    ///   - acceptingEdits: whether files beside the weights may have been edited since the model was saved. Edits of
    ///     values that the training depends on are always an error.
    ///   - notice: called with a message if a new length or warm-up makes the learning rate jump, or is shorter than the
    ///     warm-up, which is then shortened.
    /// - Throws: `TrainingError.changed` with the part that differs; `TrainingError.settingChanged` or
    ///   `TrainingError.changeWithoutEffect` for a setting.
    public func resume(
        _ texts: [NamedText], origin: DataOrigin, settings: TrainingSettings, acceptingEdits: Bool = false,
        notice: (String) -> Void = { _ in }
    ) throws -> TrainingRun {
        var (settings, shortening) = try checked(settings)
        try requireSameData(texts.map { ($0.name, $0.sha256) })
        let tokenizer = try savedTokenizer()
        // A model that the run started from may have more rows than its tokenizer has tokens.
        settings.model.vocabularySize = max(settings.model.vocabularySize, tokenizer.vocabularySize)
        let texts = try settings.divided(texts)
        let description = try ModelDescription(directory: path, tokenizer: tokenizer)
        let format =
            try texts.contains { $0.conversations != nil }
            ? ChatFormat(settings.chatTemplate, description, tokenizer) : nil
        let data = try TokenDataset(
            texts, TrainingEncoding(tokenizer, settings, description, conversations: format),
            validation: settings.validation, contextLength: settings.sequenceLength, notice: notice)
        let (directory, best) = try openDirectory(
            settings, tokenizer: tokenizer, origin: origin, acceptingEdits: acceptingEdits)
        guard let model = best.neural else { preconditionFailure("a model that learns a text is a language model") }
        let trainer = try Trainer(
            model, data: data, settings: settings, tokenizer: tokenizer, roles: directory.description.roles,
            store: directory)
        try restore(trainer)
        if let shortening { notice(shortening) }
        if let jump = rateJump(of: trainer) { notice(jump) }
        return TrainingRun(trainer, tokenizer: tokenizer, directory: directory)
    }

    /// Returns a run of another task that continues from the last save; see `resume` for texts.
    /// - Parameters:
    ///   - source: the data, read from `origin` or from their current location.
    ///   - origin: the source of the data, which is recorded for the next resumption.
    ///   - settings: the settings of the run, possibly with changes.
    ///   - acceptingEdits: whether files beside the weights may have been edited since the model was saved.
    ///   - notice: called with a message about the schedule.
    public func resume<Source: TaskSource>(
        _ source: Source, origin: DataOrigin, settings: TrainingSettings, acceptingEdits: Bool = false,
        notice: (String) -> Void = { _ in }
    ) throws -> TaskRun<Source> {
        let (settings, shortening) = try checked(settings)
        try requireSameData(source.files)
        let tokenizer = try savedTokenizer()
        let (directory, model) = try openDirectory(
            settings, tokenizer: tokenizer, origin: origin, acceptingEdits: acceptingEdits)
        let task = try source.makeTask(model, tokenizer, settings)
        let trainer = try Trainer(task, settings: settings, store: directory)
        try restore(trainer)
        if let shortening { notice(shortening) }
        if let jump = rateJump(of: trainer) { notice(jump) }
        return TaskRun(trainer, source: source, tokenizer: tokenizer, directory: directory)
    }

    // MARK: Checks

    /// The settings of the resumed run, and a message if the warm-up is shortened.
    /// - Throws: `TrainingError`, if a setting changes that may not, or the run is already longer.
    private func checked(_ settings: TrainingSettings) throws -> (settings: TrainingSettings, shortening: String?) {
        var settings = settings
        // A run that continues as it began computes what it would have computed without the interruption.
        let isSameSchedule =
            settings.length == self.settings.length && settings.schedule == self.settings.schedule
        let shortening = isSameSchedule ? nil : settings.fitWarmup()
        if settings.length != self.settings.length, settings.evaluateEvery == nil {
            // More steps are not a reason to evaluate less often.
            settings.evaluateEvery = self.settings.evaluationInterval
        }
        if let change = settings.forbiddenChange(from: self.settings) {
            throw TrainingError.settingChanged(directory: path, change)
        }
        if case .steps(let steps) = settings.length, steps < progress.step {
            throw TrainingError.changed(
                directory: path,
                what:
                    "it has already completed \(progress.step) steps, more than \(steps); give a larger number of steps"
            )
        }
        return (settings, shortening)
    }

    private func requireSameData(_ data: [(name: String, sha256: String)]) throws {
        guard data.count == checkpoint.textHashes.count else {
            throw TrainingError.changed(
                directory: path,
                what:
                    "it was started with \(checkpoint.textHashes.count) texts, and \(data.count) are given; give the same texts"
            )
        }
        for (text, hash) in zip(data, checkpoint.textHashes) where text.sha256 != hash {
            throw TrainingError.changed(
                directory: path,
                what:
                    "the text has changed: \(text.name) is not the text the run was started with (its SHA-256 differs)")
        }
    }

    /// The tokenizer of the checkpoint: it is the original one even if its file was changed or removed.
    private func savedTokenizer() throws -> any Tokenizer {
        try TokenizerFile.tokenizer(from: Array(checkpoint.tokenizer.utf8), file: RunDirectory.latest(path))
    }

    /// The directory, and the best model so far. Loading the model also verifies that it is intact, while the user can still
    /// restore it.
    private func openDirectory(
        _ settings: TrainingSettings, tokenizer: any Tokenizer, origin: DataOrigin, acceptingEdits: Bool
    ) throws -> (RunDirectory, any TrainableModel) {
        let file = path + "/" + TokenizerFile.name
        guard try TextFile.bytes(file).elementsEqual(checkpoint.tokenizer.utf8) else {
            throw TrainingError.changed(
                directory: path,
                what: "the tokenizer has changed: \(file) is not the one the run was started with; restore the file")
        }
        try MemoryEstimate(settings).check()
        let directory = try RunDirectory(
            resuming: self, tokenizer: tokenizer, origin: origin, acceptingEdits: acceptingEdits)
        let model = try directory.loadBest(of: settings.model)
        try checkConfiguration(of: model)
        return (directory, model)
    }

    /// Puts the last weights, the moments and the progress into a trainer.
    private func restore<Task>(_ trainer: Trainer<Task>) throws {
        try checkpoint.restoreWeights(into: trainer.optimizer)
        let optimizer = trainer.optimizer
        trainer.savedMoments = { try checkpoint.read($0, $1, of: optimizer, into: $2) }
        // Divided moments are restored when the training starts (see `savedMoments`).
        if trainer.settings.optimizerShards == 1 { try trainer.restoreMoments() }
        try trainer.resume(progress, metrics: savedMetrics(), samples: savedSamples())
        if progress.final != nil, trainer.isOver,
            let change = trainer.settings.changeWithoutEffect(from: self.settings)
        {
            throw TrainingError.changeWithoutEffect(directory: path, change)
        }
    }

    private func rateJump<Task>(of trainer: Trainer<Task>) -> String? {
        trainer.isOver ? nil : trainer.settings.learningRateJump(from: settings, after: progress)
    }

    /// Throws if config.json does not describe the model that was trained, for example if the model has the same size
    /// but another epsilon. The check is skipped for checkpoints of older versions whose run started from another
    /// model, because they do not record the complete configuration.
    private func checkConfiguration(of model: any TrainableModel) throws {
        guard checkpoint.recordsModel || settings.initialModel == nil, let found = model.specification else { return }
        var expected = settings.model
        expected.vocabularySize = model.vocabularySize
        guard found != expected else { return }
        let difference = JSON.object(found.json()).difference(from: .object(expected.json()))
        throw TrainingError.changed(
            directory: path,
            what: "\(path)/\(ModelSpecification.configurationFile) is not the one the run was started with"
                + (difference.map { ": \($0)" } ?? "") + "; restore the file")
    }

    /// The rows of metrics.csv up to the last save; none if the file was deleted. An unreadable file is an error,
    /// because the next save would replace it.
    private func savedMetrics() throws -> Metrics {
        guard try Files.find(RunDirectory.metrics(path)) else { return Metrics() }
        let text = try TextFile.read(RunDirectory.metrics(path), allowingEmpty: true)
        var metrics = Metrics(csv: text, upTo: progress.step)
        // The row of this step may have been written after the save.
        if metrics.rows.last?.step == progress.step, progress.lossCount > 0 { metrics.rows.removeLast() }
        return metrics
    }

    /// The contents of samples.txt at the time of the last save.
    private func savedSamples() throws -> String {
        guard try Files.find(RunDirectory.samples(path)) else { return "" }
        let bytes = try TextFile.bytes(RunDirectory.samples(path))
        return String(decoding: bytes.prefix(max(0, checkpoint.samplesLength)), as: UTF8.self)
    }
}
