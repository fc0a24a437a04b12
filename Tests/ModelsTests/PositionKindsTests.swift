import Layers
import Models
import Platform
import Tensors
import TestSupport
import Testing

@Suite("Kinds of positions")
struct PositionKindsTests {
    private func model(_ positions: Positions, heads: Int = 2) -> Transformer {
        let model = Transformer(
            TransformerConfiguration(
                vocabularySize: 11, contextLength: 9, layers: 1, heads: heads, width: 12, positions: positions), seed: 1
        )
        model.roughen()
        return model
    }

    @Test(
        "The slopes of linear biases are those of the paper's program",
        arguments: [
            (1, [-8.0]), (2, [-4, -8]), (4, [-2, -4, -6, -8]), (3, [-4, -8, -2]), (6, [-2, -4, -6, -8, -1, -3]),
        ])
    func slopes(_ heads: Int, _ exponents: [Double]) {
        #expect(Positions.slopes(heads: heads) == exponents.map { Float(exp2($0)) })
    }

    @Test(
        "With one block and no positions the order of the earlier tokens has no effect",
        arguments: [(Positions.absent, true), (.linearBiases, false), (.sinusoidal, false), (.learned, false)])
    func order(_ positions: Positions, _ isBag: Bool) {
        let model = model(positions)
        let last = { (ids: [Int32]) in model.logits(TokenBatch(ids)).values.suffix(11).map(Double.init) }
        let difference = largestError(last([1, 2, 3, 4, 5]), last([3, 1, 4, 2, 5]))
        #expect(isBag ? difference < 1e-5 : difference > 1e-3)
    }

    @Test(
        "A token at a time computes what the whole sequence does",
        arguments: [Positions.linearBiases, .absent, .sinusoidal, .learned])
    func cached(_ positions: Positions) {
        let model = model(positions), ids: [Int32] = [3, 1, 4, 1, 5, 9, 2]
        let whole = model.logits(TokenBatch(ids)).values
        let session = model.startDecoding()
        for (position, id) in ids.enumerated() {
            let logits = session.append([id]).values
            #expect(
                largestError(logits.map(Double.init), whole[position * 11..<(position + 1) * 11].map(Double.init))
                    < 1e-5)
        }
    }
}
