import Models
import Tensors
import Testing

@Suite("Transformer")
struct TransformerTests {
    @Test("Parameters have Hugging Face's names, in order, and their shapes")
    func names() {
        let configuration = TransformerConfiguration(
            vocabularySize: 7, contextLength: 5, layers: 2, heads: 2, width: 4, feedForwardWidth: 6)
        let model = Transformer(configuration, seed: 1)
        let block: [(String, Shape)] = [
            ("ln_1.weight", [4]), ("ln_1.bias", [4]), ("attn.c_attn.weight", [4, 12]), ("attn.c_attn.bias", [12]),
            ("attn.c_proj.weight", [4, 4]), ("attn.c_proj.bias", [4]), ("ln_2.weight", [4]), ("ln_2.bias", [4]),
            ("mlp.c_fc.weight", [4, 6]), ("mlp.c_fc.bias", [6]), ("mlp.c_proj.weight", [6, 4]),
            ("mlp.c_proj.bias", [4]),
        ]
        let expected: [(String, Shape)] =
            [("transformer.wte.weight", [7, 4]), ("transformer.wpe.weight", [5, 4])]
            + (0..<2).flatMap { layer in block.map { ("transformer.h.\(layer).\($0.0)", $0.1) } }
            + [("transformer.ln_f.weight", [4]), ("transformer.ln_f.bias", [4])]
        #expect(model.parameters.map(\.name) == expected.map(\.0))
        #expect(model.parameters.map(\.parameter.value.shape) == expected.map(\.1))
        #expect(model.classifier === model.tokenEmbedding)

        var untied = configuration
        untied.tiesEmbeddings = false
        let other = Transformer(untied, seed: 1)
        #expect(other.parameters.map(\.name) == expected.map(\.0) + ["lm_head.weight"])
        #expect(other.classifier?.value.shape == [7, 4])
        #expect(other.classifier !== other.tokenEmbedding)
    }

    @Test("A Llama's and a Qwen3's parameters have Hugging Face's names and shapes", arguments: [false, true])
    func newerNames(isQwen3: Bool) {
        let model = Transformer(
            TransformerConfiguration(
                isQwen3 ? .qwen3 : .llama, vocabularySize: 7, contextLength: 5, layers: 2, heads: 4, width: 8,
                keyValueHeads: 2, headSize: 6, feedForwardWidth: 10, tiesEmbeddings: false), seed: 1)
        #expect(model.modelType == (isQwen3 ? "qwen3" : "llama"))
        let heads: [(String, Shape)] = [("self_attn.q_norm.weight", [6]), ("self_attn.k_norm.weight", [6])]
        let attention: [(String, Shape)] = [
            ("input_layernorm.weight", [8]), ("self_attn.q_proj.weight", [24, 8]),
            ("self_attn.k_proj.weight", [12, 8]),
            ("self_attn.v_proj.weight", [12, 8]), ("self_attn.o_proj.weight", [8, 24]),
        ]
        let network: [(String, Shape)] = [
            ("post_attention_layernorm.weight", [8]), ("mlp.gate_proj.weight", [10, 8]),
            ("mlp.up_proj.weight", [10, 8]),
            ("mlp.down_proj.weight", [8, 10]),
        ]
        let block = attention + (isQwen3 ? heads : []) + network
        let expected: [(String, Shape)] =
            [("model.embed_tokens.weight", [7, 8])]
            + (0..<2).flatMap { layer in block.map { ("model.layers.\(layer).\($0.0)", $0.1) } }
            + [("model.norm.weight", [8]), ("lm_head.weight", [7, 8])]
        #expect(model.parameters.map(\.name) == expected.map(\.0))
        #expect(model.parameters.map(\.parameter.value.shape) == expected.map(\.1))
    }

    /// Qwen3-0.6B has 596,049,920 parameters, and Llama 3.2 1B 1,235,814,400.
    @Test("Published models' numbers of parameters")
    func publishedCounts() {
        let qwen = TransformerConfiguration(
            .qwen3, vocabularySize: 151_936, contextLength: 40_960, layers: 28, heads: 16, width: 1024,
            keyValueHeads: 8, headSize: 128, feedForwardWidth: 3072)
        #expect(qwen.parameterCount == 596_049_920)
        let llama = TransformerConfiguration(
            .llama, vocabularySize: 128_256, contextLength: 131_072, layers: 16, heads: 32, width: 2048,
            keyValueHeads: 8, feedForwardWidth: 8192)
        #expect(llama.parameterCount == 1_235_814_400)
        let flops = Double(6 * llama.parameterCount + 12 * 16 * 2048 * 100)
        #expect(llama.trainingFlopsPerToken(length: 100) == flops)
    }

