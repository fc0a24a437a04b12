import Models

/// What a training can learn, by the names that commands and files use.
public enum TaskKind: String, Sendable, CaseIterable {
    /// The next token of a text: `NextTokenTask`.
    case text
    /// The tokens of a text that are masked: `MaskedTokenTask`.
    case masked
    /// The labels of texts: `ClassificationTask`.
    case classify
    /// The translations of texts: `TranslationTask`.
    case translate

    /// The task that a model is made for.
    init(of model: ModelSpecification) {
        switch model {
        case .ngram, .bigram, .attention, .transformer: self = .text
        case .encoder(let configuration): self = configuration.head == .maskedTokens ? .masked : .classify
        case .encoderDecoder: self = .translate
        }
    }

    /// Whether a kind of model can learn the task.
    public func isLearned(by kind: ModelSpecification.Kind) -> Bool {
        switch self {
        case .text: ModelSpecification.Kind.languageModels.contains(kind)
        case .masked, .classify: kind == .encoder
        case .translate: kind == .encoderDecoder
        }
    }
}
