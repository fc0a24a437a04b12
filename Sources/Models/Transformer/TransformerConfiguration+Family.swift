import Layers

extension TransformerConfiguration {
    /// A combination of options that is known by a name, which is its `model_type` in Hugging Face's transformers.
    ///
    /// A family is a row of the table `options`; its config.json and its tensors in GGUF files are described in the module
    /// Interchange.
    public enum Family: String, Sendable, CaseIterable {
        /// Learned positions, layer normalization, GELU, biases (Radford et al., 2019).
        case gpt2
        /// Rotary positions, RMS normalization, SwiGLU, grouped queries, no biases (Touvron et al., 2023, and after).
        case llama
        /// Llama with normalized queries and keys, and heads of a size of their own (Qwen, 2025).
        case qwen3

        /// What a model of the family is made of.
        var options: FamilyOptions {
            switch self {
            case .gpt2:
                FamilyOptions(
                    title: "GPT-2", normalization: .layerNorm, normEpsilon: 1e-5, positions: .learned,
                    feedForward: [.gelu, .relu], usesQKNorm: false, biases: [.all], heads: .equal)
            case .llama:
                FamilyOptions(
                    title: "Llama", normalization: .rmsNorm, normEpsilon: 1e-6, positions: .rotary(RotaryFrequencies()),
                    feedForward: [.swiglu], usesQKNorm: false,
                    biases: [[], .feedForward, [.attentionInput, .attentionOutput], .all], heads: .dividingWidth)
            case .qwen3:
                FamilyOptions(
                    title: "Qwen3", normalization: .rmsNorm, normEpsilon: 1e-6, positions: .rotary(RotaryFrequencies()),
                    feedForward: [.swiglu], usesQKNorm: true, biases: [[], [.attentionInput, .attentionOutput]],
                    heads: .anySize)
            }
        }
    }

    /// A model of a family.
    ///
    /// - Parameters:
    ///   - family: what it is made of.
    ///   - vocabularySize: V.
    ///   - contextLength: the longest sequence.
    ///   - layers: the number of blocks.
    ///   - heads: attention heads of each block.
    ///   - width: C.
    ///   - keyValueHeads: heads of keys and of values; by default as many as attention heads. GPT-2 has no others.
    ///   - headSize: by default the width divided by the heads.
    ///   - feedForwardWidth: by default the usual one.
    ///   - tiesEmbeddings: whether the classifier is the token embedding, as it is in the small models of all three.
    public init(
        _ family: Family, vocabularySize: Int, contextLength: Int, layers: Int, heads: Int, width: Int,
        keyValueHeads: Int? = nil, headSize: Int? = nil, feedForwardWidth: Int? = nil, tiesEmbeddings: Bool = true
    ) {
        let options = family.options
        self.init(
            vocabularySize: vocabularySize, contextLength: contextLength, layers: layers, heads: heads, width: width,
            keyValueHeads: keyValueHeads, headSize: headSize, feedForwardWidth: feedForwardWidth,
            normalization: options.normalization, normEpsilon: options.normEpsilon, positions: options.positions,
            feedForward: options.feedForward[0], usesQKNorm: options.usesQKNorm, biases: options.biases[0],
            tiesEmbeddings: tiesEmbeddings)
    }

    /// The family whose model this is, exactly; nil for a combination of options that has no name.
    public var family: Family? { Family.allCases.first { $0.options.include(self) } }

    /// The family that a combination of options is nearest to.
    package var closestFamily: Family { family ?? (usesQKNorm ? .qwen3 : feedForward.isGated ? .llama : .gpt2) }

    /// `model_type` of a combination of options that has no name.
    package static let customType = "transformer"
}

/// A row of the table of families. Where there are several values, the first is that of a new model.
struct FamilyOptions {
    /// The name as people write it.
    let title: String
    let normalization: Normalization
    let normEpsilon: Double
    /// A model may have other frequencies of rotary positions.
    let positions: Positions
    let feedForward: [FeedForwardKind]
    let usesQKNorm: Bool
    let biases: [Biases]
    let heads: Heads

    /// Which sizes and numbers of heads the family has.
    enum Heads {
        /// As many heads of keys and values as of queries, whose widths together are that of the model.
        case equal
        /// Any number, if the number of heads divides the width: transformers accepts no other Llama, although the size of
        /// its heads is free.
        case dividingWidth
        case anySize
    }

    /// Whether a model is one of the family.
    func include(_ c: TransformerConfiguration) -> Bool {
        let hasHeads =
            switch heads {
            case .equal: c.keyValueHeads == c.heads && c.queryWidth == c.width
            case .dividingWidth: c.heads > 0 && c.width % c.heads == 0
            case .anySize: true
            }
        return c.normalization == normalization && c.positions.kind == positions.kind
            && feedForward.contains(c.feedForward) && c.usesQKNorm == usesQKNorm && biases.contains(c.biases)
            && hasHeads
    }
}
