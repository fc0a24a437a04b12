import Layers
import Tensors
import TestSupport
import Testing

@Suite("Layers")
struct LayerTests {
    private func normal(_ shape: Shape, _ seed: UInt64 = 1) -> Variable {
        var random = Philox(seed)
        return Variable(.normal(shape, deviation: 1, using: &random), needsGradient: true)
    }

    @Test("A prefix goes before every name")
    func names() {
        var weights = WeightInitializer.random(seed: 1)
        let layer = LinearLayer(inputs: 2, outputs: 3, deviation: 1, using: &weights)
        #expect(layer.parameters.map(\.name) == ["weight", "bias"])
        #expect(layer.prefixed(by: "a.b").map(\.name) == ["a.b.weight", "a.b.bias"])
        #expect(layer.prefixed(by: "a")[0].parameter === layer.weight)
        let norm = NormLayer(width: 4, epsilon: 1e-5)
        #expect(norm.parameters.map(\.name) == ["weight", "bias"])
    }

    @Test("A linear layer starts normal, with a bias of 0 or none")
    func linear() {
        var weights = WeightInitializer.random(seed: 1)
        let layer = LinearLayer(inputs: 100, outputs: 50, deviation: 0.1, using: &weights)
        let deviation = rootMeanSquare(layer.weight.value.values.map(Double.init))
        #expect(abs(deviation - 0.1) < 0.005)
        #expect(layer.bias?.value.values == [Float](repeating: 0, count: 50))
        let bare = LinearLayer(inputs: 2, outputs: 3, hasBias: false, deviation: 1, using: &weights)
        #expect(bare.bias == nil && bare.parameters.count == 1)
        let pass = ForwardPass(.inference)
        let x = normal([1, 2])
        let (w, y) = (bare.weight.value.values, bare(x, pass).value.values)
        for j in 0..<3 {
            let expected = x.value.values[0] * w[j] + x.value.values[1] * w[3 + j]
            #expect(abs(y[j] - expected) < 1e-6)
        }
    }

    @Test("Every parameter of a block gets a gradient")
    func block() {
        var weights = WeightInitializer.random(seed: 2)
        let block = TransformerBlock(
            BlockConfiguration(
                width: 12, heads: 3, feedForwardWidth: 20, feedForward: .gelu, deviation: 0.3, projectionDeviation: 0.3),
            using: &weights)
        let pass = ForwardPass(.recording, dropout: (0.1, 4)), x = normal([2, 5, 12])
        let y = block(x, pass)
        #expect(y.value.shape == [2, 5, 12])
        y.gradient = normal([2, 5, 12], 2).value
        pass.tape.backward()
        for named in block.parameters {
            #expect(named.parameter.gradient?.values.contains { $0 != 0 } == true, "\(named.name)")
        }
        #expect(x.gradient != nil)
    }

    @Test("A cached block gives what the whole gives")
    func cachedBlock() {
        var weights = WeightInitializer.random(seed: 3)
        let C = 12, T = 9
        let block = TransformerBlock(
            BlockConfiguration(
                width: C, heads: 3, feedForwardWidth: 20, feedForward: .relu, deviation: 0.3, projectionDeviation: 0.3),
            using: &weights)
        let x = normal([1, T, C]), pass = ForwardPass(.inference)
        let whole = block(x, pass).value.values.map(Double.init)
        let cache = LayerCache(batch: 1, capacity: T, width: C), decoding = ForwardPass(.decoding)
        var parts: [Double] = []
        for range in [0..<5, 5..<6, 6..<9] {
            let piece = Tensor([1, range.count, C], Array(x.value.values[range.lowerBound * C..<range.upperBound * C]))
            parts += block(Variable(piece, needsGradient: false), decoding, cache: cache).value.values.map(Double.init)
        }
        #expect(cache.lengths == [T])
        #expect(largestError(parts, whole) < 3e-6)
        cache.clear()
        #expect(cache.lengths == [0])
    }

    @Test("A block is its equation, with and without dropout", arguments: [Float(0), 0.4])
    func equation(rate: Float) {
        var weights = WeightInitializer.random(seed: 5)
        let block = TransformerBlock(
            BlockConfiguration(width: 12, heads: 3, deviation: 0.3, projectionDeviation: 0.3), using: &weights)
        let x = normal([2, 5, 12])
        let y = block(x, ForwardPass(.inference, dropout: (rate, 4))).value.values
        let pass = ForwardPass(.inference, dropout: (rate, 4))
        func add(_ a: Variable, _ b: Variable) -> Variable { pass.tape.apply(Add(), a, b) }
        let middle = add(x, pass.dropout(block.attention(block.attentionNorm(x, pass), pass)))
        let expected = add(middle, pass.dropout(block.feedForward(block.feedForwardNorm(middle, pass), pass)))
        #expect(largestError(y.map(Double.init), expected.value.values.map(Double.init)) < 1e-6)
    }

