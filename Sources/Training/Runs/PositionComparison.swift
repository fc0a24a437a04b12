import Models
import Tokenizers

/// The same transformer with several kinds of positions, each trained with several seeds on the same text: its loss at the
/// length that it was trained on and at longer ones, and the time of a step.
public struct PositionComparison {
    /// How many times the trained context the lengths of the validation windows are.
    public static let factors = [1, 2, 4]

    /// The models of one kind of positions.
    public struct Entry: Sendable {
        public let positions: Positions.Kind
        public internal(set) var runs: [Run] = []

        /// The losses of the runs at a factor: their mean and their standard deviation, which is nil of one run; nil if models
        /// with these positions cannot read sequences of this length.
        public func loss(at factor: Int) -> (mean: Double, deviation: Double?)? {
            let losses = runs.compactMap { $0.losses[factor] }
            guard !losses.isEmpty else { return nil }
            return PositionComparison.statistics(losses)
        }

        /// The seconds of a step.
        public var stepSeconds: (mean: Double, deviation: Double?) {
            PositionComparison.statistics(runs.map(\.stepSeconds))
        }
    }

    /// One model.
    public struct Run: Sendable {
        public let seed: UInt64
        /// The loss in nats per token by the factor of the length.
        public let losses: [Int: Double]
        public let stepSeconds: Double
    }

    public private(set) var entries: [Entry]
    private let settings: TrainingSettings
    private let tokenizer: any Tokenizer
    private let data: TokenDataset

    /// - Parameters:
    ///   - kinds: the kinds of positions.
    ///   - settings: those of a transformer, whose positions and seed are replaced.
    ///   - tokenizer: the tokenizer of the data.
    ///   - data: what all models learn from.
    /// - Throws: `TrainingError`, if the validation text is shorter than a window of the longest length.
    public init(
        _ kinds: [Positions.Kind], _ settings: TrainingSettings, tokenizer: any Tokenizer, data: TokenDataset
    ) throws {
        let longest = (Self.factors.max() ?? 1) * settings.sequenceLength
        if let document = data.documents.first(where: { $0.validationIDs.count <= longest }) {
            throw TrainingError.setting(
                "\(document.name) is too short: its validation part has \(document.validation.count) tokens, and four times the "
                    + "context of \(settings.sequenceLength) needs more than \(longest); give a longer text or a smaller context"
            )
        }
        var settings = settings
        _ = settings.fitWarmup()
        self.settings = settings.sized(tokenizer)
        self.tokenizer = tokenizer
        self.data = data
        entries = kinds.map { Entry(positions: $0) }
    }

    /// The settings of a run.
    public func settings(_ kind: Positions.Kind, seed: UInt64) -> TrainingSettings {
        var settings = settings
        if case .transformer(let configuration) = settings.model {
            var options = TransformerOptions()
            options.positions = kind
            settings.model = .transformer(configuration.with(options))
        }
        settings.seed = seed
        return settings
    }

    /// Trains and measures the model of an entry with a seed.
    /// - Returns: false if it was stopped.
    public mutating func train(
        entry index: Int, seed: UInt64, shouldStop: () -> Bool = { false }, report: (TrainingEvent) -> Void = { _ in }
    ) throws -> Bool {
        let settings = settings(entries[index].positions, seed: seed)
        let training = try TrainingRun(
            settings, tokenizer: tokenizer, data: data, samples: false, directory: { _ in nil })
        guard let outcome = try training.run(shouldStop: shouldStop, report: report),
            case .neural(let model) = outcome.model.form, case .transformer(let configuration)? = model.specification
        else { return false }
        var losses: [Int: Double] = [:]
        for factor in Self.factors where factor == 1 || configuration.positions.hasAnyLength {
            let length = factor * configuration.contextLength
            let reader = factor == 1 ? model : Self.copy(model, configuration, contextLength: length)
            // The same number of tokens at each length.
            let limit = max(1, outcome.result.windows / factor)
            let evaluation = Evaluator(data, length: length).evaluate(reader, atMost: limit, shouldStop: shouldStop)
            guard let evaluation else { return false }
            losses[factor] = evaluation.loss
        }
        let steps = max(1, training.trainer?.progress.step ?? 1)
        entries[index].runs.append(
            Run(seed: seed, losses: losses, stepSeconds: outcome.seconds / Double(steps)))
        return true
    }

    /// A model with the same weights and another context.
    private static func copy(
        _ model: any NeuralLanguageModel, _ configuration: TransformerConfiguration, contextLength: Int
    ) -> Transformer {
        var longer = configuration
        longer.contextLength = contextLength
        let copy = Transformer(longer, weights: .uninitialized)
        copy.setWeights(model.copyOfWeights())
        return copy
    }

    /// The mean of numbers and their standard deviation, which is nil of a single one.
    static func statistics(_ values: [Double]) -> (mean: Double, deviation: Double?) {
        let count = Double(values.count), mean = values.reduce(0, +) / max(1, count)
        guard values.count > 1 else { return (mean, nil) }
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (mean, (squares / (count - 1)).squareRoot())
    }
}
