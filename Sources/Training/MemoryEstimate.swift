import Files
import Models
import Tensors

/// How much memory a training or a benchmark takes, so that one that cannot succeed is refused before it begins. In floating point,
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
            let transformer = shape.transformer(vocabularySize: vocabularySize)
            parameters = transformer.parameterCount { Double($0) }
            perToken = Self.kept(transformer, dropout: settings.dropout > 0)
        }
        bytes = 4 * (4 * parameters + tokens * perToken + logits)
    }

    /// The memory for training a transformer on `batch` sequences of `length`, which are in memory themselves.
    public init(training shape: TransformerConfiguration, batch: Int, length: Int) {
        let V = Double(shape.vocabularySize)
        let tokens = Double(batch) * Double(length)
        parameters = Double(shape.parameterCount)
        // Each token is drawn, cut into rows, and made an input and a target.
        let perToken = Self.kept(shape, dropout: false) + 4
        bytes = 4 * (4 * parameters + tokens * perToken + min(tokens * V, max(V, 0x1p24)))
    }

    /// The memory for generating one sequence with a transformer: its weights, the same weights packed in another format,
    /// the keys and values of a whole context, and a few rows of logits.
    public init(generatingWith shape: TransformerConfiguration, in format: WeightFormat = .float32) {
        parameters = Double(shape.parameterCount)
        let cache = 2 * Double(shape.layers) * Double(shape.contextLength) * Double(shape.keyValueWidth)
        let packed = format.packing?.bytesPerWeight ?? 0
        bytes = 4 * (parameters + cache + 4 * Double(shape.vocabularySize)) + packed * parameters
    }

    /// The numbers that a transformer keeps of each token. Of each block: two norms, q, k, v (q and k once more where they
    /// are changed on the way), the mix of the heads, the inner width before and after the activation, and two branches and
    /// sums; dropout keeps two more.
    private static func kept(_ shape: TransformerConfiguration, dropout: Bool) -> Double {
        let (C, Q, K) = (Double(shape.width), Double(shape.queryWidth), Double(shape.keyValueWidth))
        let changed = shape.positions.kind == .rotary || shape.usesQKNorm ? Q + K : 0
        let block = (dropout ? 8 : 6) * C + 2 * Q + 2 * K + changed + 2 * Double(shape.feedForwardWidth)
        return Double(shape.layers) * block + 8 * C
    }

    /// Whether this machine has that much memory.
    public var isAvailable: Bool { bytes <= Self.available }

    /// Throws where this machine has not that much memory.
    public func check() throws {
        if !isAvailable {
            throw TrainingError.tooLarge(needed: bytes, available: Self.available, parameters: parameters)
        }
    }

    /// What `Files.availableMemory` says.
    package static var available: Double { Double(Files.availableMemory) }
}