    @Test("A combination of options has the name of the family whose it is, or none")
    func families() {
        for family in TransformerConfiguration.Family.allCases {
            var configuration = TransformerConfiguration(
                family, vocabularySize: 9, contextLength: 8, layers: 1, heads: 2, width: 12)
            #expect(configuration.family == family)
            #expect(configuration.feedForwardWidth == (family == .gpt2 ? 48 : 32))
            configuration.tiesEmbeddings.toggle()
            #expect(configuration.family == family)
            configuration.positions = .sinusoidal
            #expect(configuration.family == nil)
            #expect(Transformer(configuration, seed: 1).modelType == "transformer")
        }
        let llama = TransformerConfiguration(
            .llama, vocabularySize: 9, contextLength: 8, layers: 1, heads: 2, width: 12)
        func changed(_ change: (inout TransformerConfiguration) -> Void) -> TransformerConfiguration.Family? {
            var configuration = llama
            change(&configuration)
            return configuration.family
        }
        #expect(changed { $0.biases = .all } == .llama)
        #expect(changed { $0.biases = .attentionInput } == nil)
        #expect(changed { $0.normalization = .layerNorm } == nil)
        #expect(changed { $0.feedForward = .gelu } == nil)
        #expect(changed { $0.usesQKNorm = true } == .qwen3)
    }

    static let configurations: [TransformerConfiguration] =
        ModelCase.configurations + [
            TransformerConfiguration(vocabularySize: 1, contextLength: 1, layers: 1, heads: 1, width: 1),
            TransformerConfiguration(vocabularySize: 65, contextLength: 64, layers: 4, heads: 4, width: 128),
            TransformerConfiguration(
                vocabularySize: 257, contextLength: 33, layers: 2, heads: 5, width: 200, feedForwardWidth: 77,
                tiesEmbeddings: false),
        ]

    @Test("The number of parameters is known before they are made", arguments: configurations)
    func parameterCount(configuration: TransformerConfiguration) {
        let model = Transformer(configuration, seed: 1)
        #expect(configuration.parameterCount == model.parameterCount)
        #expect(configuration.parameterCount == model.parameters.reduce(0) { $0 + $1.parameter.value.count })
        #expect(Set(model.parameters.map(\.name)).count == model.parameters.count)
    }

    /// 124,439,808 is what GPT-2's smallest model has.
    @Test("GPT-2's number of parameters and operations")
    func gpt2() {
        var gpt2 = TransformerConfiguration(
            vocabularySize: 50257, contextLength: 1024, layers: 12, heads: 12, width: 768)
        #expect(gpt2.parameterCount == 124_439_808)
        let multiplied = 124_439_808 - 1024 * 768
        let flops = Double(6 * multiplied + 12 * 12 * 768 * 1024)
        #expect(gpt2.trainingFlopsPerToken(length: 1024) == flops)
        // Untied, the first table is only looked up: the same arithmetic.
        gpt2.tiesEmbeddings = false
        #expect(gpt2.parameterCount == 124_439_808 + 50257 * 768)
        #expect(gpt2.trainingFlopsPerToken(length: 1024) == flops)
    }

