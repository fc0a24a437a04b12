import Tensors
import TestSupport
import Testing

@Suite("Attention")
struct AttentionTests {
    @Test(
        "New queries over a cache see what they see in one pass", arguments: KernelShapes.cachedAttention,
        InstructionSet.available)
    func cached(shape: (B: Int, heads: Int, size: Int, cached: Int, new: Int), set: InstructionSet) {
        let (B, heads, size, cached, new) = shape
        let C = heads * size, T = cached + new
        var random = Philox(1)
        let qkv = Tensor.normal([B, T, 3 * C], deviation: 1, using: &random)
        let all = qkv.values
        var queries: [Float] = []
        let sequences = (0..<B).map { b in
            let sequence = CachedSequence(capacity: T + 3, width: C), first = b * T
            for rows in [first..<first + cached, first + cached..<first + T] {
                sequence.append(keys: qkv, from: C, values: qkv, from: 2 * C, rows: rows)
            }
            // Beyond what is filled, a cache holds anything: here what spoils every sum it enters.
            for cache in [sequence.keys, sequence.values] {
                cache.withElements { $0[(T * C)...].update(repeating: .nan) }
            }
            queries += all[(first + cached) * 3 * C..<(first + T) * 3 * C]
            return sequence
        }
        let overCache = CachedAttention(sequences, heads: heads, keyValueHeads: heads)
        onOneThread(set) {
            let whole = Attention(heads: heads, mask: .causal).forward([qkv], recording: false).output.values.map(
                Double.init)
            let last = overCache(Tensor([B, new, 3 * C], queries))
            let expected = (0..<B).flatMap { b -> ArraySlice<Double> in
                let start = (b * T + cached) * C
                return whole[start..<start + new * C]
            }
            #expect(largestError(last.values.map(Double.init), expected) < 3e-6)
        }
    }

    @Test("A sequence has the same bits beside sequences of other lengths", arguments: InstructionSet.available)
    func lengths(set: InstructionSet) {
        let heads = 4, size = 6, width = 2 * size
        var random = Philox(5)
        let sequences = [70, 1, 9, 64, 33].map { length in
            let sequence = CachedSequence(capacity: 100, width: width)
            let rows = Tensor.normal([length, 2 * width], deviation: 1, using: &random)
            sequence.append(keys: rows, from: 0, values: rows, from: width, rows: 0..<length)
            return sequence
        }
        let queries = Tensor.normal([sequences.count, 1, heads * size], deviation: 1, using: &random)
        for slopes in [nil, [0.5, 0.25, 0.125, 0.0625]] as [[Float]?] {
            onOneThread(set) {
                let together = CachedAttention(sequences, heads: heads, keyValueHeads: 2, slopes: slopes)(queries)
                    .values
                for (b, sequence) in sequences.enumerated() {
                    let columns = b * heads * size..<(b + 1) * heads * size
                    let query = Tensor([1, 1, heads * size], Array(queries.values[columns]))
                    let alone = CachedAttention([sequence], heads: heads, keyValueHeads: 2, slopes: slopes)(query)
                    #expect(alone.values.elementsEqual(together[columns]), "sequence \(b)")
                }
            }
        }
    }

    @Test("A change of a token changes nothing before it", arguments: [2, 3, 24, 25, 60], InstructionSet.available)
    func causality(length T: Int, set: InstructionSet) {
        let attention = Attention(heads: 2, mask: .causal), C = 10
        var random = Philox(2)
        let before = Tensor.normal([2, T, 3 * C], deviation: 1, using: &random)
        onOneThread(set) {
            let expected = attention.forward([before], recording: true).output.values
            for changed in Set([1, T / 2, T - 1]) {
                let after = before.copy()
                after.withElements { elements in
                    for i in 0..<3 * C { elements[changed * 3 * C + i] = 1e4 * (i % 2 == 0 ? 1 : -1) }
                }
                let output = attention.forward([after], recording: true).output.values
                #expect(output[..<(changed * C)] == expected[..<(changed * C)])
                #expect(output[(changed * C)..<(T * C)] != expected[(changed * C)..<(T * C)])
                #expect(output[(T * C)...] == expected[(T * C)...], "the other sequence")
            }
        }
    }

    @Test("No gradient flows to a token from those before it", arguments: InstructionSet.available)
    func causalGradient(set: InstructionSet) throws {
        let T = 30, C = 8, seen = 12
        var random = Philox(3)
        let x = Variable(.normal([1, T, 3 * C], deviation: 1, using: &random), needsGradient: true)
        try onOneThread(set) {
            let tape = Tape()
            let y = tape.apply(Attention(heads: 2, mask: .causal), x)
            // Only the first outputs are asked about.
            y.gradient = Tensor([1, T, C], (0..<T * C).map { $0 < seen * C ? Float($0 % 7) - 3 : 0 })
            tape.backward()
            let gradient = try #require(x.gradient).values
            #expect(gradient[(seen * 3 * C)...].allSatisfy { $0 == 0 })
            #expect(gradient[..<(seen * 3 * C)].contains { $0 != 0 })
        }
    }

    /// Scores of several thousands: softmax picks the largest and nothing overflows.
    @Test("Very large scores", arguments: [2, 40], InstructionSet.available)
    func largeScores(length T: Int, set: InstructionSet) throws {
        // Keys and queries are multiples of one direction, so each query wants the newest key; values count positions.
        let C = 4
        let rows = (0..<T).flatMap { t -> [Float] in
            [100, 0, 0, 0, Float(10 * t), 0, 0, 0, Float(t), 0, 0, 1]
        }
        let x = Variable(Tensor([1, T, 3 * C], rows), needsGradient: true)
        try onOneThread(set) {
            let tape = Tape()
            let y = tape.apply(Attention(heads: 1, mask: .causal), x)
            for t in 0..<T {
                #expect(y.value.values[t * C] == Float(t))
                #expect(y.value.values[t * C + 3] == 1)
            }
            y.gradient = Tensor([1, T, C], filledWith: 1)
            tape.backward()
            try #expect(#require(x.gradient).values.allSatisfy { $0.isFinite })
        }
    }

    @Test("By hand: two tokens, one head of size 1")
    func byHand() {
        // q, k, v of the tokens: the second has the scores 2 * 1 and 2 * 3 for values 10 and 20.
        let qkv = Tensor([1, 2, 3], [5, 1, 10, 2, 3, 20])
        let output = Attention(heads: 1, mask: .causal).forward([qkv], recording: false).output.values
        let second: Float = 10 * 0.01798621 + 20 * 0.98201379
        #expect(output[0] == 10)
        #expect(abs(output[1] - second) < 1e-5)
    }
}
