import Platform
import Tensors
import TestSupport
import Testing

@Suite("Cross-entropy")
struct CrossEntropyTests {
    /// The loss and its gradient with respect to the logits, in double.
    private func softmaxLoss(_ logits: [Float], _ target: Int) -> (loss: Double, gradient: [Double]) {
        let logits = logits.map(Double.init), highest = logits.max() ?? 0
        let exponentials = logits.map { exp($0 - highest) }
        let total = exponentials.reduce(0, +)
        let gradient = exponentials.enumerated().map { $1 / total - ($0 == target ? 1 : 0) }
        return (log(total) + highest - logits[target], gradient)
    }

    @Test("Equal logits cost log V", arguments: [1, 2, 3, 65, 91, 181, 257, 5000], InstructionSet.available)
    func uniform(vocabulary V: Int, set: InstructionSet) {
        onOneThread(set) {
            for logit in [0, 7.5, -1e4] as [Float] {
                let loss = CrossEntropy(targets: [Int32(V - 1), 0, -1], hasClassifier: false)
                    .evaluate([Tensor([3, V], filledWith: logit)], gradient: nil)
                #expect(abs(loss - 2 * log(Double(V))) < 1e-11)
            }
        }
    }

    @Test("Huge logits", arguments: [2, 5, 16, 65, 257], InstructionSet.available)
    func hugeLogits(vocabulary V: Int, set: InstructionSet) throws {
        // Rows that are 1e4 but for one of -1e4, and the reverse, and a slope from -1e4 to 1e4.
        let rows: [[Float]] = [
            (0..<V).map { $0 == V / 2 ? -1e4 : 1e4 }, (0..<V).map { $0 == V / 2 ? 1e4 : -1e4 },
            (0..<V).map { -1e4 + 2e4 * Float($0) / Float(V - 1) },
        ]
        for target in Set([0, V / 2, V - 1]) {
            let logits = Variable(Tensor([3, V], rows.flatMap { $0 }), needsGradient: true)
            let loss = CrossEntropy(targets: [Int32](repeating: Int32(target), count: 3), hasClassifier: false)
            let expected = rows.map { softmaxLoss($0, target) }
            try onOneThread(set) {
                let total = loss.evaluate([logits.value], gradient: (1, [logits.slot]))
                #expect(abs(total - expected.reduce(0) { $0 + $1.loss }) <= 1e-6 * max(1, total))
                let gradient = try #require(logits.gradient).values
                for (actual, expected) in zip(gradient, expected.flatMap(\.gradient)) {
                    #expect(abs(Double(actual) - expected) < 1e-6)
                }
            }
        }
    }

    @Test("A logit that is not a number makes the loss one that is not", arguments: InstructionSet.available)
    func notANumber(set: InstructionSet) throws {
        for (bad, at) in [(Float.nan, 0), (.nan, 20), (.infinity, 3), (.infinity, 20)] {
            let values = (0..<21).map { $0 == at ? bad : Float($0) }
            let logits = Variable(Tensor([1, 21], values), needsGradient: true)
            try onOneThread(set) {
                let loss = CrossEntropy(targets: [1], hasClassifier: false)
                #expect(!loss.evaluate([logits.value], gradient: (1, [logits.slot])).isFinite)
                try #expect(#require(logits.gradient).values.contains { !$0.isFinite })
            }
        }
    }

    @Test("A token that cannot be costs nothing", arguments: InstructionSet.available)
    func impossibleToken(set: InstructionSet) {
        let values = (0..<40).map { $0 == 17 ? -Float.infinity : 0 }
        onOneThread(set) {
            let loss = CrossEntropy(targets: [3], hasClassifier: false)
                .evaluate([Tensor([1, 40], values)], gradient: nil)
            #expect(abs(loss - log(39)) < 1e-6)
        }
    }

    /// Rows without a target neither count nor send a gradient back, with any number of rows to a chunk.
    @Test("Negative targets are ignored", arguments: [1, 2, 3, 7, 100], InstructionSet.available)
    func ignoredTargets(rowsInChunk: Int, set: InstructionSet) throws {
        let V = 37, C = 12
        var random = Philox(6)
        let h = Tensor.normal([7, C], deviation: 1, using: &random),
            w = Tensor.normal([V, C], deviation: 1, using: &random)
        let targets: [Int32] = [-1, 5, -100, 36, 0, -1, -1]
        let kept = targets.indices.filter { targets[$0] >= 0 }
        let keptRows = Tensor([kept.count, C], kept.flatMap { Array(h.values[$0 * C..<($0 + 1) * C]) })
        func run(_ h: Tensor, _ targets: [Int32]) throws -> (Double, [Float], [Float]) {
            let inputs = [h, w].map { Variable($0, needsGradient: true) }
            let loss = CrossEntropy(targets: targets, chunkElements: rowsInChunk * V)
            let total = loss.evaluate([h, w], gradient: (0.25, inputs.map(\.slot)))
            #expect(loss.evaluate([h, w], gradient: nil) == total)
            return try (total, #require(inputs[0].gradient).values, #require(inputs[1].gradient).values)
        }
        try onOneThread(set) {
            let (all, dHidden, dWeight) = try run(h, targets)
            let (some, dKept, dSameWeight) = try run(keptRows, kept.map { targets[$0] })
            #expect(abs(all - some) < 1e-5)
            #expect(largestError(dWeight.map(Double.init), dSameWeight.map(Double.init)) < 2e-6)
            for row in targets.indices {
                let gradient = dHidden[row * C..<(row + 1) * C]
                if let i = kept.firstIndex(of: row) {
                    #expect(
                        largestError(gradient.map(Double.init), dKept[i * C..<(i + 1) * C].map(Double.init)) < 2e-6)
                } else {
                    #expect(gradient.allSatisfy { $0 == 0 })
                }
            }
        }
    }

    @Test("Nothing but absent targets: no loss, gradients of zero")
    func noTargets() throws {
        let inputs = [Tensor([3, 4], filledWith: 1), Tensor([5, 4], filledWith: 2)]
            .map { Variable($0, needsGradient: true) }
        let loss = CrossEntropy(targets: [-1, -1, -1])
        #expect(loss.evaluate(inputs.map(\.value), gradient: (1, inputs.map(\.slot))) == 0)
        for input in inputs { try #expect(#require(input.gradient).values.allSatisfy { $0 == 0 }) }
    }

    @Test("The inputs stay as they are")
    func inputsUnchanged() {
        var random = Philox(8)
        let logits = Variable(.normal([6, 33], deviation: 2, using: &random), needsGradient: true)
        let before = logits.value.values
        _ = CrossEntropy(targets: [0, 1, 2, 3, 4, 5], hasClassifier: false)
            .evaluate([logits.value], gradient: (1, [logits.slot]))
        #expect(logits.value.values == before)
    }
}
