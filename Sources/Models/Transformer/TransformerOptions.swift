/// Options of a transformer that are set one by one, as on a command line; nil for those that stay.
public struct TransformerOptions: Sendable {
    public var family: TransformerConfiguration.Family?
    public var layers: Int?
    public var heads: Int?
    public var keyValueHeads: Int?
    public var width: Int?
    public var positions: Positions.Kind?

    public init() {}
}

extension TransformerConfiguration {
    /// The model with other options. What follows from an option (the sizes of heads and of the feed-forward network from the
    /// width, for example) changes with it; everything else stays.
    public func with(_ options: TransformerOptions) -> TransformerConfiguration {
        var changed = self
        let (newHeads, newWidth) = (options.heads ?? heads, options.width ?? width)
        let newKeyValueHeads = keyValueHeads == heads ? nil : keyValueHeads
        if let family = options.family, family != closestFamily {
            changed = TransformerConfiguration(
                family, vocabularySize: vocabularySize, contextLength: contextLength, layers: layers, heads: newHeads,
                width: newWidth, keyValueHeads: newKeyValueHeads, tiesEmbeddings: tiesEmbeddings)
            if positions.kind != closestFamily.options.positions.kind { changed.positions = positions }
        } else if newHeads != heads || newWidth != width {
            changed = TransformerConfiguration(
                vocabularySize: vocabularySize, contextLength: contextLength, layers: layers, heads: newHeads,
                width: newWidth, keyValueHeads: newKeyValueHeads, normalization: normalization,
                normEpsilon: normEpsilon, positions: positions, feedForward: feedForward, usesQKNorm: usesQKNorm,
                biases: biases, tiesEmbeddings: tiesEmbeddings)
        }
        if let layers = options.layers { changed.layers = layers }
        if let heads = options.keyValueHeads { changed.keyValueHeads = heads }
        if let kind = options.positions, kind != changed.positions.kind { changed.positions = Positions(kind) }
        return changed
    }
}
