import Corpus
import Files
import Interchange
import Models
import StrictJSON
import Tokenizers

/// A run that is to be gone on with: read, locked, and held against what it began with.
public struct SavedRun {
    public let path: String
    let lock: DirectoryLock
    let checkpoint: Checkpoint

    /// The settings it was trained with so far.
    public var settings: TrainingSettings { checkpoint.settings }
    public var progress: TrainingProgress { checkpoint.progress }
    /// Where its text came from.
    public var origin: TextOrigin { checkpoint.origin }

    /// Locks the directory of a run and reads its last save.
    /// - Throws: where there is none, it is damaged, or another process works there.
    public init(_ path: String) throws {
        guard try Files.find(path) else {
            throw TrainingError.directory(
                "there is no run to resume at \(path): no such directory; give a directory written by 'gpt train'")
        }
        if let kind = Files.kind(path), kind != "a directory" {
            throw TrainingError.directory(
                "there is no run to resume at \(path): it is \(kind), not a directory; give a directory written by "
                    + "'gpt train'")
        }
        lock = try DirectoryLock(directory: path)
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
        AtomicFile.removeLeftovers(in: path)
        AtomicFile.removeLeftovers(in: RunDirectory.training(path))
    }

    /// Whether the run came to its end, and `settings` ask for no more.
    public func isComplete(with settings: TrainingSettings) -> Bool {
        progress.final != nil && !settings.differences(from: self.settings).contains(where: \.reopensCompleteRun)
    }

    /// A trainer that stands where the run stood.
    ///
    /// `TrainingSetting.all` says what may change. Of a run that is complete nothing changes unless it gets more to do.
    /// - Parameters:
    ///   - texts: from `origin`, or where they are now.
    ///   - origin: where they came from, to be kept for the next time.
    ///   - settings: those of the run, or with changes.
    ///   - acceptingEdits: whether files beside the weights may have been edited since the model was saved, as far as the
    ///     weights and moments did not grow from what they say.
    /// - Throws: `TrainingError.changed`, naming what is not as it was.
    public func resume(
        _ texts: [NamedText], origin: TextOrigin, settings: TrainingSettings, acceptingEdits: Bool = false
    ) throws -> TrainingRun {
        var settings = settings
        if settings.length != self.settings.length, settings.evaluateEvery == nil {
            // More steps are no reason to evaluate less often.
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
        guard texts.count == checkpoint.textHashes.count else {
            throw TrainingError.changed(
                directory: path,
                what:
                    "it was started with \(checkpoint.textHashes.count) texts, and \(texts.count) are given; give the same texts"
            )
        }
        for (text, hash) in zip(texts, checkpoint.textHashes) where text.sha256 != hash {
            throw TrainingError.changed(
                directory: path,
                what:
                    "the text has changed: \(text.name) is not the text the run was started with (its SHA-256 differs)")
        }
        // The one it began with, whatever has become of the file it came from.
        let tokenizer = try TokenizerFile.tokenizer(
            from: Array(checkpoint.tokenizer.utf8), file: RunDirectory.latest(path))
        settings.model.vocabularySize = tokenizer.vocabularySize
        let data = try TokenDataset(
            texts, tokenizer: tokenizer, validation: settings.validation, contextLength: settings.sequenceLength)
        let file = path + "/" + TokenizerFile.name
        guard try TextFile.bytes(file).elementsEqual(checkpoint.tokenizer.utf8) else {
            throw TrainingError.changed(
                directory: path,
                what: "the tokenizer has changed: \(file) is not the one the run was started with; restore the file")
        }
        try MemoryEstimate(settings).check()
        let directory = try RunDirectory(
            resuming: self, tokenizer: tokenizer, origin: origin, acceptingEdits: acceptingEdits)
        // Also shows that the best model is whole, while something can still be done about it.
        let model = try directory.loadBest(of: settings.model)
        try checkConfiguration(of: model)
        let trainer = try Trainer(model, data: data, settings: settings, tokenizer: tokenizer, store: directory)
        try checkpoint.restore(into: trainer.optimizer)
        try trainer.resume(progress, metrics: savedMetrics(), samples: savedSamples())
        if progress.final != nil, trainer.isOver, let change = settings.changeWithoutEffect(from: self.settings) {
            throw TrainingError.changeWithoutEffect(directory: path, change)
        }
        return TrainingRun(trainer, tokenizer: tokenizer, directory: directory)
    }

    /// Throws where config.json describes another model than the run has trained: one of the same size, but with another
    /// epsilon for example. Of a model that another program saved, checkpoints of older versions did not record all.
    private func checkConfiguration(of model: any NeuralLanguageModel) throws {
        guard checkpoint.recordsModel || settings.initialModel == nil, let found = model.specification else { return }
        var expected = settings.model
        expected.vocabularySize = model.vocabularySize
        guard found != expected else { return }
        let difference = found.json(endOfText: nil).difference(from: expected.json(endOfText: nil))
        throw TrainingError.changed(
            directory: path,
            what: "\(path)/\(ModelSpecification.configurationFile) is not the one the run was started with"
                + (difference.map { ": \($0)" } ?? "") + "; restore the file")
    }

    /// The lines of metrics.csv up to the save; none where somebody deleted the file. One that cannot be read is an error,
    /// for the next save would replace it.
    private func savedMetrics() throws -> Metrics {
        guard try Files.find(RunDirectory.metrics(path)) else { return Metrics() }
        let text = try TextFile.read(RunDirectory.metrics(path), allowingEmpty: true)
        var metrics = Metrics(csv: text, upTo: progress.step)
        // The line of the step itself may be of after the save, too.
        if metrics.rows.last?.step == progress.step, progress.lossCount > 0 { metrics.rows.removeLast() }
        return metrics
    }

    /// What samples.txt held at the save.
    private func savedSamples() throws -> String {
        guard try Files.find(RunDirectory.samples(path)) else { return "" }
        let bytes = try TextFile.bytes(RunDirectory.samples(path))
        return String(decoding: bytes.prefix(max(0, checkpoint.samplesLength)), as: UTF8.self)
    }
}
