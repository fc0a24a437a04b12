import Layers
import Tensors

/// The shape of a transformer and its options.
///
/// Options can be combined freely. A combination with a name is a `Family`: its models are Hugging Face's models of
/// that name, in their arithmetic, their parameters and on disk.
public struct TransformerConfiguration: Sendable, Hashable {
    /// V, the number of token ids.
    public var vocabularySize: Int
    /// The longest sequence; with learned positions, the number of these.
    public var contextLength: Int
    /// The number of blocks.
    public var layers: Int
    /// The number of attention heads of the queries of each block.
    public var heads: Int
    /// The number of heads of the keys, and of the values: a divisor of `heads`. Each serves a group of query heads.
    public var keyValueHeads: Int
    /// The length of a head's queries, keys and values; in GPT-2, width / heads.
    public var headSize: Int
    /// C, the length of the vectors of the residual stream.
    public var width: Int
    /// F, the width of the hidden layer of the feed-forward network.
    public var feedForwardWidth: Int
    public var normalization: Normalization
    /// Added to the variance, or to the mean square, in norms.
    public var normEpsilon: Double
    public var positions: Positions
    public var feedForward: FeedForwardKind
    /// Whether the queries and keys of each head are normalised, with learned scales, before they are rotated.
    public var usesQKNorm: Bool
    public var biases: Biases
    /// Whether the classifier is the token embedding itself.
    public var tiesEmbeddings: Bool

    /// The defaults are the options of GPT-2.
    ///
    /// - Parameters:
    ///   - vocabularySize: V.
    ///   - contextLength: the longest sequence.
    ///   - layers: the number of blocks.
    ///   - heads: the number of attention heads of the queries.
    ///   - width: C.
    ///   - keyValueHeads: the number of heads of keys and of values; by default `heads`.
    ///   - headSize: by default width / heads.
    ///   - feedForwardWidth: F; by default four times the width, or with a gate, which adds a third matrix, 8/3 of the
    ///     width for the same number of parameters, rounded up to a multiple of 32: whole vectors of every instruction
    ///     set, and whole blocks of the 8-bit formats.
    ///   - normalization: how vectors are normalised.
    ///   - normEpsilon: added to the variance, or to the mean square.
    ///   - positions: how the positions of tokens are represented.
    ///   - feedForward: the kind of feed-forward network.
    ///   - usesQKNorm: whether queries and keys are normalised.
    ///   - biases: the layers that have biases.
    ///   - tiesEmbeddings: whether the classifier is the token embedding.
    public init(
        vocabularySize: Int, contextLength: Int, layers: Int, heads: Int, width: Int, keyValueHeads: Int? = nil,
        headSize: Int? = nil, feedForwardWidth: Int? = nil, normalization: Normalization = .layerNorm,
        normEpsilon: Double = 1e-5, positions: Positions = .learned, feedForward: FeedForwardKind = .gelu,
        usesQKNorm: Bool = false, biases: Biases = .all, tiesEmbeddings: Bool = true
    ) {
        self.vocabularySize = vocabularySize
        self.contextLength = contextLength
        self.layers = layers
        self.heads = heads
        self.keyValueHeads = keyValueHeads ?? heads
        // 0 if the width is not divisible, which `problem` reports.
        self.headSize = headSize ?? (heads > 0 && width % heads == 0 ? width / heads : 0)
        self.width = width
        self.feedForwardWidth = feedForwardWidth ?? feedForward.feedForwardWidth(width)
        self.normalization = normalization
        self.normEpsilon = normEpsilon
        self.positions = positions
        self.feedForward = feedForward
        self.usesQKNorm = usesQKNorm
        self.biases = biases
        self.tiesEmbeddings = tiesEmbeddings
    }

    /// The total width of all heads of queries.
    public var queryWidth: Int { heads * headSize }
    /// The total width of all heads of keys, which is also that of the values.
    public var keyValueWidth: Int { keyValueHeads * headSize }

    /// An error message of one line, if the shape is invalid.
    public var problem: String? {
        // With these limits every product of them fits in 64 bits.
        for (name, value, limit) in [
            ("vocabulary", vocabularySize, 1 << 24), ("context", contextLength, 1 << 24), ("width", width, 1 << 20),
            ("number of heads", heads, 1 << 20), ("number of key and value heads", keyValueHeads, 1 << 20),
            ("feed-forward width", feedForwardWidth, 1 << 22), ("number of layers", layers, 4096),
        ] where value < 1 || value > limit {
            return "the \(name) is \(value), which is not between 1 and \(limit)"
        }
        if headSize == 0 { return "the width \(width) is not a multiple of the number of heads \(heads)" }
        if headSize < 0 || headSize > 1 << 20 || queryWidth > 1 << 22 {
            return "the total width of \(heads) heads of size \(headSize) is not between 1 and \(1 << 22)"
        }
        if heads % keyValueHeads != 0 {
            return
                "the number of heads \(heads) is not a multiple of the number of key and value heads \(keyValueHeads)"
        }
        guard normEpsilon > 0, normEpsilon < 1 else {
            return "the epsilon of the norms is \(normEpsilon), not between 0 and 1"
        }
        if case .rotary(let frequencies) = positions {
            if headSize % 2 != 0 { return "rotary positions need an even head size; it is \(headSize)" }
            return frequencies.problem(headSize: headSize)
        }
        return nil
    }

    /// The number of parameters of a model of this shape, computed without allocating it.
    public var parameterCount: Int { parameterCount(in: { $0 }) }

    /// The same in another number type, for shapes too large for an Int.
    package func parameterCount<Number: Numeric>(in number: (Int) -> Number) -> Number {
        let (C, F, Q, K) = (number(width), number(feedForwardWidth), number(queryWidth), number(keyValueWidth))
        let norm = number(normalization == .layerNorm ? 2 : 1) * C
        let heads = usesQKNorm ? number(2 * headSize) : 0
        func biased(_ part: Biases, _ outputs: Number) -> Number { biases.contains(part) ? outputs : 0 }
        let attention =
            C * (Q + K + K) + biased(.attentionInput, Q + K + K) + Q * C + biased(.attentionOutput, C) + heads
        let widening = number(feedForward.isGated ? 2 : 1) * F
        let network = C * widening + F * C + biased(.feedForward, widening + C)
        let tables = number((tiesEmbeddings ? 1 : 2) * vocabularySize) * C
        let places = positions == .learned ? number(contextLength) * C : 0
        return tables + places + number(layers) * (attention + network + norm + norm) + norm
    }

    /// Floating-point operations of training on one token in sequences of `length` T: 6 for each parameter in a matrix
    /// product (all but learned positions, and the token embedding unless it is also the classifier), and 12 L C T for
    /// attention (Kaplan et al., 2020, counting all scores), where L is the number of layers and C the width of the
    /// queries.
    public func trainingFlopsPerToken(length: Int) -> Double {
        let lookedUp =
            (tiesEmbeddings ? 0 : vocabularySize * width) + (positions == .learned ? contextLength * width : 0)
        return 6 * Double(parameterCount - lookedUp) + 12 * Double(layers * queryWidth * length)
    }
}

extension FeedForwardKind {
    /// The default hidden width, see `TransformerConfiguration.init`. It wraps around for a width that is too large,
    /// which `problem` then reports, instead of a trap here.
    fileprivate func feedForwardWidth(_ width: Int) -> Int {
        isGated ? ((8 &* width &+ 2) / 3 &+ 31) / 32 &* 32 : 4 &* width
    }
}
