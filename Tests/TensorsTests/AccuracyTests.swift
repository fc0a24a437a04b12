import Platform
import Tensors
import TestSupport
import Testing

/// What the kernels' own exp makes of GELU and softmax, over all of their range.
@Suite("Accuracy of the kernels")
struct AccuracyTests {
    /// Applies an activation, between two layers of weight 1, to numbers one by one; also its derivative.
    private func activate(_ activation: Activation, _ x: [Float]) throws -> (y: [Float], derivative: [Float]) {
        let input = Variable(Tensor([x.count, 1], x), needsGradient: true)
        let one = Variable(Tensor([1, 1], filledWith: 1), needsGradient: false)
        let zero = Variable(Tensor([1]), needsGradient: false)
        let tape = Tape()
        let y = tape.apply(FeedForward(activation: activation), input, one, zero, one, zero)
        y.gradient = Tensor([x.count, 1], filledWith: 1)
        tape.backward()
        return try (y.value.values, #require(input.gradient).values)
    }

    private func gelu(_ x: Double) -> (value: Double, derivative: Double) {
        let k = (2 / Double.pi).squareRoot(), t = tanh(k * (x + 0.044715 * x * x * x))
        return (x / 2 * (1 + t), (1 + t) / 2 + x / 2 * (1 - t * t) * k * (1 + 3 * 0.044715 * x * x))
    }

    @Test("GELU and its derivative over a sweep of inputs", arguments: InstructionSet.available)
    func geluSweep(set: InstructionSet) throws {
        let x = (-12000...12000).map { Float($0) / 1000 } + [1e-30, -1e-30, 1e-6, -1e-6, 30, -30, 1e4, -1e4]
        let (y, derivative) = try onOneThread(set) { try activate(.gelu, x) }
        for (i, x) in x.enumerated() {
            let expected = gelu(Double(x))
            #expect(abs(Double(y[i]) - expected.value) <= 2e-7 * abs(Double(x)) + 1e-30, "GELU(\(x))")
            #expect(abs(Double(derivative[i]) - expected.derivative) <= 2e-6, "GELU'(\(x))")
        }
    }

    @Test("SiLU and its derivative over a sweep of inputs", arguments: InstructionSet.available)
    func siluSweep(set: InstructionSet) throws {
        let x = (-12000...12000).map { Float($0) / 1000 } + [1e-30, -1e-30, 1e-6, -1e-6, 30, -30, 1e4, -1e4]
        let (y, derivative) = try onOneThread(set) { try activate(.silu, x) }
        for (i, x) in x.enumerated() {
            let s = 1 / (1 + exp(-Double(x)))
            #expect(abs(Double(y[i]) - Double(x) * s) <= 4e-7 * abs(Double(x)) * s + 1e-30, "SiLU(\(x))")
            #expect(abs(Double(derivative[i]) - s * (1 + Double(x) * (1 - s))) <= 2e-6, "SiLU'(\(x))")
        }
    }

    /// 1.702 and the like would be another function: these are values of the tanh form, and of no other.
    @Test("GELU is the tanh approximation, to known values", arguments: InstructionSet.available)
    func geluValues(set: InstructionSet) throws {
        let known: [(Float, Float)] = [
            (0, 0), (1, 0.841192), (-1, -0.158808), (2, 1.9545977), (-2, -0.0454023), (0.5, 0.345714), (3, 2.9963627),
        ]
        let (y, _) = try onOneThread(set) { try activate(.gelu, known.map(\.0)) }
        for (y, known) in zip(y, known) { #expect(abs(y - known.1) < 1e-6, "GELU(\(known.0))") }
    }

    @Test("What is not a number stays so", arguments: Activation.allCases, InstructionSet.available)
    func specialNumbers(activation: Activation, set: InstructionSet) throws {
        // Among ordinary numbers, which they must not touch; enough rows for every way through the kernel.
        for count in [1, 5, 40] {
            var x = (0..<count).map { Float($0) - 2 }
            x[count / 2] = .nan
            let withNaN = try onOneThread(set) { try activate(activation, x).y }
            #expect(withNaN.indices.allSatisfy { withNaN[$0].isNaN == ($0 == count / 2) })
            x[count / 2] = .infinity
            let withInfinity = try onOneThread(set) { try activate(activation, x).y }
            // tanh of infinity is 1.
            let isBounded = activation == .tanh
            #expect(
                withInfinity.indices.allSatisfy { withInfinity[$0].isFinite == (isBounded || $0 != count / 2) })
        }
    }

    @Test("GELU without the approximation, to known values and at the ends", arguments: InstructionSet.available)
    func exactGELUValues(set: InstructionSet) throws {
        let x = (-400...400).map { Float($0) / 30 }
        let (y, derivative) = try onOneThread(set) { try activate(.exactGELU, x) }
        for (i, x) in x.map(Double.init).enumerated() {
            let p = 0.5 * erfc(-x / 2.0.squareRoot()), density = exp(-x * x / 2) / (2 * Double.pi).squareRoot()
            #expect(abs(Double(y[i]) - x * p) <= 2e-7 * max(1, abs(x)), "GELU(\(x))")
            #expect(abs(Double(derivative[i]) - (p + x * density)) <= 1e-6, "GELU'(\(x))")
        }
    }

    @Test("tanh, to known values", arguments: InstructionSet.available)
    func tanhValues(set: InstructionSet) throws {
        let x = (-300...300).map { Float($0) / 30 }
        let (y, derivative) = try onOneThread(set) { try activate(.tanh, x) }
        for (i, x) in x.map(Double.init).enumerated() {
            #expect(abs(Double(y[i]) - tanh(x)) <= 2e-7, "tanh(\(x))")
            #expect(abs(Double(derivative[i]) - (1 - tanh(x) * tanh(x))) <= 1e-6, "tanh'(\(x))")
        }
    }

    @Test("A product with something that is not a number is not one", arguments: InstructionSet.available)
    func specialNumbersInProducts(set: InstructionSet) {
        for (rows, inputs, outputs) in [(1, 20, 33), (40, 20, 33), (40, 400, 5)] {
            let x = Tensor([rows, inputs], filledWith: 1)
            x.withElements { $0[inputs - 1] = .nan }
            let y = onOneThread(set) {
                Linear(hasBias: false).forward([x, Tensor([inputs, outputs])], recording: false).output.values
            }
            #expect(y.indices.allSatisfy { y[$0].isNaN == ($0 < outputs) })
        }
    }

    /// exp as softmax uses it: of a difference to the largest. With two logits 0 and x the first probability is
    /// 1 / (1 + e^x), and the second is e^x times that.
    @Test("exp over a sweep of inputs, through softmax", arguments: InstructionSet.available)
    func exponential(set: InstructionSet) throws {
        let x = (0...8700).map { -Float($0) / 100 }
        let logits = Variable(Tensor([x.count, 2], x.flatMap { [0, $0] }), needsGradient: true)
        let loss = CrossEntropy(targets: x.map { _ in 0 }, hasClassifier: false)
        try onOneThread(set) {
            let total = loss.evaluate([logits.value], gradient: (1, [logits.slot]))
            let expected = x.reduce(0.0) { $0 + log1p(exp(Double($1))) }
            #expect(abs(total - expected) < 3e-7 * expected)
            let gradient = try #require(logits.gradient).values
            for (i, x) in x.enumerated() {
                let e = exp(Double(x)), second = e / (1 + e)
                #expect(abs(Double(gradient[2 * i + 1]) - second) <= 2e-7 * second, "softmax of \(x)")
            }
        }
    }

    @Test(
        "Normalisation of numbers far from zero, and of very small and very large ones",
        arguments: [(1e4, 1), (-3e3, 0.5), (0, 1e-3), (0, 1e6), (1e5, 100)], InstructionSet.available)
    func layerNorm(numbers: (offset: Double, deviation: Double), set: InstructionSet) {
        let norm = LayerNorm(epsilon: 1e-5), C = 768
        var random = Philox(9)
        let x = Tensor(
            [4, C], (0..<4 * C).map { _ in Float(numbers.offset + numbers.deviation * random.nextNormal()) })
        let inputs = [x, Tensor([C], filledWith: 1), Tensor([C])]
        var interpreter = DoubleInterpreter()
        let expected = norm.reference(inputs.map(DoubleTensor.init), &interpreter).elements
        let actual = onOneThread(set) { norm.forward(inputs, recording: false).output.values.map(Double.init) }
        #expect(largestError(actual, expected) < 1e-6)
    }

    @Test("Normalisation of equal numbers", arguments: [0, 1, 1e4, 1e9, -3e15] as [Float], InstructionSet.available)
    func layerNormOfEqualNumbers(number: Float, set: InstructionSet) {
        for C in [1, 5, 100, 768] {
            let inputs = [Tensor([2, C], filledWith: number), Tensor([C], filledWith: 1), Tensor([C], filledWith: 3)]
            let y = onOneThread(set) { LayerNorm(epsilon: 1e-5).forward(inputs, recording: false).output.values }
            let spacing = number.ulp / (number.ulp * number.ulp + 1e-5).squareRoot()
            #expect(y.allSatisfy { abs($0 - 3) <= 1e-6 + spacing }, "\(C) times \(number)")
        }
    }
}
