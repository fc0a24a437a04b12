import Tensors

/// The source of new weights: random numbers, or uninitialized memory for a model whose weights are read from a file.
public struct WeightInitializer: Sendable {
    private var random: Philox?

    /// Normal random numbers: the same for the same seed.
    public static func random(seed: UInt64) -> WeightInitializer { WeightInitializer(random: Philox(seed)) }

    /// Memory with undefined contents.
    package static let uninitialized = WeightInitializer(random: nil)

    private init(random: Philox?) { self.random = random }

    /// A tensor of normal random numbers with mean 0.
    package mutating func normal(_ shape: Shape, deviation: Double) -> Tensor {
        random == nil
            ? Tensor(uninitialized: shape) : .normal(shape, deviation: deviation, using: &random!)
    }
}
