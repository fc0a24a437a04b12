import Tensors
import TestSupport
import Testing

/// The oracle, by hand: everything else leans on it.
@Suite("The double interpreter")
struct PrimitivesTests {
    private let builder = DoubleInterpreter()

    private func tensor(_ shape: [Int], _ elements: [Double]) -> DoubleTensor {
        DoubleTensor(shape: shape, elements: elements)
    }

    @Test("Broadcasting aligns the last dimensions and stretches those of 1")
    func broadcasting() {
        let a = tensor([2, 1, 3], [1, 2, 3, 4, 5, 6]), b = tensor([2, 1], [10, 20])
        let sum = builder.add(a, b)
        #expect(sum.shape == [2, 2, 3])
        #expect(sum.elements == [11, 12, 13, 21, 22, 23, 14, 15, 16, 24, 25, 26])
        #expect(builder.subtract(tensor([2], [5, 6]), tensor([], [1])).elements == [4, 5])
        #expect(builder.multiply(tensor([2], [5, 6]), tensor([2], [3, 4])).elements == [15, 24])
        #expect(builder.divide(tensor([2], [5, 6]), tensor([1], [2])).elements == [2.5, 3])
        #expect(builder.maximum(tensor([2], [-5, 6]), tensor([], [0])).elements == [0, 6])
    }

    @Test("Products of matrices, for each index of the dimensions before")
    func matmul() {
        let a = tensor([2, 2, 3], [1, 2, 3, 4, 5, 6, 1, 0, 0, 0, 0, 2]), b = tensor([3, 2], [1, 2, 3, 4, 5, 6])
        let product = builder.matmul(a, b)
        #expect(product.shape == [2, 2, 2])
        #expect(product.elements == [22, 28, 49, 64, 1, 2, 10, 12])
    }

    @Test("Rearranging")
    func rearranging() {
        let x = tensor([2, 3], [1, 2, 3, 4, 5, 6])
        #expect(builder.transpose(x, [1, 0]).elements == [1, 4, 2, 5, 3, 6])
        let cube = builder.transpose(tensor([2, 1, 2], [1, 2, 3, 4]), [2, 0, 1])
        #expect(cube.shape == [2, 2, 1])
        #expect(cube.elements == [1, 3, 2, 4])
        let parts = builder.split(x, [1, 2])
        #expect(parts.map(\.shape) == [[2, 1], [2, 2]])
        #expect(parts.map(\.elements) == [[1, 4], [2, 3, 5, 6]])
        #expect(builder.join(parts.reversed()).shape == [2, 3])
        #expect(builder.join(parts.reversed()).elements == [2, 3, 1, 5, 6, 4])
        #expect(builder.reshape(cube, keeping: 1, [1, 2]).shape == [2, 1, 2])
        #expect(builder.insertDimension(x, at: 0).shape == [1, 2, 3])
        #expect(builder.insertDimension(x, at: 1).shape == [2, 1, 3])
        #expect(builder.insertDimension(x, at: 2).elements == x.elements)
    }

    @Test("Looking up rows by the tokens of a batch and by their places")
    func gathering() {
        let table = tensor([3, 2], [1, 2, 3, 4, 5, 6])
        let ids = builder.tokens(TokenBatch(batch: 2, length: 2, ids: [1, 0, 2, 1]), .ids)
        #expect(ids.shape == [2, 2])
        let rows = builder.gather(table, rows: ids)
        #expect(rows.shape == [2, 2, 2])
        #expect(rows.elements == [3, 4, 1, 2, 5, 6, 3, 4])
        let positions = builder.positions(builder.shape(of: ids)[1], after: 1)
        #expect(positions.shape == [2])
        #expect(builder.gather(table, rows: positions).elements == [3, 4, 5, 6])
    }

    @Test("A query sees the keys up to its own, which is the last for the last query")
    func hidingTheFuture() {
        let scores = tensor([1, 2, 3], [1, 2, 3, 4, 5, 6])
        #expect(builder.causalMask(scores).elements == [1, 2, -1e30, 4, 5, 6])
        let square = tensor([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(builder.causalMask(square).elements == [1, -1e30, 3, 4, 5, -1e30, 7, 8])
        #expect(builder.causalMask(tensor([1, 4], [1, 2, 3, 4])).elements == [1, 2, 3, 4])
    }

    @Test("Angles")
    func angles() {
        let x = tensor([2], [0, Double.pi / 6])
        for (actual, expected) in zip(builder.sine(x).elements + builder.cosine(x).elements, [0, 0.5, 1, 0.8660254]) {
            #expect(abs(actual - expected) < 1e-7)
        }
    }

    @Test("Reducing rows")
    func reducing() {
        let x = tensor([2, 3], [1, 2, 3, -4, -5, -6])
        #expect(builder.sumAlongLastAxis(x).elements == [6, -15])
        #expect(builder.sumAlongLastAxis(x).shape == [2, 1])
        #expect(builder.maximumAlongLastAxis(x).elements == [3, -4])
        var builder = builder
        #expect(builder.meanAlongLastAxis(x).elements == [2, -5])
        let softmax = builder.softmax(tensor([1, 2], [1000, 1000])).elements
        #expect(softmax == [0.5, 0.5])
    }

    /// Numbers from elsewhere, so that an op and its reference cannot be wrong together.
    @Test("Ops on known numbers", arguments: InstructionSet.available)
    func knownNumbers(set: InstructionSet) {
        onOneThread(set) {
            let row = Tensor([1, 4], [1, 2, 3, 4])
            let norm = LayerNorm(epsilon: 1e-5)
                .forward([row, Tensor([4], filledWith: 2), Tensor([4], filledWith: 1)], recording: false).output
            for (actual, expected) in zip(norm.values, [-1.6832708, 0.1055764, 1.8944236, 3.6832708] as [Float]) {
                #expect(abs(actual - expected) < 1e-5)
            }
            let linear = Linear().forward(
                [row, Tensor([4, 2], [1, 0, 0, 1, 1, 1, 2, -1]), Tensor([2], [0.5, -0.5])], recording: false)
            #expect(linear.output.values == [12.5, 0.5])
            let ids = TokenBatch(batch: 1, length: 2, ids: [1, 0])
            let embedded = Embedding(ids, from: .same(1)).forward(
                [Tensor([2, 2], [1, 2, 3, 4]), Tensor([3, 2], [9, 9, 10, 20, 30, 40])], recording: false)
            #expect(embedded.output.values == [13, 24, 31, 42])
            // -log of 1/(1 + e + e^2)
            let loss = CrossEntropy(targets: [0], hasClassifier: false)
                .evaluate([Tensor([1, 3], [0, 1, 2])], gradient: nil)
            #expect(abs(loss - 2.4076059644) < 1e-6)
        }
    }
}
