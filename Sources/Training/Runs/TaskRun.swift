import Corpus
import Interchange
import Models
import Tokenizers

/// A training of an encoder or an encoder-decoder from data to a model: new, from the weights of another model, or resumed.
///
/// `TrainingRun` is the same for language models, which are trained on texts.
public final class TaskRun<Source: TaskSource> {
    /// Everything that decides what the training does. The model is the one that is trained.
    public let settings: TrainingSettings
    public let tokenizer: any Tokenizer
    public let source: Source
    /// Where the run is saved; nil for one in memory.
    public let directory: RunDirectory?
    public let trainer: Trainer<Source.Task>

    // MARK: A new run

    /// A new run: makes the tokenizer, the model and the task.
    ///
    /// - Parameters:
    ///   - settings: what decides what the training does. A warm-up that is as long as the run, or longer, is shortened to
    ///     a tenth of its steps.
    ///   - source: the data.
    ///   - origin: where the data came from, which a resumed run needs to know.
    ///   - start: the model whose weights training begins with, in place of `settings.model`; nil for random weights.
    ///   - directory: gives the directory to create, or nil for a run in memory. Called after everything that can be checked
    ///     without a directory has been checked.
    ///   - notice: called with what takes a while, or is not as it was asked for.
    /// - Throws: `TrainingError`, where a setting is out of its range, there are too few data, or the model is too large for this
    ///   machine.
    public convenience init(
        _ settings: TrainingSettings, _ source: Source, origin: DataOrigin, startingFrom start: StartingModel? = nil,
        directory: () throws -> String? = { nil }, notice: (String) -> Void = { _ in }
    ) throws {
        if let problem = settings.problem { throw TrainingError.invalid(problem) }
        var settings = settings
        let shortening = settings.fitWarmup()
        let tokenizer = try start?.tokenizer ?? source.makeTokenizer(settings, notice: notice)
        var model = start?.specification ?? settings.model
        // A model that others made may have more rows than its tokenizer has tokens.
        model.vocabularySize = max(start?.specification.vocabularySize ?? 0, tokenizer.vocabularySize)
        settings.model = try source.specification(of: model, tokenizer, isNew: start == nil)
        if let problem = settings.problem { throw TrainingError.invalid(problem) }
        try MemoryEstimate(settings).check()
        let trained = try Self.makeModel(settings, startingFrom: start)
        let task = try source.makeTask(trained, tokenizer, settings)
        let directory = try directory().map {
            try RunDirectory(
                creating: $0, tokenizer: tokenizer,
                description: start?.description ?? ModelDescription(for: tokenizer, of: settings.model),
                record: task.dataRecord, origin: origin)
        }
        let trainer = try Trainer(task, settings: settings, store: directory ?? MemoryStore())
        self.init(trainer, source: source, tokenizer: tokenizer, directory: directory)
        if let shortening { notice(shortening) }
    }

    /// A model with random weights, or with those of another model, which may have another head.
    private static func makeModel(
        _ settings: TrainingSettings, startingFrom start: StartingModel?
    ) throws -> any TrainableModel {
        if case .encoder(let configuration) = settings.model, let encoder = start?.model.encoder {
            return encoder.replacingHead(configuration.head, seed: settings.seed)
        }
        guard let model = start?.model ?? settings.model.makeModel(.random(seed: settings.seed)) else {
            preconditionFailure("a model without parameters is not trained")
        }
        return model
    }

    // MARK: A resumed run

    /// A run whose last save was read.
    init(_ trainer: Trainer<Source.Task>, source: Source, tokenizer: any Tokenizer, directory: RunDirectory?) {
        settings = trainer.settings
        self.source = source
        self.tokenizer = tokenizer
        self.directory = directory
        self.trainer = trainer
    }

    // MARK: Running

    /// What a run came to.
    public struct Outcome: Sendable {
        public let end: TrainingEnd
        /// What the best model measures on the validation data. The model of the trainer is that model.
        public let result: ValidationResult
        /// The step of the best model.
        public let bestStep: Int?
        /// Time spent on training.
        public let seconds: Double
    }

    /// Trains to the end.
    /// - Parameters:
    ///   - shouldStop: called after every step and between the parts of everything that takes a while; when it returns true,
    ///     the run is saved and ends.
    ///   - report: called with everything that happens.
    /// - Returns: what the run came to; nil where it was stopped before there was a result.
    public func run(
        shouldStop: () -> Bool = { false }, report: (TrainingEvent) -> Void = { _ in }
    ) throws -> Outcome? {
        let end = try trainer.run(shouldStop: shouldStop, report: report)
        guard end != .stopped, let result = trainer.progress.final else { return nil }
        return Outcome(
            end: end, result: result, bestStep: trainer.bestStep, seconds: trainer.progress.seconds)
    }
}
