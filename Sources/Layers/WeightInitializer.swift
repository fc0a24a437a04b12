import Tensors

/// Where new weights come from: random numbers, or nowhere, for a model whose weights are about to be read from a file.
public struct WeightInitializer: Sendable {
    private var random: Philox?

    /// Normal random numbers, the same for the same seed.
    public static func random(seed: UInt64) -> WeightInitializer { WeightInitializer(random: Philox(seed)) }

    /// Memory that holds nothing yet.
    package static let uninitialized = WeightInitializer(random: nil)

    private init(random: Philox?) { self.random = random }

    /// A matrix of normal numbers with mean 0.
    package mutating func normal(_ shape: Shape, deviation: Double) -> Tensor {
        random == nil
            ? Tensor(uninitialized: shape) : .normal(shape, deviation: deviation, using: &random!)
    }
}
