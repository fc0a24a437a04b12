/// The linear layers of a transformer block that have biases.
public struct Biases: OptionSet, Sendable, Hashable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    /// The layers that compute queries, keys and values.
    public static let attentionInput = Biases(rawValue: 1)
    /// The output projection of attention.
    public static let attentionOutput = Biases(rawValue: 2)
    /// All layers of the feed-forward network.
    public static let feedForward = Biases(rawValue: 4)
    /// All of them, as in GPT-2.
    public static let all: Biases = [.attentionInput, .attentionOutput, .feedForward]
}
