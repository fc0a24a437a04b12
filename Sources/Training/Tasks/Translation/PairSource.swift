import Corpus
import Models
import Tokenizers

/// Pairs of texts from which a translator is trained.
public struct PairSource: TaskSource {
    /// The pairs to learn from, and those to validate on.
    public let training: TextPairs
    public let validation: TextPairs

    public var files: [(name: String, sha256: String)] {
        let both = [(name: training.name, sha256: training.sha256), (name: validation.name, sha256: validation.sha256)]
        // Parts of a file have its hash.
        return training.sha256 == validation.sha256 ? [both[0]] : both
    }

    public init(training: TextPairs, validation: TextPairs) {
        self.training = training
        self.validation = validation
    }

    public func makeTokenizer(_ settings: TrainingSettings, notice: (String) -> Void) throws -> any Tokenizer {
        func texts(_ pairs: TextPairs) -> [String] { pairs.pairs.flatMap { [$0.source, $0.target] } }
        // A character tokenizer encodes nothing that it has not seen.
        let all = texts(training) + (settings.tokenizer == .characters ? texts(validation) : [])
        let text = NamedText(name: training.name, text: all.joined(separator: "\n"))
        return try settings.tokenizer.make(for: [text], validation: 0, notice: notice).adding(.marian)
    }

    public func specification(
        of model: ModelSpecification, _ tokenizer: any Tokenizer, isNew: Bool
    ) throws -> ModelSpecification {
        guard case .encoderDecoder(var configuration) = model else {
            preconditionFailure("a translator is an encoder-decoder")
        }
        guard isNew else { return model }
        guard let end = tokenizer.template.after.last, let padding = tokenizer.paddingID else {
            preconditionFailure("the tokenizer was made with these tokens")
        }
        configuration.endToken = end
        // As in Marian, the padding token begins a target.
        configuration.startToken = padding
        configuration.paddingToken = padding
        return .encoderDecoder(configuration)
    }

    public func makeTask(
        _ model: any TrainableModel, _ tokenizer: any Tokenizer, _ settings: TrainingSettings
    ) throws -> TranslationTask {
        guard let model = model.encoderDecoder else { preconditionFailure("a translator is an encoder-decoder") }
        let data = try PairDataset(
            training: training, validation: validation, tokenizer: tokenizer, endToken: model.configuration.endToken,
            contextLength: model.configuration.contextLength)
        return TranslationTask(model, data: data, settings: settings, tokenizer: tokenizer)
    }
}
