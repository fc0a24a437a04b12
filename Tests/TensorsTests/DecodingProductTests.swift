import Synchronization
import Tensors
import TestSupport
import Testing

/// Products off the tape, with weights as they lie and packed, held against sums in double precision of the same numbers.
@Suite("Products of few rows with a weight")
struct DecodingProductTests {
    private func random(_ shape: Shape, seed: UInt64) -> Tensor {
        var random = Philox(seed)
        return .normal(shape, deviation: 1, using: &random)
    }

    private func execution(_ set: InstructionSet, _ format: WeightFormat, threads: Int = 1) -> Execution {
        Execution(instructionSet: set, threads: threads, weightFormat: format)
    }

    @Test("Every element is the sum of its products", arguments: KernelShapes.weights, InstructionSet.available)
    func sums(shape: (inputs: Int, outputs: Int), set: InstructionSet) {
        let (I, O) = shape
        for isTransposed in [false, true] {
            let weight = Parameter(random(isTransposed ? [O, I] : [I, O], seed: 1)), bias = random([O], seed: 2)
            for format in WeightFormat.allCases {
                Execution.$current.withValue(execution(set, format)) {
                    // (I, O), whatever the form of the weight.
                    var w = weight.value.values
                    if let packing = format.packing {
                        w = weight.packed(as: packing, transposed: isTransposed).unpacked().values
                    } else if isTransposed {
                        w = (0..<I * O).map { weight.value.values[$0 % O * I + $0 / O] }
                    }
                    for rows in [1, 2, 3, 4, 5, 6, 7, 11, 12] {
                        let x = random([rows, I], seed: 3)
                        let y = DecodingProduct.apply(
                            x, weight, transposed: isTransposed, bias: bias, activation: .relu)
                        var factors = x.values
                        if format == .bfloat16 { factors = factors.map(roundedToBFloat16) }
                        if format == .int8 { factors = roundedInBlocks(factors, columns: I) }
                        for (i, value) in y.values.enumerated() {
                            var sum = Double(bias.values[i % O])
                            var size = abs(sum)
                            for p in 0..<I {
                                let product = Double(factors[i / O * I + p]) * Double(w[p * O + i % O])
                                sum += product
                                size += abs(product)
                            }
                            guard abs(Double(value) - max(0, sum)) <= 1e-6 * size else {
                                Issue.record("\(format), \(rows) rows, element \(i): \(value), not \(max(0, sum))")
                                return
                            }
                        }
                    }
                }
            }
        }
    }

    @Test("A residual is added to every row", arguments: WeightFormat.allCases, [1, 5, 20])
    func residual(format: WeightFormat, rows: Int) {
        let (I, O) = (40, 70), x = random([rows, I], seed: 1), residual = random([rows, O], seed: 2)
        for isTransposed in [false, true] {
            let weight = Parameter(random(isTransposed ? [O, I] : [I, O], seed: 3))
            Execution.$current.withValue(execution(Execution.preferred, format)) {
                let plain = DecodingProduct.apply(x, weight, transposed: isTransposed).values
                let sum = DecodingProduct.apply(x, weight, transposed: isTransposed, addingTo: residual).values
                #expect(zip(sum, zip(plain, residual.values)).allSatisfy { abs($0 - ($1.0 + $1.1)) < 1e-5 })
            }
        }
    }

    @Test("What comes of an activation is multiplied by a factor", arguments: WeightFormat.allCases, [1, 5, 20])
    func factor(format: WeightFormat, rows: Int) {
        let (I, O) = (40, 70), x = random([rows, I], seed: 1), factor = random([rows, O], seed: 2)
        for isTransposed in [false, true] {
            let weight = Parameter(random(isTransposed ? [O, I] : [I, O], seed: 3))
            Execution.$current.withValue(execution(Execution.preferred, format)) {
                for activation in [Activation.identity, .silu] {
                    func product(times factor: Tensor?) -> [Float] {
                        DecodingProduct.apply(
                            x, weight, transposed: isTransposed, activation: activation, times: factor
                        ).values
                    }
                    let plain = product(times: nil)
                    #expect(product(times: factor) == zip(plain, factor.values).map { $0 * $1 })
                }
            }
        }
    }

