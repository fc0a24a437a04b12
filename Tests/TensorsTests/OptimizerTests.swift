import Platform
import Tensors
import TestSupport
import Testing

@Suite("AdamW")
struct AdamWUpdateTests {
    private func update(step: Int, decay: Double = 0.1, scale: Double = 1) -> AdamWUpdate {
        AdamWUpdate(
            learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: decay, step: step,
            gradientScale: scale)
    }

    @Test(
        "Ten steps against plain doubles", arguments: [1, 7, 16, 33, 1000, 16_385, 40_000], InstructionSet.available)
    func plain(count: Int, set: InstructionSet) {
        var random = Philox(1)
        let parameter = Parameter(.normal([count], deviation: 1, using: &random))
        let start = parameter.value.values
        let moment1 = Tensor([count]), moment2 = Tensor([count])
        var plain = PlainAdamW(start)
        for step in 1...10 {
            // Gradients of many sizes, and one element that never gets any.
            let gradients = (0..<count).map { $0 == 5 ? 0 : Float(random.nextNormal() * pow(10, Double($0 % 9 - 6))) }
            let update = update(step: step, scale: step == 3 ? 0.25 : 1)
            onOneThread(set) {
                update.apply(parameter, gradient: Tensor([count], gradients), moment1: moment1, moment2: moment2)
            }
            plain.apply(update, gradients)
        }
        let (parameters, m, v) = (parameter.value.values, moment1.values, moment2.values)
        for i in 0..<count {
            let (expected, m0, v0) = (plain.parameters[i], plain.moment1[i], plain.moment2[i])
            #expect(abs(Double(parameters[i]) - expected) <= 1e-6 * max(1, abs(expected)))
            #expect(abs(Double(m[i]) - m0) <= 1e-6 * (abs(m0) + v0.squareRoot()))
            #expect(abs(Double(v[i]) - v0) <= 1e-6 * v0)
        }
        if count > 5 { #expect(abs(parameters[5] - start[5] * Float(pow(0.999, 10))) < 1e-5) }
    }

    /// As long as a run: the corrections, the decay and the moments do not drift.
    @Test("Two thousand steps against plain doubles", arguments: InstructionSet.available)
    func manySteps(set: InstructionSet) {
        let count = 20
        var random = Philox(5)
        let parameter = Parameter(.normal([count], deviation: 1, using: &random))
        let moment1 = Tensor([count]), moment2 = Tensor([count])
        var plain = PlainAdamW(parameter.value.values)
        for step in 1...2000 {
            let gradients = (0..<count).map { Float(0.1 * Double($0 - 7) + random.nextNormal()) }
            let update = update(step: step)
            onOneThread(set) {
                update.apply(parameter, gradient: Tensor([count], gradients), moment1: moment1, moment2: moment2)
            }
            plain.apply(update, gradients)
        }
        #expect(largestError(parameter.value.values.map(Double.init), plain.parameters) < 1e-5)
        #expect(largestError(moment2.values.map(Double.init), plain.moment2) < 1e-5)
    }

    @Test("The first step moves every parameter by the learning rate, whatever its gradient")
    func firstStep() {
        let parameter = Parameter(Tensor([4], filledWith: 1))
        update(step: 1, decay: 0).apply(
            parameter, gradient: Tensor([4], [1e-3, -1e-3, 500, -2]), moment1: Tensor([4]), moment2: Tensor([4]))
        for (value, expected) in zip(parameter.value.values, [0.99, 1.01, 0.99, 1.01] as [Float]) {
            #expect(abs(value - expected) < 1e-6)
        }
    }

    @Test("The number of threads changes no bit", arguments: InstructionSet.available)
    func threads(set: InstructionSet) {
        let count = 100_003
        var random = Philox(2)
        let gradient = Tensor.normal([count], deviation: 1, using: &random)
        func run(_ threads: Int) -> ([[Float]], Double) {
            let parameter = Parameter(Tensor([count], gradient.values.reversed()))
            let moments = [Tensor([count], filledWith: 0.5), Tensor([count], filledWith: 0.25)]
            return Execution.$current.withValue(Execution(instructionSet: set, threads: threads)) {
                update(step: 3).apply(parameter, gradient: gradient, moment1: moments[0], moment2: moments[1])
                return ([parameter.value, moments[0], moments[1]].map(\.values), gradient.sumOfSquares())
            }
        }
        let one = run(1)
        for threads in 2...4 { #expect(run(threads) == one) }
    }

    @Test("Sum of squares", arguments: [1, 15, 16, 1023, 1025, 16_384, 16_385, 300_000], InstructionSet.available)
    func sumOfSquares(count: Int, set: InstructionSet) {
        var random = Philox(3)
        let x = Tensor.normal([count], deviation: 1e3, using: &random)
        let expected = x.values.reduce(0.0) { $0 + Double($1) * Double($1) }
        onOneThread(set) {
            #expect(abs(x.sumOfSquares() - expected) <= 3e-7 * expected)
            for bad in [Float.nan, .infinity] {
                x.withElements { $0[count - 1] = bad }
                #expect(!x.sumOfSquares().isFinite)
            }
        }
    }
}
