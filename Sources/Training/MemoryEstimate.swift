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

    /// The memory for training with `settings`, whose model has the vocabulary size of the tokenizer.
    public init(_ settings: TrainingSettings) {
        let tokens = Double(settings.batch) * Double(settings.sequenceLength)
        self.init(
            settings.model, tokens: tokens, saved: settings.model.savedFloatsPerToken(hasDropout: settings.dropout > 0))
    }

    /// The memory for training a transformer on `batch` sequences of `length`, which are in memory themselves.
    public init(training shape: TransformerConfiguration, batch: Int, length: Int) {
        let model = ModelSpecification.transformer(shape)
        // Each token is drawn, cut into rows, and made an input and a target.
        self.init(
            model, tokens: Double(batch) * Double(length), saved: model.savedFloatsPerToken(hasDropout: false) + 4)
    }

    /// - Parameters:
    ///   - tokens: of a micro-batch.
    ///   - saved: the numbers that each of them needs.
    private init(_ model: ModelSpecification, tokens: Double, saved: Double) {
        let V = Double(model.vocabularySize)
        parameters = model.parameterCount { Double($0) } ?? 0
        bytes = 4 * (4 * parameters + tokens * saved + min(tokens * V, max(V, 0x1p24)))
    }

    /// The memory for generating one sequence with a transformer: its weights, the same weights packed in another format,
    /// the keys and values of a whole context, and a few rows of logits.
    public init(generatingWith shape: TransformerConfiguration, in format: WeightFormat = .float32) {
        parameters = Double(shape.parameterCount)
        let cache = Double(ModelSpecification.transformer(shape).cacheFloatsPerToken ?? 0) * Double(shape.contextLength)
        let packed = format.packing?.bytesPerWeight ?? 0
        bytes = 4 * (parameters + cache + 4 * Double(shape.vocabularySize)) + packed * parameters
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
