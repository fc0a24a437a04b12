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

    static func settings(_ kind: ModelKind = .gpt, steps: Int, seed: UInt64 = 5) -> TrainingSettings {
        TrainingSettings(
            shape: ModelShape(kind: kind, layers: 1, heads: 2, width: 16, context: 8), length: .steps(steps), batch: 4,
            accumulate: 2, schedule: LearningRateSchedule(peak: 1e-2, warmupSteps: 3), dropout: 0.1, seed: seed)
    }

    static func data(context: Int = 8) throws -> TokenDataset {
        try TokenDataset([text], tokenizer: tokenizer, contextLength: context)
    }

    static func trainer(
        _ settings: TrainingSettings, store: any TrainingStore = MemoryStore(), samples: Bool = false
    ) throws -> Trainer {
        let model = settings.shape.makeNeuralModel(vocabularySize: tokenizer.vocabularySize, seed: settings.seed)
        guard let model else { throw TrainingError.setting("a model that counts") }
        return try Trainer(
            model, data: try data(context: settings.shape.context), settings: settings,
            tokenizer: samples ? tokenizer : nil, store: store)
    }

    /// A new run in a directory.
    static func run(_ settings: TrainingSettings, in path: String) throws -> Trainer {
        let directory = try RunDirectory(
            creating: path, tokenizer: tokenizer, data: try data(), origin: .files([path + ".txt"]))
        return try trainer(settings, store: directory, samples: true)
    }
}

extension Trainer {
    /// The bits of all weights and moments.
    var bits: [[UInt32]] {
        (model.parameters.map(\.parameter.value) + optimizer.moment1 + optimizer.moment2).map { tensor in
            tensor.values.map(\.bitPattern)
        }
    }

    /// The lines of metrics.csv without the columns of the clock.
    var clocklessMetrics: [String] {
        metrics.csv.split(separator: "\n").map { line in
            line.split(separator: ",", omittingEmptySubsequences: false).prefix(6).joined(separator: ",")
        }
    }
}
