import Corpus
import Inference
import Models
import Tokenizers

/// Several models that are trained on the same text and scored on the same validation text, for `gpt compare`.
public struct ModelComparison {
    /// A tokenizer, and the text encoded with it.
    public struct Reading {
        public let specification: TokenizerSpecification
        /// The name of the tokenizer, which is unique among the tokenizers of the comparison.
        public let name: String
        public let tokenizer: any Tokenizer
        public let data: TokenDataset
    }

    /// A trained model and its results.
    public struct Entry {
        public let model: ModelSpecification
        public let tokenizer: TokenizerSpecification
        public let tokenizerName: String
        public let parameterCount: Int
        /// The training time.
        public let seconds: Double
        public let result: ValidationResult
        public let bitsPerByte: Double
        public let bitsPerCharacter: Double
        /// A line of generated text.
        public let line: String

        /// The loss in nats per token.
        public var loss: Double { result.value }
    }

    public let readings: [Reading]
    public private(set) var entries: [Entry] = []
    private let settings: [TrainingSettings]
    private let origin: TextOrigin

    /// Creates the tokenizers and encodes the texts.
    /// - Parameters:
    ///   - settings: the settings of each model. Their tokenizer and vocabulary size are replaced, and a warm-up that
    ///     would not end within the run is shortened. How texts are encoded is the same in all.
    ///   - tokenizers: the tokenizers; each model is trained with each of them.
    ///   - texts: the texts for training and validation.
    ///   - origin: the source of the texts.
    ///   - validation: the fraction at the end of each text that is used for validation.
    ///   - notice: called with a message before a slow step, or if a result differs from the specification.
    public init(
        _ settings: [TrainingSettings], tokenizers: [TokenizerSpecification], texts: [NamedText], origin: TextOrigin,
        validation: Double, notice: (String) -> Void = { _ in }
    ) throws {
        var fitted = settings
        for index in fitted.indices {
            if let change = fitted[index].fitWarmup(of: settings[index].model.kind.rawValue) { notice(change) }
        }
        self.settings = fitted
        self.origin = origin
        let special = settings.first?.specialTokens ?? .text, joinsTexts = settings.first?.joinsTexts ?? false
        let context = settings.filter(\.model.kind.isTrained).map(\.sequenceLength).max() ?? 1
        readings = try zip(tokenizers, TokenizerSpecification.names(of: tokenizers)).map { specification, name in
            let tokenizer = try specification.make(
                for: joinsTexts ? NamedText.joined(texts) : texts, validation: validation, special: special,
                notice: notice)
            for settings in settings { try MemoryEstimate(settings.sized(tokenizer)).check() }
            return Reading(
                specification: specification, name: name, tokenizer: tokenizer,
                data: try TokenDataset(
                    texts, tokenizer: tokenizer, validation: validation, contextLength: context, special: special,
                    joinsTexts: joinsTexts))
        }
    }

    /// All training runs of the comparison, in order: the settings and the encoded text of each. The runs with the same
    /// tokenizer are scored on the same number of tokens.
    public var runs: [(settings: TrainingSettings, reading: Reading)] {
        readings.flatMap { reading in
            TrainingSettings.measuredAlike(settings.map { $0.sized(reading.tokenizer) }).map { settings in
                var settings = settings
                settings.tokenizer = reading.specification
                return (settings, reading)
            }
        }
    }

    /// Trains a model and appends it to `entries`.
    /// - Parameters:
    ///   - run: one of `runs`.
    ///   - directory: the directory in which the model is saved; nil to discard it.
    ///   - shouldStop: called between steps and between parts of an evaluation; if it returns true, the training stops.
    ///   - report: called with each event of the training.
    /// - Returns: the new entry; nil if the training was stopped.
    public mutating func train(
        _ run: (settings: TrainingSettings, reading: Reading), directory: String?, shouldStop: () -> Bool = { false },
        report: (TrainingEvent) -> Void = { _ in }
    ) throws -> Entry? {
        let (settings, reading) = run
        let begin = ContinuousClock.now
        let training = try TrainingRun(
            settings, tokenizer: reading.tokenizer, data: reading.data, samples: false,
            directory: { description in
                try directory.map {
                    try RunDirectory(
                        creating: $0, tokenizer: reading.tokenizer, description: description,
                        record: reading.data.record, origin: .texts(origin))
                }
            })
        guard let outcome = try training.run(shouldStop: shouldStop, report: report), !shouldStop() else { return nil }
        let seconds = (ContinuousClock.now - begin).seconds
        let score = reading.data.score(outcome.result.value)
        let entry = Entry(
            model: training.settings.model, tokenizer: reading.specification, tokenizerName: reading.name,
            parameterCount: outcome.model.parameterCount, seconds: seconds, result: outcome.result,
            bitsPerByte: score.bitsPerByte, bitsPerCharacter: score.bitsPerCharacter,
            line: try Self.line(from: training.generator(for: outcome), seed: settings.seed))
        entries.append(entry)
        return entry
    }

    /// Generates text and returns its first line of at least 20 characters, or else its longest line.
    private static func line(from generator: TextGenerator, seed: UInt64) throws -> String {
        let text = try generator.text(after: "", length: 200, settings: GenerationSettings(seed: seed))
        let lines = text.split(separator: "\n").map(String.init)
        return lines.first { $0.count >= 20 } ?? lines.max { $0.count < $1.count } ?? ""
    }

    // MARK: Figures

    /// The n-gram baseline with the same tokenizer; nil if the comparison has none.
    public func baseline(for entry: Entry) -> Entry? {
        entries.first { $0.model.kind == .ngram && $0.tokenizer == entry.tokenizer }
    }

    /// The loss of a model minus that of the baseline, in nats per token; nil for the baseline itself, or if there is
    /// none.
    public func difference(_ entry: Entry) -> Double? {
        entry.model.kind == .ngram ? nil : baseline(for: entry).map { entry.loss - $0.loss }
    }

    /// The model with the fewest bits per byte.
    public var best: Entry? { entries.min { $0.bitsPerByte < $1.bitsPerByte } }
}

extension TrainingSettings {
    /// The settings with the vocabulary size of a tokenizer.
    func sized(_ tokenizer: any Tokenizer) -> TrainingSettings {
        var settings = self
        settings.model.vocabularySize = tokenizer.vocabularySize
        return settings
    }
}
