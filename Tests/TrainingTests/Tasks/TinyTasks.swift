import Corpus
import Models
import Tokenizers
import Training

/// Data and models of the tasks, small enough to train in a moment.
enum TinyTasks {
    /// Texts whose label depends on one word.
    static func labelled() throws -> LabelledTexts {
        let nouns = ["cat", "dog", "mat", "rat", "hat", "bat", "sun", "sea"]
        let examples = nouns.flatMap { noun in
            ["good", "bad"].flatMap { word in
                ["the \(noun) is \(word)", "\(word) is the \(noun) here", "a \(word) \(noun)"].map { ($0, word) }
            }
        }
        return try LabelledTexts(name: "nouns", examples)
    }

    static func settings(_ task: TaskKind, steps: Int, seed: UInt64 = 5) -> TrainingSettings {
        var settings = DefaultSettings.settings(for: task)
        switch task {
        case .text: break
        case .masked:
            settings.model = .encoder(
                .init(contextLength: 16, layers: 1, heads: 2, width: 16, head: .maskedTokens))
        case .classify:
            settings.model = .encoder(
                .init(contextLength: 16, layers: 1, heads: 2, width: 16, head: .none(hasPooler: true)))
        case .translate:
            let side = EncoderDecoderConfiguration.Side(layers: 1, heads: 2, feedForwardWidth: 32)
            settings.model = .encoderDecoder(.init(contextLength: 24, width: 16, encoder: side, decoder: side))
        }
        settings.sequenceLength = settings.model.contextLength ?? 16
        settings.tokenizer = task == .translate ? .characters : .wordPiece(60)
        settings.length = .steps(steps)
        settings.batch = 4
        settings.accumulate = 2
        settings.schedule = LearningRateSchedule(peak: 1e-2, warmupSteps: 3)
        settings.validation = 0.25
        settings.seed = seed
        return settings
    }

    /// Pairs of which the second is the first backwards.
    static var pairs: (training: TextPairs, validation: TextPairs) {
        let words = (0..<40).map { number in String((0..<3).map { "abcdefgh".map { $0 }[(number >> ($0 * 2)) % 8] }) }
        return TextPairs(name: "reversed", words.map { .init(source: $0, target: String($0.reversed())) })
            .split(validation: 0.25, seed: 1)
    }
}

extension Trainer {
    /// The bits of the weights and the moments of any task.
    var stateBits: [[UInt32]] {
        (task.model.parameters.map(\.parameter.value) + optimizer.moments).map { $0.values.map(\.bitPattern) }
    }
}
