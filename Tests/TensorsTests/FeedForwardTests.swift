import Platform
import Tensors
import TestSupport
import Testing

/// What the catalogue cannot tell of feed-forward networks.
@Suite("Feed-forward networks")
struct FeedForwardTests {
    /// x = (1, 2^-9) with weights of 1 makes 1 + 2^-9, which in bfloat16 is 1. The gradient of a bias is a sum of numbers
    /// that no product has rounded, so it shows what backward started from.
    @Test("What is kept for backward is rounded to bfloat16, and only in that precision", arguments: [1, 40])
    func kept(rows: Int) throws {
        let x = Tensor([rows, 2], (0..<2 * rows).map { $0 % 2 == 0 ? 1 : Float(1) / 512 })
        func slope(_ a: Double) -> Double {
            let s = 1 / (1 + exp(-a))
            return s * (1 + a * (1 - s))
        }
        for set in InstructionSet.available {
            for (precision, a) in [(Precision.float32, 1 + 1.0 / 512), (.bfloat16, 1)] {
                try Execution.$current.withValue(Execution(instructionSet: set, threads: 2, precision: precision)) {
                    func gradient(_ operation: some Operation, _ shapes: [Shape], of bias: Int) throws -> Double {
                        let inputs = shapes.map { shape in
                            Variable(Tensor(shape, filledWith: shape.rank == 1 ? 0 : 1), needsGradient: true)
                        }
                        let tape = Tape()
                        let y = tape.apply(operation, [Variable(x, needsGradient: false)] + inputs)
                        y.gradient = Tensor([rows, 1], filledWith: 1)
                        tape.backward()
                        return try Double(#require(inputs[bias].gradient).values[0]) / Double(rows)
                    }
                    let plain = try gradient(
                        FeedForward(activation: .silu), [[2, 1], [1], [1, 1], [1]], of: 1)
                    #expect(abs(plain - slope(a)) < 1e-6)
                    let gated = try gradient(
                        GatedFeedForward(hasBias: true), [[1, 2], [1, 2], [1, 1], [1], [1], [1]], of: 3)
                    #expect(abs(gated - a * slope(a)) < 1e-6)
                }
            }
        }
    }

    /// The nearest bfloat16, to even between two.
    private func rounded(_ x: Double) -> Double {
        let bits = Float(x).bitPattern
        return Double(Float(bitPattern: (bits &+ 0x7fff &+ (bits >> 16 & 1)) & 0xffff_0000))
    }

    /// Where a sum falls near the middle between two numbers of bfloat16, float and double may round it to different ones.
    @Test(
        "In bfloat16, the gradients of a gated network are those of what was rounded, and of nothing else",
        arguments: [(5, 4, 1), (13, 6, 17), (13, 6, 16), (130, 5, 33)], [4, 100])
    func rounding(shape: (rows: Int, width: Int, inner: Int), chunkRows: Int) throws {
        let (R, C, F) = shape
        var random = Philox(UInt64(R * C * F))
        let shapes: [Shape] = [[R, C], [F, C], [F, C], [C, F], [F], [F], [C]]
        let values = shapes.map { Tensor.normal($0, deviation: 0.7, using: &random) }
        let gradient = Tensor.normal([R, C], deviation: 1, using: &random)
        let expected = expectedGradients(shape, values.map { $0.values.map(Double.init) }, gradient)
        for set in InstructionSet.available {
            let inputs = values.map { Variable($0, needsGradient: true) }
            let execution = Execution(instructionSet: set, threads: 2, precision: .bfloat16)
            Execution.$current.withValue(execution) {
                let tape = Tape()
                tape.apply(GatedFeedForward(hasBias: true, chunkElements: chunkRows * F), inputs).gradient = gradient
                tape.backward()
            }
            for (i, expected) in expected.enumerated() {
                let actual = try #require(inputs[i].gradient).values.map(Double.init)
                #expect(largestError(actual, expected) < 2e-3, "input \(i), \(set)")
            }
        }
    }

    /// Those of x, the three weights and their biases, by the equations of `GatedFeedForward`.
    private func expectedGradients(
        _ shape: (rows: Int, width: Int, inner: Int), _ numbers: [[Double]], _ gradient: Tensor
    ) -> [[Double]] {
        let (R, C, F) = shape
        let (x, gate, up, down) = (numbers[0], numbers[1], numbers[2], numbers[3]),
            dY = gradient.values.map(Double.init)
        /// (m, k) by (k, n), both rounded.
        func product(_ m: Int, _ n: Int, _ k: Int, _ a: (Int, Int) -> Double, _ b: (Int, Int) -> Double) -> [Double] {
            (0..<m * n).map { i in (0..<k).reduce(0) { $0 + rounded(a(i / n, $1)) * rounded(b($1, i % n)) } }
        }
        func kept(_ weight: [Double], _ bias: [Double]) -> [Double] {
            product(R, F, C, { x[$0 * C + $1] }, { weight[$1 * C + $0] }).enumerated().map {
                rounded($1 + bias[$0 % F])
            }
        }
        let a = kept(gate, numbers[4]), u = kept(up, numbers[5]), s = a.map { 1 / (1 + exp(-$0)) }
        let dG = product(R, F, C, { dY[$0 * C + $1] }, { down[$0 * F + $1] })
        let g = a.indices.map { a[$0] * s[$0] * u[$0] }
        let dU = a.indices.map { dG[$0] * a[$0] * s[$0] }
        let dA = a.indices.map { dG[$0] * u[$0] * s[$0] * (1 + a[$0] * (1 - s[$0])) }
        func columnSums(_ d: [Double], _ n: Int) -> [Double] {
            (0..<n).map { j in (0..<R).reduce(0) { $0 + d[$1 * n + j] } }
        }
        let throughGate = product(R, C, F, { dA[$0 * F + $1] }, { gate[$0 * C + $1] })
        let throughUp = product(R, C, F, { dU[$0 * F + $1] }, { up[$0 * C + $1] })
        return [
            zip(throughGate, throughUp).map { $0 + $1 },
            product(F, C, R, { dA[$1 * F + $0] }, { x[$0 * C + $1] }),
            product(F, C, R, { dU[$1 * F + $0] }, { x[$0 * C + $1] }),
            product(C, F, R, { dY[$1 * C + $0] }, { g[$0 * F + $1] }),
            columnSums(dA, F), columnSums(dU, F), columnSums(dY, C),
        ]
    }
}
