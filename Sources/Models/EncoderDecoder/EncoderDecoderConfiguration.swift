import Layers

/// The shape of an encoder-decoder: an encoder reads a source, and a decoder that attends to the encoder's output predicts
/// the tokens of a target.
///
/// The arithmetic, the parameters and the form on disk are those of Marian (Junczys-Dowmunt et al., 2018) in Hugging Face's
/// transformers, which is the model of "Attention is all you need" (Vaswani et al., 2017).
public struct EncoderDecoderConfiguration: Sendable, Hashable {
    /// The sizes of the blocks of one side.
    public struct Side: Sendable, Hashable {
        /// The number of blocks.
        public var layers: Int
        /// The number of attention heads of each block.
        public var heads: Int
        /// F, the width of the hidden layer of the feed-forward network.
        public var feedForwardWidth: Int

        public init(layers: Int, heads: Int, feedForwardWidth: Int) {
            self.layers = layers
            self.heads = heads
            self.feedForwardWidth = feedForwardWidth
        }
    }

    /// V, the number of token ids, which sources and targets share.
    public var vocabularySize: Int
    /// The longest source, and the longest target.
    public var contextLength: Int
    /// C, the length of the hidden vectors.
    public var width: Int
    public var encoder: Side
    public var decoder: Side
    public var feedForward: FeedForwardKind
    /// Whether the embeddings of tokens are multiplied by sqrt(C).
    public var scalesEmbeddings: Bool
    /// The token before the first token of a target, `decoder_start_token_id`.
    public var startToken: Int32
    /// The token after the last token of a target.
    public var endToken: Int32
    /// The token that fills up batches in other programs. What reads its embedding does not train it.
    public var paddingToken: Int32?

    /// Added to the variance in norms.
    package static let normEpsilon = 1e-5

    /// - Parameters:
    ///   - vocabularySize: V.
    ///   - contextLength: the longest source, and the longest target.
    ///   - width: C.
    ///   - encoder: the blocks of the encoder.
    ///   - decoder: the blocks of the decoder.
    ///   - feedForward: the kind of feed-forward network, one without a gate.
    ///   - scalesEmbeddings: whether embeddings are multiplied by sqrt(C).
    ///   - startToken: the token before the first token of a target.
    ///   - endToken: the token after the last token of a target.
    ///   - paddingToken: the token that fills up batches in other programs.
    public init(
        vocabularySize: Int = ModelSpecification.unknownVocabularySize, contextLength: Int, width: Int, encoder: Side,
        decoder: Side, feedForward: FeedForwardKind = .relu, scalesEmbeddings: Bool = true, startToken: Int32 = 0,
        endToken: Int32 = 0, paddingToken: Int32? = nil
    ) {
        self.paddingToken = paddingToken
        self.vocabularySize = vocabularySize
        self.contextLength = contextLength
        self.width = width
        self.encoder = encoder
        self.decoder = decoder
        self.feedForward = feedForward
        self.scalesEmbeddings = scalesEmbeddings
        self.startToken = startToken
        self.endToken = endToken
    }

    /// The model with other sizes, on both sides. The widths of the feed-forward networks change with that of the model.
    public func with(_ options: TransformerOptions) -> EncoderDecoderConfiguration {
        var changed = self
        if let layers = options.layers { (changed.encoder.layers, changed.decoder.layers) = (layers, layers) }
        if let heads = options.heads { (changed.encoder.heads, changed.decoder.heads) = (heads, heads) }
        if let width = options.width {
            changed.width = width
            (changed.encoder.feedForwardWidth, changed.decoder.feedForwardWidth) = (4 &* width, 4 &* width)
        }
        return changed
    }

    /// An error message of one line, if the shape is invalid.
    public var problem: String? {
        for (name, value, limit) in [
            ("vocabulary", vocabularySize, 1 << 24), ("context", contextLength, 1 << 24), ("width", width, 1 << 20),
            ("number of encoder layers", encoder.layers, 4096), ("number of decoder layers", decoder.layers, 4096),
            ("number of encoder heads", encoder.heads, 1 << 20), ("number of decoder heads", decoder.heads, 1 << 20),
            ("feed-forward width of the encoder", encoder.feedForwardWidth, 1 << 22),
            ("feed-forward width of the decoder", decoder.feedForwardWidth, 1 << 22),
        ] where value < 1 || value > limit {
            return "the \(name) is \(value), which is not between 1 and \(limit)"
        }
        for heads in [encoder.heads, decoder.heads] where width % heads != 0 {
            return "the width \(width) is not a multiple of the number of heads \(heads)"
        }
        if feedForward.isGated { return "the feed-forward network of an encoder-decoder has no gate" }
        for token in [startToken, endToken] where token < 0 || token >= vocabularySize {
            return "the token \(token) that begins or ends a target is not in the vocabulary of \(vocabularySize)"
        }
        return nil
    }

    /// The number of parameters of a model of this shape, in a number type that can be a `Double` for shapes too large for
    /// an `Int`.
    package func parameterCount<Number: Numeric>(in number: (Int) -> Number) -> Number {
        let (V, C) = (number(vocabularySize), number(width))
        let attention = number(4) * (C * C + C), norm = number(2) * C
        func network(_ side: Side) -> Number {
            let F = number(side.feedForwardWidth)
            return number(2) * C * F + F + C
        }
        let encoderBlock = attention + network(encoder) + norm + norm
        let decoderBlock = attention + attention + network(decoder) + norm + norm + norm
        return V * C + V + number(encoder.layers) * encoderBlock + number(decoder.layers) * decoderBlock
    }
}
