import Corpus
import Inference
import Interchange
import Models
import Tokenizers

/// A training from texts to a model: new, from the weights of another model, or resumed.
///
/// This is what `gpt train` and `gpt compare` call, and what a notebook or a server would call. A kind of model that is
/// trained by gradient descent has a `trainer`; an n-gram model is counted.
public final class TrainingRun {
    /// Everything that decides what the training does. The vocabulary size of the model is that of the tokenizer.
    public let settings: TrainingSettings
    public let tokenizer: any Tokenizer
    /// What is saved with the model beside its weights: which tokens begin and end a text, for example.
    public let description: ModelDescription
    public let data: TokenDataset
    /// Where the run is saved; nil for one in memory.
    public let directory: RunDirectory?
    /// What trains; nil where the model is counted.
    public let trainer: Trainer<NextTokenTask>?

    // MARK: A new run

    /// A new run on texts: makes the tokenizer, encodes the texts, and makes the model.
    ///
    /// - Parameters:
    ///   - settings: what decides what the training does. A warm-up that is as long as the run, or longer, is shortened to
    ///     a tenth of its steps.
    ///   - texts: what to learn from and to validate on.
    ///   - origin: where the texts came from, which a resumed run needs to know.
    ///   - start: the model whose weights training begins with, in place of `settings.model`; nil for random weights.
    ///   - refine: changes the settings once the numbers of training tokens and of different tokens are known, for example by
    ///     a `Recipe`. It must not change how the texts are encoded.
    ///   - directory: gives the directory to create, or nil for a run in memory. Called after everything that can be checked
    ///     without a directory has been checked.
    ///   - notice: called with what takes a while, or is not as it was asked for.
    /// - Throws: `TrainingError`, where a setting is out of its range, a text is too short, or the model is too large for this
    ///   machine.
    public convenience init(
        _ settings: TrainingSettings, texts: [NamedText], origin: TextOrigin, startingFrom start: StartingModel? = nil,
        refine: (_ settings: inout TrainingSettings, _ textTokens: Int, _ vocabularySize: Int) throws -> Void = {
            _, _, _ in
        },
        directory: () throws -> String? = { nil }, notice: (String) -> Void = { _ in }
    ) throws {
        if let problem = settings.problem { throw TrainingError.invalid(problem) }
        var settings = settings
        let texts = try settings.divided(texts)
        let format =
            try texts.contains { $0.conversations != nil }
            ? ChatFormat(settings.chatTemplate, start?.description, start?.tokenizer) : nil
        if let directory = texts.lazy.compactMap(\.prepared).first {
            guard texts.count == 1 else {
                throw TrainingError.setting("\(directory.path) is a directory of encoded texts; give it alone")
            }
            // The tokenizer is compared with that of the directory.
            if settings.tokenizer == .characters { settings.tokenizer = .file(directory.path) }
            settings.validation = directory.validation
        }
        let tokenizer = try start?.tokenizer ?? settings.makeTokenizer(for: texts, format, notice: notice)
        var data = try TokenDataset(
            texts, TrainingEncoding(tokenizer, settings, start?.description, conversations: format),
            validation: settings.validation,
            contextLength: settings.model.kind.isTrained ? settings.sequenceLength : 1, notice: notice)
        try refine(&settings, data.trainingCount, tokenizer.vocabularySize)
        if let problem = settings.problem { throw TrainingError.invalid(problem) }
        data.setWindowLength(settings.sequenceLength)
        let shortening = settings.fitWarmup()
        try self.init(
            settings, tokenizer: tokenizer, data: data, startingFrom: start, format: format,
            directory: { description in
                try directory().map {
                    try RunDirectory(
                        creating: $0, tokenizer: tokenizer, description: description, record: data.record,
                        origin: .texts(origin))
                }
            })
        if let shortening { notice(shortening) }
    }

    /// The first special token that a training text spells although it is encoded as plain text, and the name of that text; nil
    /// if there is none.
    /// - Parameters:
    ///   - texts: the texts. Those that are not in memory are not searched.
    ///   - tokenizer: the tokenizer that they are encoded with.
    ///   - data: the encoded texts, with what was found in long ones when they were encoded.
    public static func specialTokenAsText(
        in texts: [NamedText], _ tokenizer: any Tokenizer, _ data: TokenDataset? = nil
    ) -> (token: SpecialToken, name: String)? {
        if let spelled = data?.spelledToken,
            let token = tokenizer.specialTokens.first(where: { $0.text.utf8.elementsEqual(spelled.text.utf8) })
        {
            return (token, spelled.name)
        }
        for text in texts {
            if let token = tokenizer.firstSpecialToken(in: text.text) { return (token, text.name) }
        }
        return nil
    }

