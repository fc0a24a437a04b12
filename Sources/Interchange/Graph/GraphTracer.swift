import Layers
import Models
import Tensors

extension Graph {
    /// The computation graph of a model, from `input_ids` (B, T) to `logits` (B, T, V).
    ///
    /// The model runs once, on a single token, while each op that it applies is observed; the graph consists of the references of
    /// these ops. So there is no second description of a model, which could differ from the first.
    ///
    /// - Parameters:
    ///   - model: the model. Its parameters become those of the graph.
    ///   - hasCache: whether the keys and values of earlier tokens are inputs (`past_key_values.0.key` and so on: (B, heads,
    ///     past, size)), and those of all tokens outputs (`present.0.key`).
    ///   - knowsGELU: whether GELU is a node, rather than composed of others.
    /// - Throws: if a value is neither a parameter nor computed by an op.
    package init(tracing model: any NeuralLanguageModel, hasCache: Bool = false, knowsGELU: Bool = false) throws {
        let tracer = GraphTracer(model.parameters, GraphBuilder(hasCache: hasCache, knowsGELU: knowsGELU))
        let hidden = model.hidden(TokenBatch([0]), ForwardPass(.observing(tracer)), cache: nil)
        self = try tracer.finish(hidden: hidden, classifier: model.classifier)
    }
}

/// Adds the reference of each op to a graph when the op is applied.
private final class GraphTracer: TapeObserver {
    private var builder: GraphBuilder
    private var names: [ObjectIdentifier: String] = [:]
    private var values: [ObjectIdentifier: Graph.ValueID] = [:]
    /// The variables so far, which are kept alive so that their identities stay unique.
    private var seen: [Variable] = []
    private var unknown: String?

    init(_ parameters: [NamedParameter], _ builder: GraphBuilder) {
        self.builder = builder
        for named in parameters { names[ObjectIdentifier(named.parameter)] = named.name }
    }

    func didApply<Op: Operation>(_ operation: Op, _ inputs: [Variable], _ output: Variable) {
        guard unknown == nil else { return }
        let values = inputs.compactMap(value)
        guard values.count == inputs.count else {
            unknown = "an input of \(Op.self)"
            return
        }
        remember(output, operation.reference(values, &builder))
    }

    func finish(hidden: Variable, classifier: Parameter?) throws(GraphError) -> Graph {
        guard unknown == nil, var logits = value(hidden) else {
            throw GraphError(reason: "\(unknown ?? "the model's output") is neither a parameter nor computed by an op")
        }
        if let classifier {
            guard let weight = value(classifier) else { throw GraphError(reason: "the classifier is not a parameter") }
            logits = builder.matmul(logits, builder.transpose(weight, [1, 0]))
        }
        return builder.finished(logits: logits)
    }

    private func value(_ variable: Variable) -> Graph.ValueID? {
        if let value = values[ObjectIdentifier(variable)] { return value }
        guard let parameter = variable as? Parameter, let name = names[ObjectIdentifier(parameter)] else { return nil }
        return remember(parameter, builder.parameter(name, parameter))
    }

    @discardableResult
    private func remember(_ variable: Variable, _ value: Graph.ValueID) -> Graph.ValueID {
        seen.append(variable)
        values[ObjectIdentifier(variable)] = value
        return value
    }
}

/// Why a model cannot be converted to a graph.
package struct GraphError: Error, Equatable, CustomStringConvertible {
    package let reason: String
    package var description: String { "the model cannot be converted to a graph: \(reason)" }
}
