import Tensors
import TestSupport
import Testing

@Suite("Muon")
struct MuonUpdateTests {
    private static let shapes: [Shape] = [
        [1, 1], [1, 7], [5, 1], [8, 8], [16, 40], [40, 16], [33, 129], [128, 128],
    ]

    private func update(scale: Double = 1) -> MuonUpdate {
        MuonUpdate(learningRate: 0.01, momentum: 0.95, weightDecay: 0.1, gradientScale: scale)
    }

    @Test("Ten steps against plain doubles", arguments: shapes, InstructionSet.available)
    func plain(shape: Shape, set: InstructionSet) {
        var random = Philox(1)
        let parameter = Parameter(.normal(shape, deviation: 1, using: &random))
        let mean = Tensor(shape)
        var plain = PlainMuon(parameter.value)
        for step in 1...10 {
            let gradients = Tensor.normal(shape, deviation: 1e-3, using: &random)
            let update = update(scale: step == 3 ? 0.25 : 1)
            onOneThread(set) { update.apply([(parameter, gradients, mean)]) }
            plain.apply(update, gradients.values)
        }
        #expect(largestError(parameter.value.values.map(Double.init), plain.parameters.elements) < 3e-5)
        #expect(largestError(mean.values.map(Double.init), plain.mean) < 1e-6)
    }

    /// The definition: X' X of a matrix with orthogonal columns is the unit matrix. The singular values end between 0.73 and
    /// 1.27, so that squares of them do between 0.53 and 1.62.
    @Test(
        "The direction has nearly orthogonal rows or columns", arguments: [[24, 24], [16, 40], [40, 16]] as [Shape])
    func orthogonal(shape: Shape) {
        var random = Philox(2)
        let gradient = Tensor.normal(shape, deviation: 10, using: &random)
        let result = gradient.orthogonalized()
        // For each vector v of the short side, the length of the product is that of v, within the range.
        let n = min(shape.rows, shape.columns)
        for _ in 0..<50 {
            let v = (0..<n).map { _ in random.nextNormal() }
            var image = Array(repeating: 0.0, count: max(shape.rows, shape.columns))
            for row in 0..<shape.rows {
                for column in 0..<shape.columns {
                    let element = Double(result.values[row * shape.columns + column])
                    if shape.rows <= shape.columns {
                        image[column] += v[row] * element
                    } else {
                        image[row] += v[column] * element
                    }
                }
            }
            let ratio =
                (image.reduce(0) { $0 + $1 * $1 } / v.reduce(0) { $0 + $1 * $1 }).squareRoot()
            #expect((0.72...1.28).contains(ratio))
        }
    }

    @Test("A gradient of zeros, or of the smallest numbers, gives finite weights")
    func degenerate() {
        for size in [0, Float.leastNormalMagnitude, 1e-30, 1e18] {
            let parameter = Parameter(Tensor([3, 4], filledWith: 1))
            update().apply([(parameter, Tensor([3, 4], filledWith: size), Tensor([3, 4]))])
            #expect(parameter.value.values.allSatisfy { $0.isFinite }, "\(size)")
            if size == 0 { #expect(parameter.value.values.allSatisfy { abs($0 - 0.999) < 1e-6 }) }
        }
    }

    @Test(
        "The number of threads changes no bit, whether there are more threads than weights or fewer",
        arguments: InstructionSet.available, [1, 3, 8])
    func threads(set: InstructionSet, weights: Int) {
        var random = Philox(3)
        let gradients = (0..<weights).map { Tensor.normal([257, 130 - 20 * ($0 % 3)], deviation: 1, using: &random) }
        func run(_ threads: Int) -> [[Float]] {
            let parameters = gradients.map { Parameter(Tensor($0.shape, $0.values.reversed())) }
            let means = gradients.map { Tensor($0.shape, filledWith: 0.5) }
            return Execution.$current.withValue(Execution(instructionSet: set, threads: threads)) {
                update().apply((0..<weights).map { (parameters[$0], gradients[$0], means[$0]) })
                return (parameters.map(\.value) + means).map(\.values)
            }
        }
        let one = run(1)
        for threads in 2...4 { #expect(run(threads) == one) }
    }
}