    /// A new run on a dataset, which several runs can share.
    /// - Parameter samples: whether the model generates samples during training.
    init(
        _ settings: TrainingSettings, tokenizer: any Tokenizer, data: TokenDataset,
        startingFrom start: StartingModel? = nil, format: ChatFormat? = nil,
        samples: Bool = true, directory: (ModelDescription) throws -> RunDirectory?
    ) throws {
        var settings = settings
        if let start { settings.model = start.specification }
        // A model that others made may have more rows than its tokenizer has tokens.
        settings.model.vocabularySize = max(start?.specification.vocabularySize ?? 0, tokenizer.vocabularySize)
        // After the texts were read, so that their memory counts.
        try MemoryEstimate(settings).check()
        self.settings = settings
        self.tokenizer = tokenizer
        self.data = data
        let description = Self.description(of: data, tokenizer, startingFrom: start, format)
        self.description = description
        self.directory = try directory(description)
        let store: any TrainingStore = self.directory ?? MemoryStore()
        trainer = try (start?.model.neural ?? settings.model.makeNeuralModel(seed: settings.seed)).map { model in
            try Trainer(
                model, data: data, settings: settings, tokenizer: samples ? tokenizer : nil, roles: description.roles,
                store: store)
        }
    }

    /// What is saved with the model of a new run beside its weights.
    private static func description(
        of data: TokenDataset, _ tokenizer: any Tokenizer, startingFrom start: StartingModel?, _ format: ChatFormat?
    ) -> ModelDescription {
        if format == nil, start == nil {
            return ModelDescription(for: tokenizer, endsTexts: data.hasEnds, learning: data.learnedSpecialTokens)
        }
        let end = data.hasEnds && format == nil ? data.end : nil
        return ModelDescription(
            start?.description, chatTemplate: format?.template.source, ends: data.turnEnds + (end.map { [$0] } ?? []),
            learning: data.learnedSpecialTokens)
    }

    // MARK: A resumed run

    /// A run whose last save was read.
    init(_ trainer: Trainer<NextTokenTask>, tokenizer: any Tokenizer, directory: RunDirectory) {
        settings = trainer.settings
        self.tokenizer = tokenizer
        data = trainer.data
        self.directory = directory
        description = directory.description
        self.trainer = trainer
    }

    // MARK: Running

    /// What a run came to.
    public struct Outcome {
        public let end: TrainingEnd
        /// The best model.
        public let model: any LanguageModel
        /// What it measures on the validation text.
        public let result: ValidationResult
        /// The step of the best model; nil for one that was counted.
        public let bestStep: Int?
        /// Time spent on training.
        public let seconds: Double
        /// The last sample of the model; nil where there is none.
        public let sample: String?
    }

    /// Trains, or counts, to the end.
    /// - Parameters:
    ///   - shouldStop: called after every step and between the parts of everything that takes a while; when it returns true,
    ///     the run is saved and ends.
    ///   - report: called with everything that happens.
    /// - Returns: what the run came to; nil where it was stopped before there was a result.
    public func run(
        shouldStop: () -> Bool = { false }, report: (TrainingEvent) -> Void = { _ in }
    ) throws -> Outcome? {
        guard let trainer else { return try count(shouldStop) }
        var sample: String?
        let end = try trainer.run(shouldStop: shouldStop) { event in
            if case .sample(_, let text) = event { sample = text }
            report(event)
        }
        guard end != .stopped, let result = trainer.progress.final else { return nil }
        return Outcome(
            end: end, model: trainer.model, result: result, bestStep: trainer.bestStep,
            seconds: trainer.progress.seconds, sample: sample)
    }

    private func count(_ shouldStop: () -> Bool) throws -> Outcome? {
        guard case .ngram(let configuration) = settings.model else {
            preconditionFailure("only n-gram models are counted")
        }
        let begin = ContinuousClock.now
        guard
            let (model, result) = try NGramBaseline.run(data, configuration, settings, shouldStop: shouldStop)
        else { return nil }
        let seconds = (ContinuousClock.now - begin).seconds
        try directory?.save(counted: model, settings: settings, data: data.record, result: result, seconds: seconds)
        return Outcome(end: .complete, model: model, result: result, bestStep: nil, seconds: seconds, sample: nil)
    }

    /// Generates text with the model of an outcome.
    public func generator(for outcome: Outcome) -> TextGenerator {
        TextGenerator(outcome.model, tokenizer: tokenizer, roles: description.roles)
    }

    // MARK: Figures

    /// The loss of the n-gram baseline on the same validation data, and the difference to it.
    public struct Baseline: Sendable {
        public let order: Int
        /// The number of training tokens that were counted: the first ones, of a long text not all.
        public let countedTokens: Int
        /// In nats per token.
        public let loss: Double
        /// The loss of the model minus that of the baseline: below 0 where the model is better.
        public let difference: Double
    }

    /// Compares an outcome with the n-gram baseline, on the same windows of the validation text.
    ///
    /// Of a long text as many of the first tokens are counted as take a tenth of the training time, or about a second.
    /// - Returns: nil where the model is itself counted, or memory is too small to count.
    public func baseline(for outcome: Outcome) -> Baseline? {
        guard let trainer else { return nil }
        let order = 7
        let tokens = NGramBaseline.affordableTokens(
            settings, trainedTokens: trainer.progress.step * trainer.task.tokensPerStep)
        let counted = try? NGramBaseline.run(
            data, order: order, vocabularySize: tokenizer.vocabularySize, counting: tokens,
            atMost: outcome.result.isComplete ? .max : outcome.result.windows,
            length: trainer.model.contextLength ?? settings.sequenceLength)
        guard let loss = counted?.result.value else { return nil }
        return Baseline(
            order: order, countedTokens: min(tokens, data.trainingCount), loss: loss,
            difference: outcome.result.value - loss)
    }
}
