import Layers
import Models
import Tensors

extension Graph {
    /// The computation graph of a language model, from `input_ids` (B, T) to `logits` (B, T, V).
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
        let tracer = GraphTracer(model, GraphBuilder(cache: hasCache ? .tokens : .none, knowsGELU: knowsGELU))
        let hidden = model.hidden(TokenBatch([0]), tracer.pass, cache: nil)
        self = try tracer.finish([("logits", hidden)], classifier: model.classifier)
    }

    /// The graph of an encoder, from `input_ids`, `token_type_ids` and `attention_mask` (B, T), which is 0 for padding, to the
    /// model's outputs (`Encoder.outputs`).
    package init(tracing model: Encoder, knowsGELU: Bool = false) throws {
        let tracer = GraphTracer(model, GraphBuilder(knowsGELU: knowsGELU))
        self = try tracer.finish(model.outputs(TokenBatch([0]), tracer.pass))
    }

    /// The graph of the encoder of an encoder-decoder, from `input_ids` and `attention_mask` (B, S) to `last_hidden_state`
    /// (B, S, C).
    package init(tracingEncoderOf model: EncoderDecoder) throws {
        let tracer = GraphTracer(model, GraphBuilder())
        self = try tracer.finish([("last_hidden_state", model.encode(TokenBatch([0]), tracer.pass))])
    }

    /// The graph of the decoder of an encoder-decoder, from `input_ids` (B, T), `encoder_attention_mask` (B, S), the memory and
    /// the past to `logits` (B, T, V).
    ///
    /// In the first call the memory is `encoder_hidden_states` (B, S, C), and its keys and values are outputs
    /// (`present.0.encoder.key` and so on: (B, heads, S, size)). In later calls these are inputs (`past_key_values.0.encoder.key`),
    /// as are those of earlier tokens (`past_key_values.0.decoder.key`).
    package init(tracingDecoderOf model: EncoderDecoder, isFirst: Bool) throws {
        let tracer = GraphTracer(model, GraphBuilder(cache: isFirst ? .firstOfDecoder : .nextOfDecoder))
        let C = model.configuration.width
        let encoded = Variable(Tensor([1, 1, C]), needsGradient: false)
        tracer.addInput("encoder_hidden_states", encoded, [.batch, .memory, .number(C)])
        let memories = model.memories(of: encoded, lengths: nil, tracer.pass)
        let hidden = model.decode(TokenBatch([0]), memories, tracer.pass)
        let logits = tracer.pass.apply(Linear(isTransposed: true), hidden, model.embedding, model.logitsBias)
        self = try tracer.finish([("logits", logits)])
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

    init(_ model: any TrainableModel, _ builder: GraphBuilder) {
        self.builder = builder
        for named in model.parameters { names[ObjectIdentifier(named.parameter)] = named.name }
    }

    /// A pass that is observed.
    var pass: ForwardPass { ForwardPass(.observing(self)) }

    /// Adds a variable that no op computes as an input.
    func addInput(_ name: String, _ variable: Variable, _ shape: [Dimension]) {
        remember(variable, builder.input(name, shape, .float))
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

    /// The graph with these outputs or, with a classifier, with their products with it.
    func finish(_ outputs: [(name: String, value: Variable)], classifier: Parameter? = nil) throws(GraphError) -> Graph
    {
        var named: [Graph.NamedValue] = []
        for (name, variable) in outputs {
            guard unknown == nil, var value = value(variable) else {
                throw GraphError(
                    reason: "\(unknown ?? "the model's output") is neither a parameter nor computed by an op")
            }
            if let classifier {
                guard let weight = self.value(classifier) else {
                    throw GraphError(reason: "the classifier is not a parameter")
                }
                value = builder.matmul(value, builder.transpose(weight, [1, 0]))
            }
            named.append(Graph.NamedValue(name: name, value: value))
        }
        return builder.finished(named)
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
