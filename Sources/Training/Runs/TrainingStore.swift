import Layers
import Models
import Tensors

/// Where a training saves its best model and its state.
public protocol TrainingStore: AnyObject {
    /// The step of the weights kept as the best; nil where there are none, or it is not known.
    var bestStep: Int? { get }
    /// Saves the model, as it is after `step` steps, as the best so far.
    func keepBest(_ model: any TrainableModel, step: Int) throws
    /// Puts the weights of the best model so far into a model of the same shape.
    func restoreBest(into model: any TrainableModel) throws
    /// Saves everything a resumed run needs.
    func commit<Task>(_ trainer: Trainer<Task>) throws
}

/// Keeps the best model in memory and saves nothing: for trainings without a directory.
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
    /// The values of all parameters, in their order.
    func copyOfWeights() -> [Tensor] { parameters.map { $0.parameter.value.copy() } }

    /// Puts back what `copyOfWeights` gave.
    func setWeights(_ weights: [Tensor]) {
        for (parameter, weight) in zip(parameters.map(\.parameter), weights) {
            parameter.value.withElements { to in
                weight.withElements { from in _ = to.update(fromContentsOf: from) }
            }
            parameter.didChange()
        }
    }
}
