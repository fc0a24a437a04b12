import Corpus
import Models
import Tokenizers

/// Texts from which a masked language model is trained.
public struct MaskedSource: TaskSource {
    private let texts: [NamedText]

    public var files: [(name: String, sha256: String)] { texts.map { ($0.name, $0.sha256) } }

    public init(_ texts: [NamedText]) { self.texts = texts }

    public func makeTokenizer(_ settings: TrainingSettings, notice: (String) -> Void) throws -> any Tokenizer {
        try settings.makeTokenizer(for: texts, nil, notice: notice).adding(.bert)
    }

    public func specification(
        of model: ModelSpecification, _ tokenizer: any Tokenizer, isNew: Bool
    ) throws -> ModelSpecification {
        guard case .encoder(var configuration) = model else {
            preconditionFailure("a masked language model is an encoder")
        }
        configuration.head = .maskedTokens
        if configuration.contextLength < 4 {
            throw TrainingError.invalid(
                SettingProblem(
                    .context, "is \(configuration.contextLength); a masked language model needs a context of 4 or more")
            )
        }
        return .encoder(configuration)
    }

    public func makeTask(
        _ model: any TrainableModel, _ tokenizer: any Tokenizer, _ settings: TrainingSettings
    ) throws -> MaskedTokenTask {
        guard let encoder = model.encoder else { preconditionFailure("a masked language model is an encoder") }
        let data = try TokenDataset(
            texts, tokenizer: tokenizer, validation: settings.validation,
            contextLength: encoder.configuration.contextLength - 2, joinsTexts: settings.joinsTexts)
        return try MaskedTokenTask(encoder, data: data, tokenizer: tokenizer, settings: settings)
    }
}
