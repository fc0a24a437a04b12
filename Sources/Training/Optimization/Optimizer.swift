import Layers
import Tensors

/// The optimizer of a training run: AdamW for all parameters, or Muon for the weights of hidden layers and AdamW for the
/// rest (embeddings, classifier, norms, biases).
///
/// AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019) has the semantics of
/// `torch.optim.AdamW`. Muon (Jordan et al., 2024) makes steps of the same length in all directions of a weight matrix;
/// both use the same learning rate and the same weight decay. The gradients are first clipped by their global norm, as
/// in `torch.nn.utils.clip_grad_norm_`:
///
///     g = g min(1, clip / (norm + 1e-6))
///
/// Weight decay applies to matrices and embeddings, not to biases and norms. A weight that is used twice (a tied
/// embedding) is one parameter: it counts once in the norm and is updated once.
public final class Optimizer {
    /// How the weights of hidden layers are updated.
    public enum Method: String, Sendable, CaseIterable {
        case adamW = "adamw"
        case muon
    }

    /// The hyperparameters, which do not change from step to step.
    public struct Settings: Sendable, Equatable {
        public var method: Method
        public var beta1: Double
        public var beta2: Double
        public var epsilon: Double
        public var weightDecay: Double
        /// The maximum norm of the gradients; 0 for no limit.
        public var clip: Double

        public init(
            method: Method = .adamW, beta1: Double = 0.9, beta2: Double = 0.99, epsilon: Double = 1e-8,
            weightDecay: Double = 0.1, clip: Double = 1
        ) {
            self.method = method
            self.beta1 = beta1
            self.beta2 = beta2
            self.epsilon = epsilon
            self.weightDecay = weightDecay
            self.clip = clip
        }

        /// The decay rate of the mean of gradients in Muon, as its authors have it.
        static let muonMomentum = 0.95
    }

    public var settings: Settings
    /// The named parameters. A shared parameter is contained once.
    public let parameters: [NamedParameter]
    /// The elements that this process updates, and has moments of.
    package private(set) var shard: OptimizerShard
    /// The mean of gradients of the elements of each parameter; nil where this process updates none.
    package private(set) var moment1: [Tensor?]
    /// The mean of squared gradients; nil also for a parameter that Muon updates.
    package private(set) var moment2: [Tensor?]
    /// The number of updates made so far.
    public package(set) var steps = 0

    /// An optimizer with moments of all parameters, which are zero.
    public convenience init(_ parameters: [NamedParameter], settings: Settings) {
        self.init(parameters, settings: settings, hasMoments: true)
    }

    /// - Parameters:
    ///   - parameters: what it updates.
    ///   - settings: the hyperparameters.
    ///   - hasMoments: false if `keepMoments` decides later for which elements there are moments.
    package init(_ parameters: [NamedParameter], settings: Settings, hasMoments: Bool) {
        var seen = Set<ObjectIdentifier>()
        self.parameters = parameters.filter { seen.insert(ObjectIdentifier($0.parameter)).inserted }
        self.settings = settings
        shard = .none(self.parameters.count)
        moment1 = Array(repeating: nil, count: self.parameters.count)
        moment2 = moment1
        if hasMoments { keepMoments(of: .whole(self.parameters.map(\.parameter.value.count))) }
    }

    /// Whether Muon updates a parameter, given by its index.
    private func usesMuon(_ index: Int) -> Bool {
        settings.method == .muon && parameters[index].parameter.isHiddenWeight
    }

    // MARK: Moments

    /// One of the moments of a parameter.
    package struct Moment: Equatable, Sendable {
        /// The index of the parameter.
        package let parameter: Int
        /// 1 for the mean of gradients, 2 for the mean of their squares.
        package let order: Int
    }

    /// The moments of all parameters, whichever process keeps them: first those of order 1, then those of order 2. A parameter
    /// that Muon updates has none of order 2.
    package var allMoments: [Moment] {
        parameters.indices.map { Moment(parameter: $0, order: 1) }
            + parameters.indices.filter { !usesMuon($0) }.map { Moment(parameter: $0, order: 2) }
    }

    /// The elements of a moment that this process keeps; nil if it keeps none.
    package func tensor(of moment: Moment) -> Tensor? {
        moment.order == 1 ? moment1[moment.parameter] : moment2[moment.parameter]
    }

    /// The moments that this process keeps.
    package var moments: [Tensor] { allMoments.compactMap { tensor(of: $0) } }

    /// The shard of each of several processes.
    package func shards(_ count: Int) -> [OptimizerShard] {
        OptimizerShard.divide(
            parameters.indices.map { (parameters[$0].parameter.value.count, usesMuon($0)) }, among: count)
    }

    /// Allocates moments of the elements of a shard. They are zero.
    package func keepMoments(of shard: OptimizerShard) {
        self.shard = shard
        for (i, elements) in shard.elements.enumerated() {
            let whole = parameters[i].parameter.value.shape
            let shape = elements.count == whole.count ? whole : [elements.count]
            moment1[i] = elements.isEmpty ? nil : Tensor(shape)
            moment2[i] = elements.isEmpty || usesMuon(i) ? nil : Tensor(shape)
        }
    }

    /// The Euclidean norm of all gradients together.
    public func gradientNorm() -> Double {
        Profile.measure("gradient norm") {
            parameters.reduce(0) { $0 + ($1.parameter.gradient?.sumOfSquares() ?? 0) }.squareRoot()
        }
    }

    /// Updates the elements in the shard of every parameter that has a gradient, and removes the gradients.
    /// - Parameters:
    ///   - learningRate: the learning rate, which is approximately the largest change of a weight.
    ///   - norm: the norm of the gradients, as computed by `gradientNorm`.
    public func update(learningRate: Double, gradientNorm norm: Double) {
        steps += 1
        let scale = settings.clip > 0 ? min(1, settings.clip / (norm + 1e-6)) : 1
        var hiddenWeights: [(parameter: Parameter, gradient: Tensor, mean: Tensor)] = []
        for (i, parameter) in parameters.map(\.parameter).enumerated() {
            guard let gradient = parameter.gradient, let moment1 = moment1[i] else { continue }
            guard let moment2 = moment2[i] else {
                hiddenWeights.append((parameter, gradient, moment1))
                continue
            }
            let update = AdamWUpdate(
                learningRate: learningRate, beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon,
                weightDecay: parameter.decays ? settings.weightDecay : 0, step: steps, gradientScale: scale)
            Profile.measure("AdamW") {
                update.apply(
                    parameter, elements: shard.elements[i], gradient: gradient, moment1: moment1, moment2: moment2)
            }
        }
        if !hiddenWeights.isEmpty {
            let update = MuonUpdate(
                learningRate: learningRate, momentum: Settings.muonMomentum, weightDecay: settings.weightDecay,
                gradientScale: scale)
            Profile.measure("Muon") { update.apply(hiddenWeights) }
        }
        clearGradients()
    }

    /// Removes all gradients.
    public func clearGradients() {
        for parameter in parameters { parameter.parameter.gradient = nil }
    }
}
