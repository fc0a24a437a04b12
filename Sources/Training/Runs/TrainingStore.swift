import Layers
import Models
import Tensors

/// Saves the best model and the state of a training run.
public protocol TrainingStore: AnyObject {
    /// The step of the best weights; nil if there are none, or if the step is not known.
    var bestStep: Int? { get }
    /// Saves the model, after `step` steps, as the best one so far.
    func keepBest(_ model: any TrainableModel, step: Int) throws
    /// Copies the weights of the best model so far into a model of the same shape.
    func restoreBest(into model: any TrainableModel) throws
    /// Saves everything that a resumed run needs.
    func commit<Task>(_ trainer: Trainer<Task>) throws
}

/// Keeps the best model in memory and saves nothing, for training without a directory.
public final class MemoryStore: TrainingStore {
    private var best: [Tensor] = []
    public private(set) var bestStep: Int?

    public init() {}

    public func keepBest(_ model: any TrainableModel, step: Int) {
        best = model.copyOfWeights()
        bestStep = step
    }

    public func restoreBest(into model: any TrainableModel) { model.setWeights(best) }

    public func commit<Task>(_ trainer: Trainer<Task>) {}
}

extension TrainableModel {
    /// Copies of the values of all parameters, in order.
    func copyOfWeights() -> [Tensor] { parameters.map { $0.parameter.value.copy() } }

    /// Sets the weights to those returned by `copyOfWeights`.
    func setWeights(_ weights: [Tensor]) {
        for (parameter, weight) in zip(parameters.map(\.parameter), weights) {
            parameter.value.withElements { to in
                weight.withElements { from in _ = to.update(fromContentsOf: from) }
            }
            parameter.didChange()
        }
    }
}
