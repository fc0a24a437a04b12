import Tensors

/// A model that several tasks use one after another, on a thread of its own.
///
/// ```swift
/// let classifier = try SharedModel(TextClassifier(ModelDirectory.load("reviews")))
/// let result = try await classifier.compute { try $0.classify(["a joy to watch"])[0] }
/// ```
///
/// Models are not `Sendable`. The actor takes over the model (`sending`), so nothing else can use it.
public actor SharedModel<Model> {
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private nonisolated let executor: ThreadExecutor
    private let model: Model
    private let execution: Execution

    /// Takes over a model.
    /// - Parameters:
    ///   - model: the model, which nothing else refers to.
    ///   - execution: how everything is computed.
    /// - Throws: `InferenceError.noThread`.
    public init(_ model: sending Model, execution: Execution = .current) throws {
        executor = try ThreadExecutor()
        self.model = model
        self.execution = execution
    }

    /// Runs a closure with the model, after earlier requests.
    public func compute<Result: Sendable>(_ body: @Sendable (Model) throws -> Result) rethrows -> Result {
        try Execution.$current.withValue(execution) { try body(model) }
    }
}
