import Layers
import Tensors

/// AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019), with the semantics of
/// `torch.optim.AdamW`. The gradients are first clipped by their global norm, like in `torch.nn.utils.clip_grad_norm_`:
///
///     g = g min(1, clip / (norm + 1e-6))
///
/// Weight decay applies to matrices and embeddings, not to biases and norms. A weight that is used twice (a tied
/// embedding) is one parameter: it counts once in the norm and is updated once.
public final class AdamW {
    /// The hyperparameters, which do not change from step to step.
    public struct Settings: Sendable, Equatable {
        public var beta1: Double
        public var beta2: Double
        public var epsilon: Double
        public var weightDecay: Double
        /// The maximum norm of the gradients; 0 for no limit.
        public var clip: Double

        public init(
            beta1: Double = 0.9, beta2: Double = 0.99, epsilon: Double = 1e-8, weightDecay: Double = 0.1,
            clip: Double = 1
        ) {
            self.beta1 = beta1
            self.beta2 = beta2
            self.epsilon = epsilon
            self.weightDecay = weightDecay
            self.clip = clip
        }
    }

    public var settings: Settings
    /// The named parameters. A shared parameter is contained once.
    public let parameters: [NamedParameter]
    /// The moments m and v, in the order of `parameters`.
    package let moment1: [Tensor]
    package let moment2: [Tensor]
    /// The number of updates made so far.
    public package(set) var steps = 0

    public init(_ parameters: [NamedParameter], settings: Settings) {
        var seen = Set<ObjectIdentifier>()
        self.parameters = parameters.filter { seen.insert(ObjectIdentifier($0.parameter)).inserted }
        self.settings = settings
        moment1 = self.parameters.map { Tensor($0.parameter.value.shape) }
        moment2 = self.parameters.map { Tensor($0.parameter.value.shape) }
    }

    /// The Euclidean norm of all gradients together.
    public func gradientNorm() -> Double {
        Profile.measure("gradient norm") {
            parameters.reduce(0) { $0 + ($1.parameter.gradient?.sumOfSquares() ?? 0) }.squareRoot()
        }
    }

    /// Updates every parameter that has a gradient, and removes the gradients.
    /// - Parameters:
    ///   - learningRate: the learning rate, which is approximately the largest change of a weight.
    ///   - norm: the norm of the gradients, as computed by `gradientNorm`.
    public func update(learningRate: Double, gradientNorm norm: Double) {
        steps += 1
        let scale = settings.clip > 0 ? min(1, settings.clip / (norm + 1e-6)) : 1
        for (i, parameter) in parameters.map(\.parameter).enumerated() {
            guard let gradient = parameter.gradient else { continue }
            let update = AdamWUpdate(
                learningRate: learningRate, beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon,
                weightDecay: parameter.decays ? settings.weightDecay : 0, step: steps, gradientScale: scale)
            Profile.measure("AdamW") {
                update.apply(parameter, gradient: gradient, moment1: moment1[i], moment2: moment2[i])
            }
        }
        clearGradients()
    }

    /// Removes all gradients.
    public func clearGradients() {
        for parameter in parameters { parameter.parameter.gradient = nil }
    }
}
