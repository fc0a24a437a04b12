import Tensors

/// The kinds of feed-forward network in a transformer block.
public enum FeedForwardKind: String, Sendable, CaseIterable {
    /// Two linear layers with GELU (its tanh approximation) between them: GPT-2's.
    case gelu
    /// Two linear layers with exact GELU between them: BERT's.
    case exactGELU = "exact_gelu"
    /// Two linear layers with ReLU between them.
    case relu
    /// Two linear layers with SiLU between them.
    case silu
    /// Three linear layers: a gate, passed through SiLU, multiplies the output of a second layer, and a third follows:
    /// Llama's.
    case swiglu

    /// The activation between the layers; of a gated network that of the gate.
    package var activation: Activation {
        switch self {
        case .gelu: .gelu
        case .exactGELU: .exactGELU
        case .relu: .relu
        case .silu, .swiglu: .silu
        }
    }

    /// Whether the network has a gate, and so three layers rather than two.
    public var isGated: Bool {
        switch self {
        case .gelu, .exactGELU, .relu, .silu: false
        case .swiglu: true
        }
    }
}