    /// Of weights that are and that are not read in chunks of rows, all large enough to be shared among threads.
    @Test(
        "The bits do not depend on the number of threads", arguments: WeightFormat.allCases,
        [(1, 900), (1, 1800), (3, 400), (8, 400), (8, 700)])
    func threads(format: WeightFormat, size: (rows: Int, outputs: Int)) {
        let (I, O) = (300, size.outputs), x = random([size.rows, I], seed: 1)
        for isTransposed in [false, true] {
            let weight = Parameter(random(isTransposed ? [O, I] : [I, O], seed: 2))
            let results = [1, 2, 3, 7].map { threads in
                Execution.$current.withValue(execution(Execution.preferred, format, threads: threads)) {
                    // Packed again by as many threads.
                    weight.didChange()
                    return DecodingProduct.apply(x, weight, transposed: isTransposed).values
                }
            }
            #expect(results.allSatisfy { $0 == results[0] })
        }
    }

    @Test(
        "bfloat16 is the nearest; an 8-bit integer is off by half a scale at most", arguments: InstructionSet.available)
    func packing(set: InstructionSet) {
        let (I, O) = (100, 70), weight = random([I, O], seed: 1)
        // Blocks of nothing but zeros, of one large number, and of numbers that are equal.
        weight.withElements { w in
            for p in 0..<I {
                w[p * O] = 0
                w[p * O + 1] = p == 40 ? 1e20 : 1e-20
                w[p * O + 2] = -3
            }
        }
        Execution.$current.withValue(execution(set, .float32)) {
            let values = weight.values
            let halves = PackedWeight(Matrix(weight), as: .bfloat16).unpacked().values
            #expect(halves == values.map(roundedToBFloat16))
            let integers = PackedWeight(Matrix(weight), as: .int8)
            #expect(integers.bytes < I * 128 * 110 / 100, "a byte for each weight of two panels, and the scales")
            let bounds = largestIntegerErrors(values, inputs: I, outputs: O)
            for (i, value) in integers.unpacked().values.enumerated() {
                #expect(Double(abs(value - values[i])) <= bounds[i])
            }
        }
    }

    @Test("What is not a number in a weight is not lost", arguments: InstructionSet.available)
    func notANumber(set: InstructionSet) {
        for bad in [Float.nan, .infinity] {
            let weight = Parameter(random([70, 65], seed: 1))
            weight.value.withElements { $0[40 * 65 + 64] = bad }
            for format in WeightFormat.allCases {
                let y = Execution.$current.withValue(execution(set, format)) {
                    DecodingProduct.apply(random([1, 70], seed: 2), weight)
                }
                #expect(!y.values[64].isFinite)
                let others = y.values[..<64].allSatisfy(\.isFinite)
                #expect(others)
            }
        }
    }

    @Test("A weight that changes is packed again")
    func changes() {
        let weight = Parameter(random([40, 50], seed: 1))
        let first = weight.packed(as: .int8, transposed: false)
        #expect(weight.packed(as: .int8, transposed: false) === first)
        #expect(weight.packed(as: .bfloat16, transposed: false) !== first)
        weight.load(random([40, 50], seed: 2).values)
        #expect(weight.packed(as: .int8, transposed: false).unpacked().values != first.unpacked().values)
        let update = AdamWUpdate(
            learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, step: 1, gradientScale: 1)
        let before = weight.packed(as: .bfloat16, transposed: false)
        update.apply(
            weight, gradient: random([40, 50], seed: 3), moment1: Tensor([40, 50]), moment2: Tensor([40, 50]))
        #expect(weight.packed(as: .bfloat16, transposed: false).unpacked().values != before.unpacked().values)
    }
    @Test("Several threads that need a packed weight get the same one")
    func sharing() {
        // Read by all threads, which is what is tested.
        nonisolated(unsafe) let weight = Parameter(random([200, 300], seed: 1))
        let found = Mutex<[ObjectIdentifier: Int]>([:])
        Execution(threads: 8).forEach(below: 64) { i in
            let packed = weight.packed(as: .int8, transposed: false)
            found.withLock { $0[ObjectIdentifier(packed), default: 0] += 1 }
        }
        #expect(found.withLock { $0 } == [ObjectIdentifier(weight.packed(as: .int8, transposed: false)): 64])
    }
}
