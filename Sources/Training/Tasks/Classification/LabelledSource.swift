import Corpus
import Models
import Tokenizers

/// Labelled texts from which a classifier is trained.
public struct LabelledSource: TaskSource {
    /// The texts to learn from, and those to validate on.
    public let training: LabelledTexts
    public let validation: LabelledTexts

    public var files: [(name: String, sha256: String)] { [(training.name, training.sha256)] }

    /// Splits labelled texts as settings say.
    /// - Throws: `TrainingError`, if there are too few texts.
    public init(_ texts: LabelledTexts, _ settings: TrainingSettings) throws {
        (training, validation) = texts.split(validation: settings.validation, seed: settings.seed)
        if validation.examples.isEmpty {
            throw TrainingError.setting(
                "\(texts.name) is too short: its labels have one text each, and each needs two or more; give more rows")
        }
    }

    public func makeTokenizer(_ settings: TrainingSettings, notice: (String) -> Void) throws -> any Tokenizer {
        let texts = training.examples.flatMap { [$0.text] + ($0.pair.map { [$0] } ?? []) }
        // A character tokenizer encodes nothing that it has not seen.
        let others =
            settings.tokenizer == .characters
            ? validation.examples.flatMap { [$0.text] + ($0.pair.map { [$0] } ?? []) } : []
        return try settings.tokenizer.make(
            for: [NamedText(name: training.name, text: (texts + others).joined(separator: "\n"))], validation: 0,
            notice: notice
        ).adding(.bert)
    }

    public func specification(
        of model: ModelSpecification, _ tokenizer: any Tokenizer, isNew: Bool
    ) throws -> ModelSpecification {
        guard case .encoder(var configuration) = model else { preconditionFailure("a classifier is an encoder") }
        configuration.head = .classifier(labels: training.labels)
        return .encoder(configuration)
    }

    public func makeTask(
        _ model: any TrainableModel, _ tokenizer: any Tokenizer, _ settings: TrainingSettings
    ) throws -> ClassificationTask {
        guard let encoder = model.encoder else { preconditionFailure("a classifier is an encoder") }
        let data = try LabelledDataset(
            training: training, validation: validation, tokenizer: tokenizer,
            encoder: encoder.configuration)
        return ClassificationTask(encoder, data: data, settings: settings)
    }
}
