extension LanguageModel {
    /// About how many bytes each sequence takes while it is being generated, when its context is full: the keys and values
    /// of all layers, what the prompt's tokens need while they pass one layer, and a row of logits.
    public var decodingBytes: Int {
        let (layers, context, cached, width, inner) =
            switch self {
            case let model as Transformer:
                (
                    model.configuration.layers, model.configuration.contextLength, model.configuration.keyValueWidth,
                    max(model.configuration.width, model.configuration.queryWidth), model.configuration.feedForwardWidth
                )
            case let model as AttentionModel:
                (1, model.configuration.contextLength, model.configuration.width, model.configuration.width, 0)
            default: (0, 1024, 0, vocabularySize, 0)
            }
        let numbers =
            2 * Double(layers) * Double(context) * Double(cached)
            + Double(context) * (8 * Double(width) + 3 * Double(inner)) + 4 * Double(vocabularySize)
        return Int(min(4 * numbers, 1e18))
    }
}
