import CKernels
import Tensors
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

@Suite("The AdamW kernel")
struct OptimizerKernelTests {
    /// AdamW as its paper writes it, in double.
    private struct Plain {
        var parameters: [Double], moment1: [Double], moment2: [Double]

        mutating func update(_ gradients: [Float], step t: Int, _ s: gpt_adamw) {
            for i in parameters.indices {
                let g = Double(gradients[i]) * s.gradient_scale
                moment1[i] = s.beta1 * moment1[i] + (1 - s.beta1) * g
                moment2[i] = s.beta2 * moment2[i] + (1 - s.beta2) * g * g
                let m = moment1[i] / (1 - pow(s.beta1, Double(t))), v = moment2[i] / (1 - pow(s.beta2, Double(t)))
                parameters[i] -= s.learning_rate * (m / (v.squareRoot() + s.epsilon) + s.weight_decay * parameters[i])
            }
        }
    }

    private func settings(step: Int, decay: Double = 0.1, scale: Double = 1) -> gpt_adamw {
        gpt_adamw(
            learning_rate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: decay,
            correction1: 1 - pow(0.9, Double(step)), correction2: 1 - pow(0.999, Double(step)), gradient_scale: scale)
    }

    @Test(
        "Ten steps against plain doubles", arguments: [1, 7, 16, 33, 1000, 16_385, 40_000], InstructionSet.available)
    func update(count: Int, set: InstructionSet) {
        var random = Philox(1)
        var parameters = (0..<count).map { _ in Float(random.nextNormal()) }
        let start = parameters
        var moment1 = [Float](repeating: 0, count: count), moment2 = moment1
        var plain = Plain(
            parameters: parameters.map(Double.init), moment1: moment1.map(Double.init),
            moment2: moment2.map(Double.init))
        let execution = Execution(instructionSet: set, threads: 1).kernels
        for step in 1...10 {
            // Gradients of many sizes, and one element that never gets any.
            let gradients = (0..<count).map { $0 == 5 ? 0 : Float(random.nextNormal() * pow(10, Double($0 % 9 - 6))) }
            var settings = settings(step: step, scale: step == 3 ? 0.25 : 1)
            gpt_adamw_update(execution, &settings, Int64(count), &parameters, gradients, &moment1, &moment2)
            plain.update(gradients, step: step, settings)
        }
        for i in 0..<count {
            // Relative to the ten steps taken, each at most about the learning rate.
            #expect(abs(Double(parameters[i]) - plain.parameters[i]) < 1e-6 * max(1, abs(plain.parameters[i])))
            #expect(
                abs(Double(moment1[i]) - plain.moment1[i]) <= 1e-6
                    * (abs(plain.moment1[i]) + plain.moment2[i].squareRoot()))
            #expect(abs(Double(moment2[i]) - plain.moment2[i]) <= 1e-6 * plain.moment2[i])
        }
        if count > 5 { #expect(abs(parameters[5] - start[5] * Float(pow(0.999, 10))) < 1e-5) }
    }

    @Test("The first step moves every parameter by the learning rate, whatever its gradient")
    func firstStep() {
        var parameters: [Float] = [1, 1, 1, 1], moment1: [Float] = [0, 0, 0, 0], moment2 = moment1
        var settings = settings(step: 1, decay: 0)
        gpt_adamw_update(
            Execution.kernels, &settings, 4, &parameters, [1e-3, -1e-3, 500, -2], &moment1, &moment2)
        for (parameter, expected) in zip(parameters, [0.99, 1.01, 0.99, 1.01] as [Float]) {
            #expect(abs(parameter - expected) < 1e-6)
        }
    }

    @Test("The number of threads changes no bit", arguments: InstructionSet.available)
    func threads(set: InstructionSet) {
        let count = 100_003
        var random = Philox(2)
        let gradients = (0..<count).map { _ in Float(random.nextNormal()) }
        func run(_ threads: Int) -> [[Float]] {
            var parameters = gradients.reversed() as [Float]
            var moment1 = [Float](repeating: 0.5, count: count), moment2 = moment1, settings = settings(step: 3)
            let execution = Execution(instructionSet: set, threads: threads).kernels
            gpt_adamw_update(execution, &settings, Int64(count), &parameters, gradients, &moment1, &moment2)
            let squares = gpt_sum_of_squares(execution, Int64(count), gradients)
            return [parameters, moment1, moment2, [Float(bitPattern: UInt32(truncatingIfNeeded: squares.bitPattern))]]
        }
        let one = run(1)
        for threads in 2...4 { #expect(run(threads) == one) }
    }

    @Test("Sum of squares", arguments: [0, 1, 15, 16, 1023, 1025, 16_384, 16_385, 300_000], InstructionSet.available)
    func sumOfSquares(count: Int, set: InstructionSet) {
        var random = Philox(3)
        let x = (0..<count).map { _ in Float(random.nextNormal() * 1e3) }
        let expected = x.reduce(0.0) { $0 + Double($1) * Double($1) }
        let execution = Execution(instructionSet: set, threads: 1).kernels
        #expect(abs(gpt_sum_of_squares(execution, Int64(count), x) - expected) <= 3e-7 * expected)
        if count > 0 {
            #expect(!gpt_sum_of_squares(execution, Int64(count), x.dropLast() + [.nan]).isFinite)
            #expect(!gpt_sum_of_squares(execution, Int64(count), x.dropLast() + [.infinity]).isFinite)
        }
    }
}
