import Tensors

/// The shape of a transformer block and its options. The defaults are GPT-2's.
package struct BlockConfiguration: Sendable {
    /// C, the width of the residual stream.
    package var width: Int
    /// The number of attention heads of the queries.
    package var heads: Int
    /// The number of heads of the keys, and of the values.
    package var keyValueHeads: Int
    package var headSize: Int
    package var feedForwardWidth: Int
    package var normalization: Normalization
    /// Added to the variance, or to the mean square, in norms.
    package var epsilon: Double
    package var feedForward: FeedForwardKind
    /// Whether the queries and keys of each head are normalised.
    package var usesQKNorm: Bool
    /// Whether one linear layer computes queries, keys and values. They can then be neither normalised nor rotated.
    package var fusesQueriesKeysValues: Bool
    /// Whether the weights of attention are stored (outputs, inputs).
    package var attentionIsTransposed: Bool
    /// Whether the weights of the feed-forward network are stored (outputs, inputs), as they always are if it has a gate.
    package var feedForwardIsTransposed: Bool
    /// Which positions a position attends to.
    package var mask: AttentionMask
    package var biases: Biases
    package var names: ParameterNames
    /// The angles by which queries and keys are rotated, with rotary positions.
    package var rotations: AngleTable?
    /// The slope of each head, with linear biases for positions.
    package var slopes: [Float]?
    /// The standard deviation of new weights.
    package var deviation: Double
    /// The standard deviation of new weights of the layers that write to the residual stream.
    package var projectionDeviation: Double

    package init(
        width: Int, heads: Int, keyValueHeads: Int? = nil, headSize: Int? = nil, feedForwardWidth: Int? = nil,
        normalization: Normalization = .layerNorm, epsilon: Double = 1e-5, feedForward: FeedForwardKind = .gelu,
        usesQKNorm: Bool = false, fusesQueriesKeysValues: Bool = true, attentionIsTransposed: Bool = false,
        feedForwardIsTransposed: Bool = false, mask: AttentionMask = .causal,
        biases: Biases = .all, names: ParameterNames = .gpt2, rotations: AngleTable? = nil, slopes: [Float]? = nil,
        deviation: Double, projectionDeviation: Double
    ) {
        precondition(
            !fusesQueriesKeysValues || rotations == nil && !usesQKNorm,
            "queries and keys that one layer computes cannot be normalised or rotated")
        self.width = width
        self.heads = heads
        self.keyValueHeads = keyValueHeads ?? heads
        self.headSize = headSize ?? width / heads
        self.feedForwardWidth = feedForwardWidth ?? 4 * width
        self.normalization = normalization
        self.epsilon = epsilon
        self.feedForward = feedForward
        self.usesQKNorm = usesQKNorm
        self.fusesQueriesKeysValues = fusesQueriesKeysValues
        self.attentionIsTransposed = attentionIsTransposed
        self.feedForwardIsTransposed = feedForwardIsTransposed || feedForward.isGated
        self.mask = mask
        self.biases = biases
        self.names = names
        self.rotations = rotations
        self.slopes = slopes
        self.deviation = deviation
        self.projectionDeviation = projectionDeviation
    }
}
