import Layers
import Tensors

/// The shape of a transformer and what it is made of.
///
/// Each option can be had by itself. The combinations that are known by a name are a `Family`: a model of one of these is
/// Hugging Face's model of that name, in its arithmetic, its parameters and on disk.
public struct TransformerConfiguration: Sendable, Hashable {
    /// V, the number of token ids.
    public var vocabularySize: Int
    /// The longest sequence. With learned positions, their number.
    public var contextLength: Int
    /// The number of blocks.
    public var layers: Int
    /// Attention heads of each block: those of the queries.
    public var heads: Int
    /// Heads of keys and of values, each of which serves as many queries' heads; they divide the heads.
    public var keyValueHeads: Int
    /// The length of a head's queries and keys. In GPT-2 the width divided by the heads.
    public var headSize: Int
    /// C, the length of the vectors of the residual stream.
    public var width: Int
    /// The width within the feed-forward block.
    public var feedForwardWidth: Int
    public var normalization: Normalization
    /// Added to the variance, or to the mean square, in norms.
    public var normEpsilon: Double
    public var positions: Positions
    public var feedForward: FeedForwardKind
    /// Whether the queries and keys of each head are normalised, with learned scales, before they are turned and compared.
    public var usesQKNorm: Bool
    public var biases: Biases
    /// Whether the classifier is the token embedding itself.
    public var tiesEmbeddings: Bool

    /// Without options, GPT-2's.
    ///
    /// - Parameters:
    ///   - vocabularySize: V.
    ///   - contextLength: the longest sequence.
    ///   - layers: the number of blocks.
    ///   - heads: attention heads of each block.
    ///   - width: C.
    ///   - keyValueHeads: heads of keys and of values; as many as the others, if not given.
    ///   - headSize: the width divided by the heads, if not given.
    ///   - feedForwardWidth: four times the width, if not given; with a gate, which makes a third matrix, 8/3 of it, for as many
    ///     parameters, rounded up to a multiple of 32: whole vectors of every instruction set, and whole blocks of the
    ///     8-bit formats.
    ///   - normalization: how vectors are normalised.
    ///   - normEpsilon: added to the variance, or to the mean square.
    ///   - positions: how the model knows where a token stands.
    ///   - feedForward: the feed-forward network.
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
        // 0 where there is none, which `problem` refuses.
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

    /// The width of all heads of queries together,
    public var queryWidth: Int { heads * headSize }
    /// and of all heads of keys, which is that of the values.
    public var keyValueWidth: Int { keyValueHeads * headSize }

    /// What is wrong with the shape, in one line, if anything is.
    public var problem: String? {
        // The limits keep every product of them within 64 bits.
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
            return frequencies.problem
        }
        return nil
    }

    /// How many parameters a model of this shape has, known before any memory is taken.
    public var parameterCount: Int { parameterCount(in: { $0 }) }

    /// The same as a number that shapes of any size can be counted in.
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

    /// Floating-point operations of training on one token with sequences of `length`: 6 for each parameter that
    /// multiplies (all but learned positions, and the token embedding unless it is the classifier too), and 12 L C T for
    /// attention (Kaplan et al., 2020, counting all of the scores), C being that of the queries.
    public func trainingFlopsPerToken(length: Int) -> Double {
        let lookedUp =
            (tiesEmbeddings ? 0 : vocabularySize * width) + (positions == .learned ? contextLength * width : 0)
        return 6 * Double(parameterCount - lookedUp) + 12 * Double(layers * queryWidth * length)
    }
}

extension FeedForwardKind {
    /// The usual width within, see `TransformerConfiguration.init`. Wraps for a width that `problem` refuses, rather than
    /// trap before it can.
    fileprivate func feedForwardWidth(_ width: Int) -> Int {
        isGated ? ((8 &* width &+ 2) / 3 &+ 31) / 32 &* 32 : 4 &* width
    }
}
