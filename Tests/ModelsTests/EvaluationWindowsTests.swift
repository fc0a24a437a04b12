import Models
import Tensors
import Testing

@Suite("Evaluation windows")
struct EvaluationWindowsTests {
    @Test("Every token but the first is a target once, after the tokens before it", arguments: 0...41)
    func coverage(tokenCount: Int) {
        // Ids that are their own positions.
        let tokens = (0..<tokenCount).map(Int32.init)
        for length in [1, 2, 3, 7, 8, 40, 41, 100] {
            let windows = EvaluationWindows(tokenCount: tokenCount, length: length)
            #expect(windows.isComplete)
            for size in [1, 2, 3, 64] {
                var seen: [Int32] = []
                for (inputs, targets) in windows.batches(tokens, size: size) {
                    #expect(inputs.ids.map { $0 + 1 } == targets)
                    #expect(inputs.batch >= 1 && inputs.batch <= size)
                    #expect(inputs.length >= 1 && inputs.length <= length)
                    for b in 0..<inputs.batch { #expect(inputs.ids[b * inputs.length] % Int32(length) == 0) }
                    seen += targets
                }
                #expect(seen.sorted() == Array(tokens.dropFirst()), "\(tokenCount) tokens by \(length)")
            }
        }
    }

    @Test("With sliding windows every token but the first is a target once, after a context", arguments: 0...41)
    func sliding(tokenCount: Int) throws {
        let tokens = (0..<tokenCount).map(Int32.init)
        for length in [1, 2, 3, 8, 40, 100] {
            let shape = ModelSpecification.gpt(
                layers: 1, heads: 1, width: 4, context: length, vocabularySize: max(1, tokenCount))
            let model = try #require(shape.makeNeuralModel(seed: 1))
            for stride in Set([1, (length + 1) / 2, length]) {
                let windows = EvaluationWindows(tokenCount: tokenCount, for: model, stride: stride)
                #expect(windows.isComplete)
                var seen: [Int32] = []
                for (inputs, targets) in windows.batches(tokens, size: 3) {
                    for (i, target) in targets.enumerated() where target >= 0 {
                        #expect(target == inputs.ids[i] + 1)
                        // The position in the window, which is the number of tokens before the input.
                        let position = i % inputs.length
                        #expect(position >= length - stride || target <= Int32(length))
                        seen.append(target)
                    }
                }
                #expect(seen.sorted() == Array(tokens.dropFirst()), "\(tokenCount) tokens by \(length), \(stride)")
                // The parts are the same windows.
                var parts: [Int32] = []
                for part in windows.parts {
                    for batch in part.batches(tokens, size: 2048) { parts += batch.targets.filter { $0 >= 0 } }
                }
                #expect(parts.sorted() == seen.sorted())
            }
        }
    }

    @Test("A subset is fixed, evenly spaced and within its limit", arguments: [1, 2, 3, 5, 10, 17, 99, 100, 101, 500])
    func subset(limit: Int) {
        let all = 100
        let windows = EvaluationWindows(tokenCount: all * 8 + 1, length: 8, atMost: limit)
        #expect(windows.chosen.count == min(limit, all))
        #expect(windows.chosen == EvaluationWindows(tokenCount: all * 8 + 1, length: 8, atMost: limit).chosen)
        #expect(windows.chosen.allSatisfy { $0 >= 0 && $0 < all })
        #expect(windows.isComplete == (limit >= all))
        let gaps = zip(windows.chosen.dropFirst(), windows.chosen).map { $0 - $1 }
        #expect(gaps.allSatisfy { $0 >= 1 })
        #expect((gaps.max() ?? 0) - (gaps.min() ?? 0) <= 1)
        // As far from the start as from the end.
        let (first, last) = (windows.chosen.first ?? 0, windows.chosen.last ?? 0)
        #expect(abs(first - (all - 1 - last)) <= 1 + all / max(1, windows.chosen.count) / 2)
    }

    @Test("A limit below one still scores something", arguments: [0, -3])
    func noLimit(limit: Int) {
        #expect(EvaluationWindows(tokenCount: 100, length: 10, atMost: limit).chosen.count == 1)
        #expect(EvaluationWindows(tokenCount: 1, length: 10, atMost: limit).chosen.isEmpty)
    }

    @Test("The batches of a subset are those windows")
    func subsetBatches() {
        let tokens = (0..<52).map(Int32.init)
        let windows = EvaluationWindows(tokenCount: 52, length: 5, atMost: 4)
        let starts = windows.batches(tokens, size: 3).flatMap { batch in
            (0..<batch.inputs.batch).map { Int(batch.inputs.ids[$0 * batch.inputs.length]) / 5 }
        }
        #expect(starts == windows.chosen)
    }

    @Test("A model evaluates the windows it is given, and stops when asked")
    func model() {
        let model = BigramModel(vocabularySize: 9, seed: 1)
        let tokens = (0..<4000).map { Int32($0 * $0 % 9) }
        let windows = EvaluationWindows(tokenCount: tokens.count, length: 256, atMost: 3)
        let some = model.evaluate(tokens, after: [], windows: windows) { false }
        #expect(some?.count == 3 * 256)
        var asked = 0
        let stopped = model.evaluate(tokens, after: [], windows: nil) {
            asked += 1
            return asked == 2
        }
        #expect(stopped == nil && asked == 2)
    }
}
