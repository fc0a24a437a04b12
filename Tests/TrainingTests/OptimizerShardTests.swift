import TestSupport
import Testing
import Training

@Suite("Optimizer shards")
struct OptimizerShardTests {
    /// The floats of moments that a shard has.
    private func floats(_ shard: OptimizerShard, _ parameters: [(count: Int, usesMuon: Bool)]) -> Int {
        zip(shard.elements, parameters).reduce(0) { $0 + $1.0.count * ($1.1.usesMuon ? 1 : 2) }
    }

    @Test("Each element belongs to one process, and a weight of Muon as a whole", arguments: 1...9)
    func partition(_ count: Int) {
        var generator = SeededGenerator(seed: UInt64(count))
        for _ in 0..<200 {
            let parameters = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                (count: Int.random(in: 1...3000, using: &generator), usesMuon: Bool.random(using: &generator))
            }
            let shards = OptimizerShard.divide(parameters, among: count)
            #expect(shards.count == count)
            for (i, parameter) in parameters.enumerated() {
                let ranges = shards.map { $0.elements[i] }.filter { !$0.isEmpty }.sorted {
                    $0.lowerBound < $1.lowerBound
                }
                #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == parameter.count)
                for (range, next) in zip(ranges, ranges.dropFirst()) {
                    #expect(range.upperBound == next.lowerBound && range.upperBound % OptimizerShard.alignment == 0)
                }
                if parameter.usesMuon { #expect(ranges.count == 1) }
            }
        }
    }

    @Test("AdamW is divided evenly, however the sizes of parameters differ", arguments: [2, 3, 4, 7, 16])
    func balance(_ count: Int) {
        // Embeddings that are a third of the whole, as in GPT-2 124M, and small ones.
        let parameters =
            [38_597_376, 786_432]
            + Array(repeating: [768, 1_769_472, 2304, 589_824, 768, 2_359_296], count: 12).joined()
        let shards = OptimizerShard.divide(parameters.map { ($0, false) }, among: count)
        let ideal = 2 * parameters.reduce(0, +) / count
        for shard in shards {
            let own = floats(shard, parameters.map { ($0, false) })
            #expect(abs(own - ideal) <= 2 * OptimizerShard.alignment * count, "\(own) of \(ideal)")
        }
    }

    @Test("Weights of Muon are balanced by the rest")
    func mixture() {
        let parameters: [(count: Int, usesMuon: Bool)] =
            [(40_000, false), (128, false)] + Array(repeating: (16_384, true), count: 5)
        let shards = OptimizerShard.divide(parameters, among: 4)
        let ideal = parameters.reduce(0) { $0 + $1.count * ($1.usesMuon ? 1 : 2) } / 4
        for shard in shards { #expect(floats(shard, parameters) <= ideal + 2 * OptimizerShard.alignment * 4) }
    }
}
