import Corpus
import Layers
import Models
import Tensors
import Tokenizers
import Training

/// A text and models small enough to train in a moment, also without optimization.
enum TinyRuns {
    static let text = NamedText(
        name: "verse",
        text: String(repeating: "the cat sat on the mat, the rat sat on the cat.\n", count: 20))

    static let tokenizer = CharacterTokenizer(alphabetOf: [text.text])

    static func settings(_ kind: ModelSpecification.Kind = .gpt, steps: Int, seed: UInt64 = 5) -> TrainingSettings {
        let model: ModelSpecification =
            switch kind {
            case .ngram: .ngram(.init(order: 7))
            case .bigram: .bigram(.init())
            case .attention: .attention(.init(contextLength: 8, width: 16))
            case .gpt: .gpt(.gpt2, layers: 1, heads: 2, width: 16, context: 8)
            case .encoder, .encoderDecoder: DefaultSettings.settings(for: kind).model
            }
        return TrainingSettings(
            model: sized(model), sequenceLength: 8, length: .steps(steps), batch: 4,
            accumulate: 2, schedule: LearningRateSchedule(peak: 1e-2, warmupSteps: 3), dropout: 0.1, seed: seed)
    }

    /// A model of the vocabulary of `tokenizer`.
    static func sized(_ model: ModelSpecification) -> ModelSpecification {
        var model = model
        model.vocabularySize = tokenizer.vocabularySize
        return model
    }

    static func data(context: Int = 8) throws -> TokenDataset {
        try TokenDataset([text], tokenizer: tokenizer, contextLength: context)
    }

    static func trainer(
        _ settings: TrainingSettings, store: any TrainingStore = MemoryStore(), samples: Bool = false
    ) throws -> Trainer<NextTokenTask> {
        let model = settings.model.makeNeuralModel(seed: settings.seed)
        guard let model else { throw TrainingError.setting("a model that counts") }
        return try Trainer(
            model, data: try data(context: settings.sequenceLength), settings: settings,
            tokenizer: samples ? tokenizer : nil, store: store)
    }

    /// A new run in a directory.
    static func run(_ settings: TrainingSettings, in path: String) throws -> Trainer<NextTokenTask> {
        let directory = try RunDirectory(
            creating: path, tokenizer: tokenizer, record: try data().record, origin: .texts(.files([path + ".txt"])))
        return try trainer(settings, store: directory, samples: true)
    }
}

extension Trainer where Task == NextTokenTask {
    /// The bits of all weights and moments.
    var bits: [[UInt32]] {
        (model.parameters.map(\.parameter.value) + optimizer.moments).map { $0.values.map(\.bitPattern) }
    }

    /// The lines of metrics.csv without the columns of the clock.
    var clocklessMetrics: [String] {
        metrics.csv.split(separator: "\n").map { line in
            line.split(separator: ",", omittingEmptySubsequences: false).prefix(6).joined(separator: ",")
        }
    }
}

extension TrainingSettings {
    /// The settings with other options of the transformer.
    func with(_ change: (inout TransformerConfiguration) -> Void) -> TrainingSettings {
        guard case .transformer(var configuration) = model else { return self }
        change(&configuration)
        var settings = self
        settings.model = .transformer(configuration)
        return settings
    }
}
