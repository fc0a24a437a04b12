import Interchange
import Layers
import Models
import Tensors
import TestSupport
import Testing

@Suite("Graphs")
struct GraphTests {
    private func transformer(layers: Int = 2) -> Transformer {
        Transformer(
            TransformerConfiguration(vocabularySize: 11, contextLength: 16, layers: layers, heads: 2, width: 8), seed: 1
        )
    }

    @Test("A graph has the model's own parameters, each once")
    func parameters() throws {
        let model = transformer(), graph = try Graph(tracing: model)
        #expect(graph.parameters.map(\.name).sorted() == model.parameters.map(\.name).sorted())
        for named in model.parameters {
            let traced = try #require(graph.parameters.first { $0.name == named.name })
            #expect(traced.parameter === named.parameter)
            #expect(graph[traced.value].shape == named.parameter.value.shape.dimensions.map { .number($0) })
        }
    }

    @Test("The lengths of batch and sequence keep their names")
    func shapes() throws {
        let graph = try Graph(tracing: transformer())
        #expect(graph.inputs.map(\.name) == ["input_ids"])
        #expect(graph[graph.inputs[0].value].shape == [.batch, .sequence])
        #expect(graph[graph.inputs[0].value].element == .integer)
        #expect(graph.outputs.map(\.name) == ["logits"])
        #expect(graph[graph.outputs[0].value].shape == [.batch, .sequence, .number(11)])
        #expect(graph[graph.outputs[0].value].element == .float)
        // No node was made for a single token.
        for node in graph.nodes where node.primitive != .positions {
            for value in node.outputs { #expect(graph[value].shape.contains(.sequence) || graph.isWeight(value)) }
        }
    }

    @Test("With a cache, keys and values of the past go in, and those of all tokens come out")
    func cache() throws {
        let graph = try Graph(tracing: transformer(), hasCache: true)
        let names = ["0.key", "0.value", "1.key", "1.value"]
        #expect(graph.inputs.map(\.name) == ["input_ids"] + names.map { "past_key_values.\($0)" })
        #expect(graph.outputs.map(\.name) == ["logits"] + names.map { "present.\($0)" })
        for input in graph.inputs.dropFirst() {
            #expect(graph[input.value].shape == [.batch, .number(2), .past, .number(4)])
        }
        for output in graph.outputs.dropFirst() {
            #expect(graph[output.value].shape == [.batch, .number(2), .total, .number(4)])
        }
    }

    @Test("Every input of a node comes before it")
    func order() throws {
        let graph = try Graph(tracing: transformer(), hasCache: true)
        for (number, node) in graph.nodes.enumerated() {
            for input in node.inputs {
                if case .node(let maker) = graph[input].origin { #expect(maker < number) }
            }
        }
    }

    @Test("What all layers need is computed once")
    func sharing() throws {
        var builder = GraphBuilder()
        let positions = builder.positions(.sequence, after: 0), half = builder.constant(0.5)
        let first = builder.sine(builder.multiply(positions, half))
        let second = builder.sine(builder.multiply(builder.positions(.sequence, after: 0), builder.constant(0.5)))
        #expect(first == second)
        #expect(builder.cosine(builder.multiply(positions, half)) != first)
        #expect(builder.constant([0.5], shape: [1]) != half)
        #expect(builder.multiply(positions, builder.constant(0.25)) != builder.multiply(positions, half))
        // Made: the positions, as floats, two products, a sine and a cosine.
        #expect(builder.graph.nodes.map(\.primitive) == [.positions, .toFloat, .multiply, .sine, .cosine, .multiply])
    }

    @Test("GELU is a node where the format has it")
    func gelu() throws {
        let model = transformer(layers: 3)
        #expect(try Graph(tracing: model, knowsGELU: true).nodes.count { $0.primitive == .gelu } == 3)
        #expect(try Graph(tracing: model).nodes.count { $0.primitive == .tanh } == 3)
    }

    @Test("A model that computes something off the tape is refused")
    func offTheTape() {
        #expect(throws: GraphError.self) { try Graph(tracing: Detour(inTheEnd: false)) }
        #expect(throws: GraphError.self) { try Graph(tracing: Detour(inTheEnd: true)) }
    }

    /// A bigram model whose output is halved by no op, at the end or before one.
    private final class Detour: NeuralLanguageModel {
        let bigram = BigramModel(vocabularySize: 5, seed: 1)
        let inTheEnd: Bool
        init(inTheEnd: Bool) { self.inTheEnd = inTheEnd }
        var specification: ModelSpecification? { nil }
        var vocabularySize: Int { 5 }
        var contextLength: Int? { nil }
        var classifier: Parameter? { nil }
        var parameters: [NamedParameter] { bigram.parameters }
        func makeCache() -> KVCache { bigram.makeCache() }

        func hidden(_ tokens: TokenBatch, _ pass: ForwardPass, cache: KVCache?) -> Variable {
            let x = bigram.hidden(tokens, pass, cache: cache).value
            let half = Variable(Tensor(x.shape, x.values.map { $0 / 2 }), needsGradient: false)
            return inTheEnd ? half : pass.tape.apply(Add(), half, half)
        }
    }
}

extension Graph {
    /// Whether a value follows from parameters alone.
    fileprivate func isWeight(_ value: ValueID) -> Bool {
        switch self[value].origin {
        case .parameter, .constant: true
        case .input: false
        case .node(let number): nodes[number].inputs.allSatisfy(isWeight)
        }
    }
}