    @Test("New weights: normal with GPT-2's deviations, biases 0, norms 1, the same for the same seed")
    func initialization() {
        let configuration = TransformerConfiguration(
            vocabularySize: 300, contextLength: 100, layers: 8, heads: 4, width: 64)
        let model = Transformer(configuration, seed: 5), same = Transformer(configuration, seed: 5)
        let other = Transformer(configuration, seed: 6)
        for (i, named) in model.parameters.enumerated() {
            let values = named.parameter.value.values
            #expect(values == same.parameters[i].parameter.value.values)
            let mean = values.reduce(0, +) / Float(values.count)
            let deviation = (values.reduce(0) { $0 + $1 * $1 } / Float(values.count)).squareRoot()
            if named.parameter.value.shape.rank == 2 {
                #expect(values != other.parameters[i].parameter.value.values)
                let expected: Float = named.name.hasSuffix("c_proj.weight") ? 0.02 / 4 : 0.02
                #expect(abs(deviation / expected - 1) < 0.05, "\(named.name)")
                #expect(abs(mean) < 0.05 * expected)
                #expect(named.parameter.decays)
            } else {
                #expect(
                    values.allSatisfy { $0 == (named.name.contains("ln_") && named.name.hasSuffix("weight") ? 1 : 0) })
                #expect(!named.parameter.decays)
            }
        }
    }

    @Test("Shapes that cannot be are refused in one line")
    func problems() throws {
        func make(
            vocabulary: Int = 10, context: Int = 8, layers: Int = 1, heads: Int = 2, width: Int = 4,
            keyValueHeads: Int? = nil, headSize: Int? = nil, inner: Int? = nil, epsilon: Double = 1e-5,
            positions: Positions = .learned
        ) -> TransformerConfiguration {
            TransformerConfiguration(
                vocabularySize: vocabulary, contextLength: context, layers: layers, heads: heads, width: width,
                keyValueHeads: keyValueHeads, headSize: headSize, feedForwardWidth: inner, normEpsilon: epsilon,
                positions: positions)
        }
        #expect(make().problem == nil)
        let bad: [TransformerConfiguration] = [
            make(vocabulary: 0), make(vocabulary: -1), make(context: 0), make(layers: 0), make(layers: -1),
            make(layers: .max),
            make(heads: 0), make(heads: 3), make(width: 0), make(width: .max), make(width: .max / 4 + 1),
            make(keyValueHeads: 0), make(heads: 4, keyValueHeads: 3), make(keyValueHeads: 4), make(headSize: -1),
            make(headSize: 3, positions: .rotary(.init())), make(headSize: .max), make(heads: 1 << 20, headSize: 8),
            make(positions: .rotary(.init(base: 0))), make(positions: .rotary(.init(base: .nan))),
            make(positions: .rotary(.init(scaling: .linear(factor: 0)))),
            make(
                positions: .rotary(
                    .init(
                        scaling: .llama3(
                            factor: 8, lowFrequencyFactor: 4, highFrequencyFactor: 1, originalContext: 8)))),
            make(inner: 0), make(inner: .max), make(epsilon: 0), make(epsilon: -1), make(epsilon: .nan),
            make(epsilon: .infinity),
        ]
        for configuration in bad {
            let problem = try #require(configuration.problem)
            #expect(!problem.isEmpty && !problem.contains("\n"))
        }
        // The largest that is not refused can still be counted.
        let largest = make(
            vocabulary: 1 << 24, context: 1 << 24, layers: 1 << 12, heads: 1, width: 1 << 20, inner: 1 << 22)
        #expect(largest.problem == nil)
        #expect(largest.parameterCount > 0)
    }

    /// Other tests use the pool at the same time, so some steps may find it short; a leak would show in every one.
    @Test("After the first steps training allocates nothing")
    func allocations() {
        let model = Transformer(
            TransformerConfiguration(vocabularySize: 31, contextLength: 12, layers: 2, heads: 3, width: 24), seed: 1)
        let tokens = someTokens(batch: 4, length: 12, vocabulary: 31)
        let allocations = (0..<40).map { step -> Int in
            let before = MemoryPool.shared.allocations
            model.loss(tokens, targets: tokens.ids, gradientScale: 1, dropout: (0.1, UInt64(step)))
            for named in model.parameters { named.parameter.gradient = nil }
            return MemoryPool.shared.allocations - before
        }
        #expect(allocations.dropFirst().contains(0))
    }

    @Test("Dropout differs from pass to pass, and is absent without one")
    func dropout() {
        let model = Transformer(
            TransformerConfiguration(vocabularySize: 31, contextLength: 12, layers: 2, heads: 3, width: 24), seed: 1)
        model.roughen()
        let tokens = someTokens(batch: 2, length: 12, vocabulary: 31)
        let plain = model.loss(tokens, targets: tokens.ids)
        #expect(model.loss(tokens, targets: tokens.ids) == plain)
        #expect(model.loss(tokens, targets: tokens.ids, dropout: (0, 1)) == plain)
        let first = model.loss(tokens, targets: tokens.ids, dropout: (0.2, 1))
        #expect(first != plain)
        #expect(model.loss(tokens, targets: tokens.ids, dropout: (0.2, 1)) == first)
        #expect(model.loss(tokens, targets: tokens.ids, dropout: (0.2, 2)) != first)
    }
}

@Suite("Bigram and attention models")
struct SmallModelTests {
    @Test("A bigram's logits are the rows of its table")
    func bigram() {
        let model = BigramModel(vocabularySize: 4, seed: 1), table = model.table.value.values
        let rows = [2, 0, 2].flatMap { Array(table[$0 * 4..<$0 * 4 + 4]) }
        #expect(model.logits(TokenBatch([2, 0, 2])).values == rows)
        #expect(model.parameters.map(\.name) == ["logits.weight"])
        #expect(model.parameterCount == 16)
        #expect(model.contextLength == nil && model.classifier == nil)
    }

    @Test("A bigram converges to the counts of pairs")
    func bigramLearns() {
        // After 0 comes 1 three times in four and 2 once; the best loss is the entropy of that.
        let model = BigramModel(vocabularySize: 3, seed: 1)
        let tokens = TokenBatch(batch: 4, length: 1, ids: [0, 0, 0, 0]), targets: [Int32] = [1, 1, 2, 1]
        let rate: Float = 4
        for _ in 0..<600 {
            model.loss(tokens, targets: targets, gradientScale: 0.25)
            guard let gradient = model.table.gradient?.values else { continue }
            model.table.load(zip(model.table.value.values, gradient).map { $0 - rate * $1 })
            model.table.gradient = nil
        }
        #expect(abs(model.loss(tokens, targets: targets) / 4 - 0.5623) < 2e-3)
    }

    @Test("Names and shapes of the attention model")
    func attention() {
        let model = AttentionModel(.init(vocabularySize: 9, contextLength: 8, width: 10), seed: 1)
        let expected: [(String, Shape)] = [
            ("wte.weight", [9, 10]), ("wpe.weight", [8, 10]), ("attn.c_attn.weight", [10, 30]),
            ("attn.c_attn.bias", [30]), ("attn.c_proj.weight", [10, 10]), ("attn.c_proj.bias", [10]),
            ("lm_head.weight", [9, 10]),
        ]
        #expect(model.parameters.map(\.name) == expected.map(\.0))
        #expect(model.parameters.map(\.parameter.value.shape) == expected.map(\.1))
        #expect(model.parameterCount == expected.reduce(0) { $0 + $1.1.count })
    }
}
