import Files
import Models
import Tensors

/// An estimate of the memory that training, a benchmark or generation needs, so that a run that cannot succeed is
/// rejected before it starts. The estimate is in floating point, because a mistyped shape can have more parameters than
/// an `Int` can represent.
public struct MemoryEstimate: Sendable {
    /// The number of trainable parameters.
    public let parameters: Double
    /// The memory for the weights, their gradients, the two moments of AdamW, and the activations that the forward pass
    /// saves for the backward pass.
    public let bytes: Double

    /// The memory for training with `settings`. The vocabulary size of their model must be that of the tokenizer.
    public init(_ settings: TrainingSettings) {
        let tokens = Double(settings.batch) * Double(settings.sequenceLength)
        self.init(
            settings.model, tokens: tokens, saved: settings.model.savedFloatsPerToken(hasDropout: settings.dropout > 0),
            gradients: 1 + SummationTree(count: max(1, settings.accumulate)).depth,
            optimizerShards: settings.optimizerShards)
    }

    /// The memory for training a transformer on `batch` sequences of `length` tokens, which are in memory too.
    public init(training shape: TransformerConfiguration, batch: Int, length: Int) {
        let model = ModelSpecification.transformer(shape)
        // Each token is generated, copied into a row, and used as an input and as a target.
        self.init(
            model, tokens: Double(batch) * Double(length), saved: model.savedFloatsPerToken(hasDropout: false) + 4)
    }

    /// - Parameters:
    ///   - tokens: the number of tokens of a micro-batch.
    ///   - saved: the number of floats that are saved for each token.
    ///   - gradients: the number of gradients of each parameter that are in memory at the same time.
    ///   - optimizerShards: the number of processes among which the moments are divided.
    private init(
        _ model: ModelSpecification, tokens: Double, saved: Double, gradients: Int = 1, optimizerShards: Int = 1
    ) {
        let V = Double(model.vocabularySize)
        parameters = model.parameterCount { Double($0) } ?? 0
        let moments = 2 / Double(optimizerShards)
        bytes = 4 * ((1 + moments + Double(gradients)) * parameters + tokens * saved + min(tokens * V, max(V, 0x1p24)))
    }

    /// The memory for generating one sequence with a transformer: the weights, a copy of the weights packed in
    /// `format`, the keys and values of a full context, and a few rows of logits.
    public init(generatingWith shape: TransformerConfiguration, in format: WeightFormat = .float32) {
        parameters = Double(shape.parameterCount)
        let cache = Double(ModelSpecification.transformer(shape).cacheFloatsPerToken ?? 0) * Double(shape.contextLength)
        let packed = format.packing?.bytesPerWeight ?? 0
        bytes = 4 * (parameters + cache + 4 * Double(shape.vocabularySize)) + packed * parameters
    }

    /// Whether this machine has enough memory available.
    public var isAvailable: Bool { bytes <= Self.available }

    /// Throws `TrainingError.tooLarge` if this machine does not have enough memory available.
    public func check() throws {
        if !isAvailable {
            throw TrainingError.tooLarge(needed: bytes, available: Self.available, parameters: parameters)
        }
    }

    /// The value of `Files.availableMemory`.
    package static var available: Double { Double(Files.availableMemory) }
}
