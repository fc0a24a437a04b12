import Platform
import Tensors
import TestSupport
import Testing

@Suite struct SamplingWeightsTests {
    private func weights(_ logits: [Float], temperature: Double, minimum: Double = 0) -> SamplingWeights {
        var weights = SamplingWeights(count: logits.count)
        weights.set(
            logits, highest: SamplingWeights.highest(logits), temperature: temperature, minimum: minimum)
        return weights
    }

    @Test("Exponentials, and their sum", arguments: [1, 15, 16, 17, 1024, 1025, 5000], InstructionSet.available)
    func exponentials(count: Int, set: InstructionSet) {
        Execution.$current.withValue(Execution(instructionSet: set, threads: 1)) {
            var random = Philox(UInt64(count))
            let logits = (0..<count).map { _ in Float(random.nextNormal() * 5) }
            let highest = SamplingWeights.highest(logits)
            #expect(highest == logits.max())
            for (temperature, minimum) in [(1, 0), (0.7, 0.01), (3, 0.5)] {
                let weights = weights(logits, temperature: temperature, minimum: minimum)
                var total = 0.0
                for (logit, weight) in zip(logits, weights.values) {
                    let expected = exp((Double(logit) - Double(highest)) / temperature)
                    if abs(expected - minimum) > 1e-5 {
                        #expect(abs(Double(weight) - (expected >= minimum ? expected : 0)) < 1e-5 * expected)
                    }
                    total += Double(weight)
                }
                #expect(abs(weights.total - total) < 1e-5 * total)
            }
        }
    }

    @Test("A point falls on the token in whose part of the sum it lies", arguments: [1, 40, 1024, 3000])
    func points(count: Int) {
        var random = Philox(UInt64(count), 1)
        let logits = (0..<count).map { _ in Float(random.nextNormal() * 3) }
        let weights = weights(logits, temperature: 1)
        var before = 0.0
        for (id, weight) in weights.values.enumerated() {
            // In the middle of one that is wider than what rounding may move it by.
            if Double(weight) > 1e-4 * weights.total {
                #expect(weights.token(at: before + Double(weight) / 2) == id)
            }
            before += Double(weight)
        }
        #expect(weights.token(at: weights.total * 1.001) == nil)
    }

    @Test("What is no number weighs nothing, and what is infinite everything", arguments: InstructionSet.available)
    func infinities(set: InstructionSet) {
        Execution.$current.withValue(Execution(instructionSet: set, threads: 1)) {
            let (nan, infinity) = (Float.nan, Float.infinity)
            for temperature in [1e-300, 1, 1e300] {
                #expect(weights([nan, -infinity, 2], temperature: temperature).values == [0, 0, 1])
                #expect(weights([0, infinity, nan], temperature: temperature).values == [0, 1, 0])
            }
            #expect(weights([1, 2], temperature: 1e-300).values == [0, 1])
            #expect(weights([1, 2], temperature: 1e300).values == [1, 1])
            #expect(weights([-200, 0], temperature: 1).values == [0, 1])
            #expect(SamplingWeights.highest([nan, nan]) == -infinity && SamplingWeights.highest([]) == -infinity)
            #expect(SamplingWeights.highest([nan, -3] + Array(repeating: nan, count: 30)) == -3)
        }
    }
}
