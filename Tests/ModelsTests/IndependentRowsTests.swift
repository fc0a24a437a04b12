import Layers
import Models
import Tensors
import TestSupport
import Testing

@Suite("Independent rows")
struct IndependentRowsTests {
    /// Changes one row of a batch; the logits and the gradients of the inputs of the other rows stay as they are, to the bit.
    @Test("Rows of a batch do not depend on each other in any language model", arguments: ModelCase.all, [1, 2])
    func languageModels(model: ModelCase, threads: Int) {
        let (model, _) = model.models()
        let T = min(7, model.contextLength ?? 7), V = model.vocabularySize
        let tokens = someTokens(batch: 3, length: T, vocabulary: V)
        var changed = tokens.ids
        for position in T..<2 * T { changed[position] = (changed[position] + 1) % Int32(V) }
        onThreads(threads) {
            let before = model.logits(tokens).values
            let after = model.logits(TokenBatch(batch: 3, length: T, ids: changed)).values
            #expect(before[..<(T * V)] == after[..<(T * V)])
            #expect(before[(2 * T * V)...] == after[(2 * T * V)...])
            #expect(before[(T * V)..<(2 * T * V)] != after[(T * V)..<(2 * T * V)])
        }
    }

    @Test("An encoder without positions is a bag of words: shuffled words, the same logits")
    func bagOfWords() {
        let encoder = Encoder(
            .init(
                vocabularySize: 31, contextLength: 12, layers: 2, heads: 2, width: 8,
                head: .classifier(labels: ["no", "yes"])), seed: 3)
        for named in encoder.parameters { named.parameter.load(named.parameter.value.values.map { 20 * $0 }) }
        func logits(_ ids: [Int32]) -> [Double] { encoder.classify(TokenBatch(ids)).values.map(Double.init) }
        let text: [Int32] = [1, 7, 12, 30, 5, 2], shuffled: [Int32] = [1, 5, 30, 7, 12, 2]
        #expect(largestError(logits(text), logits(shuffled)) > 1e-2)
        encoder.positionEmbedding.load([Float](repeating: 0, count: 12 * 8))
        #expect(largestError(logits(text), logits(shuffled)) < 1e-5)
    }
}
