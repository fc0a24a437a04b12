import Tensors

/// What is between the two ends of a feed-forward network.
public enum FeedForwardKind: String, Sendable, CaseIterable {
    /// One layer, and GELU by its tanh approximation: GPT-2's.
    case gelu
    /// One layer, and ReLU.
    case relu
    /// Two layers side by side, of which one, through x / (1 + exp(-x)), says how much of the other passes: Llama's.
    case swiglu

    /// The activation of a network of two layers; nil for a gated one, which has three.
    package var activation: Activation? {
        switch self {
        case .gelu: .gelu
        case .relu: .relu
        case .swiglu: nil
        }
    }

    /// Whether the network has a gate, and so three layers rather than two.
    public var isGated: Bool { activation == nil }
}

/// The linear layers of a block that have biases.
public struct Biases: OptionSet, Sendable, Hashable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    /// Those that make queries, keys and values.
    public static let attentionInput = Biases(rawValue: 1)
    /// That which mixes what the heads found.
    public static let attentionOutput = Biases(rawValue: 2)
    public static let feedForward = Biases(rawValue: 4)
    /// All of them, as in GPT-2.
    public static let all: Biases = [.attentionInput, .attentionOutput, .feedForward]
}

/// The two ways in which the parameters of a block are named and stored.
package enum ParameterStyle: Sendable {
    /// GPT-2's: queries, keys and values come of one weight, and weights are (inputs, outputs).
    case gpt2
    /// Llama's, and that of nearly all models since: a weight for each, (outputs, inputs).
    case llama
}

/// The shape of a block and what it is made of.
package struct BlockConfiguration: Sendable {
    package var width: Int
    package var heads: Int
    package var keyValueHeads: Int
    package var headSize: Int
    package var feedForwardWidth: Int
    package var normalization: Normalization
    package var epsilon: Double
    package var feedForward: FeedForwardKind
    package var usesQKNorm: Bool
    package var biases: Biases
    package var style: ParameterStyle
    /// What turns queries and keys, if anything does.
    package var rotation: AngleTable?
    /// The standard deviation of new weights,
    package var deviation: Double
    /// and of those that write to the residual stream.
    package var projectionDeviation: Double

    package init(
        width: Int, heads: Int, keyValueHeads: Int? = nil, headSize: Int? = nil, feedForwardWidth: Int? = nil,
        normalization: Normalization = .layerNorm, epsilon: Double = 1e-5, feedForward: FeedForwardKind = .gelu,
        usesQKNorm: Bool = false, biases: Biases = .all, style: ParameterStyle = .gpt2,
        rotation: AngleTable? = nil, deviation: Double, projectionDeviation: Double
    ) {
        self.width = width
        self.heads = heads
        self.keyValueHeads = keyValueHeads ?? heads
        self.headSize = headSize ?? width / heads
        self.feedForwardWidth = feedForwardWidth ?? 4 * width
        self.normalization = normalization
        self.epsilon = epsilon
        self.feedForward = feedForward
        self.usesQKNorm = usesQKNorm
        self.biases = biases
        self.style = style
        self.rotation = rotation
        self.deviation = deviation
        self.projectionDeviation = projectionDeviation
    }
}