    @Test("Whether queries, keys and values are one layer depends on no names")
    func fusing() {
        var weights = WeightInitializer.random(seed: 5)
        func names(fused: Bool, _ names: ParameterNames) -> [String] {
            let configuration = BlockConfiguration(
                width: 4, heads: 2, fusesQueriesKeysValues: fused, biases: [], names: names, deviation: 1,
                projectionDeviation: 1)
            return AttentionBlock(configuration, using: &weights).parameters.map(\.name)
        }
        #expect(names(fused: true, .gpt2) == ["c_attn.weight", "c_proj.weight"])
        #expect(names(fused: false, .gpt2) == ["q_proj.weight", "k_proj.weight", "v_proj.weight", "c_proj.weight"])
        #expect(names(fused: true, .llama) == ["qkv_proj.weight", "o_proj.weight"])
        #expect(names(fused: false, .llama) == ["q_proj.weight", "k_proj.weight", "v_proj.weight", "o_proj.weight"])
    }

    @Test("A cache grows when more positions come than it had room for")
    func growingCache() {
        var weights = WeightInitializer.random(seed: 3)
        let C = 4, T = 1100, capacity = 100_000_000
        let block = TransformerBlock(
            BlockConfiguration(
                width: C, heads: 2, keyValueHeads: 1, feedForwardWidth: 4, fusesQueriesKeysValues: false,
                rotations: AngleTable(.rotary, width: 2, frequencies: [0.1]), deviation: 0.3,
                projectionDeviation: 0.3), using: &weights)
        let x = normal([2, T, C]), pass = ForwardPass(.inference)
        let whole = block(x, pass).value.values.map(Double.init)
        // A context that no memory holds costs nothing until it is used.
        let cache = LayerCache(batch: 2, capacity: capacity, width: 2), decoding = ForwardPass(.decoding)
        var parts: [[Double]] = [[], []]
        for range in [0..<1000, 1000..<1001, 1001..<1100] {
            let rows = (0..<2).flatMap {
                x.value.values[($0 * T + range.lowerBound) * C..<($0 * T + range.upperBound) * C]
            }
            let piece = Variable(Tensor([2, range.count, C], rows), needsGradient: false)
            let y = block(piece, decoding, cache: cache).value.values.map(Double.init)
            for b in 0..<2 { parts[b] += y[b * range.count * C..<(b + 1) * range.count * C] }
        }
        #expect(cache.lengths == [T, T] && cache.sequences.allSatisfy { $0.keys.shape[0] < capacity })
        #expect(largestError(parts[0] + parts[1], whole) < 1e-5)
    }

    @Test("Each place that drops out has a mask of its own, and each pass its own again")
    func dropout() {
        let ones = Variable(Tensor([4, 100], filledWith: 1), needsGradient: false)
        func masks(_ key: UInt64) -> [[Float]] {
            let pass = ForwardPass(.inference, dropout: (0.5, key))
            return (0..<3).map { _ in pass.dropout(ones).value.values }
        }
        let first = masks(1)
        #expect(Set(first + masks(2)).count == 6)
        #expect(masks(1) == first)
        let none = ForwardPass(.recording, dropout: (0, 1))
        #expect(none.dropout(ones) === ones)
        #expect(ForwardPass(.recording).dropout(ones) === ones)
    }

    @Test("Weights from nowhere have their shape and take no random numbers")
    func uninitialized() {
        var nowhere = WeightInitializer.uninitialized
        #expect(nowhere.normal([3, 4], deviation: 1).shape == [3, 4])
        var random = WeightInitializer.random(seed: 9), same = WeightInitializer.random(seed: 9)
        #expect(random.normal([3, 4], deviation: 1).values == same.normal([3, 4], deviation: 1).values)
        #expect(random.normal([3, 4], deviation: 1).values != WeightInitializerValues.first)
    }

    private enum WeightInitializerValues {
        static let first: [Float] = {
            var random = WeightInitializer.random(seed: 9)
            return random.normal([3, 4], deviation: 1).values
        }()
    }
}
