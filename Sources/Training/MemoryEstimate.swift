import Files

/// How much memory a training takes, so that one that cannot succeed is refused before it begins. In floating point,
/// because the shapes people ask for by mistake have more parameters than an Int can count.
public struct MemoryEstimate: Sendable {
    /// Numbers that training sets.
    public let parameters: Double
    /// Of weights, their gradients and two moments, and of what the forward pass keeps for the backward pass.
    public let bytes: Double

    /// The memory for training with `settings` on a vocabulary of `vocabularySize`.
    public init(_ settings: TrainingSettings, vocabularySize: Int) {
        let shape = settings.shape
        let (V, C, T) = (Double(vocabularySize), Double(shape.width), Double(shape.context))
        let tokens = Double(settings.batch) * T
        let logits = min(tokens * V, max(V, 0x1p24))
        let perToken: Double
        switch shape.kind {
        case .ngram: (parameters, perToken) = (0, 0)
        case .bigram: (parameters, perToken) = (V * V, 3 * V)
        case .attention:
            parameters = 2 * V * C + T * C + 4 * C * C + 4 * C
            perToken = 10 * C
        case .gpt:
            let layers = Double(shape.layers)
            parameters = (V + T) * C + layers * (12 * C * C + 13 * C) + 2 * C
            // Of each block: two norms, q, k, v, the mix of the heads, four times C before and after the activation, and
            // two branches and sums; dropout keeps two more.
            perToken = layers * (settings.dropout > 0 ? 20 : 18) * C + 8 * C
        }
        bytes = 4 * (4 * parameters + tokens * perToken + logits)
    }

    /// Throws where this machine has not that much memory.
    public func check() throws {
        if bytes > Self.available {
            throw TrainingError.tooLarge(needed: bytes, available: Self.available, parameters: parameters)
        }
    }

    /// What `Files.availableMemory` says.
    static var available: Double { Double(Files.availableMemory) }
}
