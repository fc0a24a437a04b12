import Corpus
import Inference
import Models
import Tokenizers

/// Several models trained on the same text and measured on the same end of it: what `gpt compare` shows.
public struct ModelComparison {
    /// A tokenizer, and the text in its tokens.
    public struct Reading {
        public let specification: TokenizerSpecification
        /// The name of the tokenizer, different from those of the others.
        public let name: String
        public let tokenizer: any Tokenizer
        public let data: TokenDataset
    }

    /// A model and what it came to.
    public struct Entry {
        public let model: ModelSpecification
        public let tokenizer: TokenizerSpecification
        public let tokenizerName: String
        public let parameterCount: Int
        /// Time spent on training.
        public let seconds: Double
        public let result: ValidationResult
        public let bitsPerByte: Double
        public let bitsPerCharacter: Double
        /// A line that the model generated.
        public let line: String

        /// In nats per token.
        public var loss: Double { result.value }
    }

    public let readings: [Reading]
    public private(set) var entries: [Entry] = []
    private let settings: [TrainingSettings]
    private let origin: TextOrigin

    /// Makes the tokenizers and encodes the texts.
    /// - Parameters:
    ///   - settings: those of each model, whose tokenizer and vocabulary size are replaced.
    ///   - tokenizers: each model is trained with each of them.
    ///   - texts: what to learn from and to validate on.
    ///   - origin: where the texts came from.
    ///   - validation: the fraction of each text, its end, that is for validation.
    ///   - notice: called with what takes a while, or is not as it was asked for.
    public init(
        _ settings: [TrainingSettings], tokenizers: [TokenizerSpecification], texts: [NamedText], origin: TextOrigin,
        validation: Double, notice: (String) -> Void = { _ in }
    ) throws {
        self.settings = settings
        self.origin = origin
        let context = settings.filter(\.model.kind.isTrained).map(\.sequenceLength).max() ?? 1
        readings = try zip(tokenizers, TokenizerSpecification.names(of: tokenizers)).map { specification, name in
            let tokenizer = try specification.make(for: texts, validation: validation, notice: notice)
            for settings in settings { try MemoryEstimate(settings.sized(tokenizer)).check() }
            return Reading(
                specification: specification, name: name, tokenizer: tokenizer,
                data: try TokenDataset(texts, tokenizer: tokenizer, validation: validation, contextLength: context))
        }
    }

    /// The trainings that are still to be run, in order: which settings on which reading. Those of one reading are scored on
    /// equally many tokens.
    public var runs: [(settings: TrainingSettings, reading: Reading)] {
        readings.flatMap { reading in
            TrainingSettings.measuredAlike(settings.map { $0.sized(reading.tokenizer) }).map { settings in
                var settings = settings
                settings.tokenizer = reading.specification
                return (settings, reading)
            }
        }
    }

    /// Trains a model and adds it to the entries.
    /// - Parameters:
    ///   - run: one of `runs`.
    ///   - directory: where to save the model; nil to keep nothing.
    ///   - shouldStop: called between steps and the parts of an evaluation; when it returns true, the training ends.
    ///   - report: called with everything that happens.
    /// - Returns: the entry; nil where the training was stopped.
    public mutating func train(
        _ run: (settings: TrainingSettings, reading: Reading), directory: String?, shouldStop: () -> Bool = { false },
        report: (TrainingEvent) -> Void = { _ in }
    ) throws -> Entry? {
        let (settings, reading) = run
        let begin = ContinuousClock.now
        let training = try TrainingRun(
            settings, tokenizer: reading.tokenizer, data: reading.data, samples: false,
            directory: {
                try directory.map {
                    try RunDirectory(
                        creating: $0, tokenizer: reading.tokenizer, record: reading.data.record, origin: origin)
                }
            })
        guard let outcome = try training.run(shouldStop: shouldStop, report: report), !shouldStop() else { return nil }
        let seconds = (ContinuousClock.now - begin).seconds
        let generator = TextGenerator(outcome.model, tokenizer: reading.tokenizer)
        let score = reading.data.score(outcome.result.value, decodedBy: reading.tokenizer)
        let entry = Entry(
            model: training.settings.model, tokenizer: reading.specification, tokenizerName: reading.name,
            parameterCount: outcome.model.parameterCount, seconds: seconds, result: outcome.result,
            bitsPerByte: score.bitsPerByte, bitsPerCharacter: score.bitsPerCharacter,
            line: try Self.line(from: generator, seed: settings.seed))
        entries.append(entry)
        return entry
    }

    /// The first line of some length that a model generates.
    private static func line(from generator: TextGenerator, seed: UInt64) throws -> String {
        let text = try generator.text(after: "", length: 200, settings: GenerationSettings(seed: seed))
        let lines = text.split(separator: "\n").map(String.init)
        return lines.first { $0.count >= 20 } ?? lines.max { $0.count < $1.count } ?? ""
    }

    // MARK: Figures

    /// The n-gram baseline with the same tokenizer; nil where it is not among the models.
    public func baseline(for entry: Entry) -> Entry? {
        entries.first { $0.model.kind == .ngram && $0.tokenizer == entry.tokenizer }
    }

    /// The loss of a model minus that of the baseline, in nats per token; nil for the baseline itself, or without one.
    public func difference(_ entry: Entry) -> Double? {
        entry.model.kind == .ngram ? nil : baseline(for: entry).map { entry.loss - $0.loss }
    }

    /// The model with the fewest bits per byte.
    public var best: Entry? { entries.min { $0.bitsPerByte < $1.bitsPerByte } }
}

extension TrainingSettings {
    /// The settings for the vocabulary of a tokenizer.
    func sized(_ tokenizer: any Tokenizer) -> TrainingSettings {
        var settings = self
        settings.model.vocabularySize = tokenizer.vocabularySize
        return settings
    }
}
