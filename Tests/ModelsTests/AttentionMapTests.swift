import Layers
import Models
import Tensors
import TestSupport
import Testing

@Suite struct AttentionMapTests {
    private static let tokens: [Int32] = [3, 1, 4, 1, 5, 9, 2]

    private func expectProbabilities(_ map: AttentionMap, isCausal: Bool) {
        for head in 0..<map.heads {
            for query in 0..<map.queries {
                let row = (0..<map.keys).map { map[head, query, $0] }
                #expect(abs(row.reduce(0, +) - 1) < 1e-12 && row.allSatisfy { $0 >= 0 })
                #expect(!isCausal || row[(query + 1)...].allSatisfy { $0 == 0 })
                #expect(isCausal || row.allSatisfy { $0 > 0 })
            }
        }
    }

    @Test(
        "A language model attends to what is before", arguments: [TransformerConfiguration.Family.gpt2, .llama, .qwen3])
    func causal(_ family: TransformerConfiguration.Family) throws {
        var specification = ModelSpecification.gpt(family, layers: 2, heads: 4, width: 16, context: 8)
        specification.vocabularySize = 11
        let model = try #require(specification.makeNeuralModel(seed: 3) as? Transformer)
        let maps = model.attentionMaps(Self.tokens)
        #expect(maps.count == 2 && maps.allSatisfy { $0.heads == 4 && $0.queries == 7 && $0.keys == 7 })
        for map in maps { expectProbabilities(map, isCausal: true) }
        // Those of the first tokens do not change with what follows.
        let fewer = model.attentionMaps(Array(Self.tokens.prefix(3)))
        #expect(abs(fewer[1][2, 2, 1] - maps[1][2, 2, 1]) < 1e-6)
        // With equal scores all that is before has the same probability.
        for block in model.blocks {
            for layer in block.attention.queryKeyValue { layer.weight.value.withElements { $0.update(repeating: 0) } }
        }
        let even = model.attentionMaps(Self.tokens)[0]
        for query in 0..<7 { #expect(abs(even[1, query, 0] - 1 / Double(query + 1)) < 1e-12) }
    }

    @Test("An encoder attends to everything, and a decoder to its source")
    func encoders() {
        let encoder = Encoder(
            EncoderConfiguration(
                vocabularySize: 11, contextLength: 8, layers: 2, heads: 2, width: 16, feedForwardWidth: 32,
                head: .maskedTokens), seed: 3)
        let maps = encoder.attentionMaps(Self.tokens, types: [0, 0, 0, 0, 1, 1, 1])
        #expect(maps.count == 2)
        for map in maps { expectProbabilities(map, isCausal: false) }

        let translator = EncoderDecoder(
            EncoderDecoderConfiguration(
                vocabularySize: 11, contextLength: 8, width: 16,
                encoder: .init(layers: 1, heads: 2, feedForwardWidth: 32),
                decoder: .init(layers: 2, heads: 4, feedForwardWidth: 32)), seed: 3)
        let all = translator.attentionMaps(Self.tokens, target: [0, 3, 4])
        #expect(all.encoder.count == 1 && all.decoder.count == 2 && all.cross.count == 2)
        for map in all.encoder { expectProbabilities(map, isCausal: false) }
        for map in all.decoder { expectProbabilities(map, isCausal: true) }
        for map in all.cross {
            expectProbabilities(map, isCausal: false)
            #expect(map.heads == 4 && map.queries == 3 && map.keys == 7)
        }
    }
}
