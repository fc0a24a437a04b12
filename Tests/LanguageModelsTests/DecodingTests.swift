import LanguageModels
import Tensors
import TestSupport
import Testing

@Suite("Decoding with a cache")
struct DecodingTests {
    /// The tokens arrive in pieces; after each, the logits must be those of the last position of all so far.
    static let pieces: [[Int]] = [[1, 1, 1, 1, 1, 1, 1], [7], [4, 1, 1, 1], [1, 3, 2, 1], [2, 5]]

    @Test("Cached logits agree with uncached", arguments: ModelCase.all, pieces)
    func cached(model: ModelCase, pieces: [Int]) {
        let context = model.context, (model, _) = model.models(), V = model.vocabularySize
        for B in [1, 3] {
            for set in InstructionSet.available {
                onOneThread(set) {
                    let length = min(context, pieces.reduce(0, +))
                    let all = someTokens(batch: B, length: length, vocabulary: V)
                    let session = model.startDecoding(sequences: B)
                    for _ in 0..<2 {
                        check(session, model, all, pieces)
                        session.clear()
                        #expect(session.length == 0)
                    }
                }
            }
        }
    }

    private func check(
        _ session: any DecodingSession, _ model: any NeuralLanguageModel, _ all: TokenBatch, _ pieces: [Int]
    ) {
        let V = model.vocabularySize, B = all.batch
        func part(_ range: Range<Int>) -> TokenBatch {
            let ids = (0..<B).flatMap {
                all.ids[$0 * all.length + range.lowerBound..<$0 * all.length + range.upperBound]
            }
            return TokenBatch(batch: B, length: range.count, ids: ids)
        }
        for piece in pieces where session.length + piece <= all.length {
            let length = session.length + piece
            let logits = session.append(part(session.length..<length))
            #expect(session.length == length)
            #expect(logits.shape == [B, V])
            let whole = model.logits(part(0..<length)).values
            for b in 0..<B {
                let last = whole[((b + 1) * length - 1) * V..<(b + 1) * length * V]
                let difference = zip(logits.values[b * V..<(b + 1) * V], last).map { abs($0 - $1) }.max() ?? .infinity
                #expect(difference < 1e-4, "sequence \(b) at \(length) tokens")
            }
        }
    }

    @Test("A session takes a context to its last position")
    func fullContext() {
        let configuration = TransformerConfiguration(
            vocabularySize: 65, contextLength: 64, layers: 2, heads: 4, width: 32)
        let model = Transformer(configuration, seed: 1), tokens = someTokens(batch: 1, length: 64, vocabulary: 65)
        model.roughen()
        let session = model.startDecoding(sequences: 1)
        var last = Tensor([1, 65])
        for token in tokens.ids { last = session.append(TokenBatch([token])) }
        #expect(session.length == 64)
        let whole = model.logits(tokens).values.suffix(65)
        #expect(zip(last.values, whole).allSatisfy { abs($0 - $1) < 1e-4 })
    }
}
