import Layers
import Models
import Synchronization
import Tensors

extension SavedModel {
    /// Throws if a weight is not a finite number, as after a training that diverged: all results of such a model are useless.
    package func requireFiniteWeights() throws {
        if let error = ModelError(weightsOf: model, path: path) { throw error }
    }
}

extension ModelError {
    private static let advice = "train it again with a lower learning rate, or restore it from a copy"

    /// Why a model computes results that are not finite numbers.
    package init(numbersOf model: any Model, path: String) {
        self =
            ModelError(weightsOf: model, path: path)
            ?? ModelError(
                path: path,
                reason: "its weights are so large that its results are not finite numbers; \(Self.advice)")
    }

    /// Which weights of a model are not finite numbers; nil if all are finite.
    package init?(weightsOf model: any Model, path: String) {
        guard let model = model.trainable else { return nil }
        let parameters = model.parameters, tensors = parameters.map(\.parameter.value)
        let counts = Mutex([Int](repeating: 0, count: tensors.count))
        Execution.current.forEach(below: tensors.count) { number in
            let count = tensors[number].withElements { elements in
                elements.allSatisfy(\.isFinite) ? 0 : elements.count(where: { !$0.isFinite })
            }
            if count > 0 { counts.withLock { $0[number] = count } }
        }
        let found = counts.withLock { $0 }
        guard let number = found.firstIndex(where: { $0 > 0 }) else { return nil }
        self.init(
            path: path,
            reason: "its weights are not finite numbers (\(found[number]) of the \(tensors[number].count) in "
                + "\(parameters[number].name) are infinite or NaN); \(Self.advice)")
    }
}
