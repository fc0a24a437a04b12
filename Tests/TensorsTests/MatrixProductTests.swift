import Tensors
import TestSupport
import Testing

/// Products of matrices in every layout, precision and size that takes another way through the kernel.
@Suite("Matrix products")
struct MatrixProductTests {
    /// The sum over p of the products of factors that were rounded, in double, plus what is there.
    private func expected(
        _ a: Tensor, _ b: Tensor, transposesA: Bool, transposesB: Bool, precision: Precision, plus c: Tensor
    ) -> [Double] {
        let (m, n) = c.shape.two, k = transposesA ? a.shape[0] : a.shape[1]
        let round = { (x: Float) in Double(precision == .bfloat16 ? roundedToBFloat16(x) : x) }
        let (x, y, z) = (a.values.map(round), b.values.map(round), c.values)
        return (0..<m * n).map { index in
            let (i, j) = (index / n, index % n)
            return (0..<k).reduce(Double(z[index])) {
                $0 + x[transposesA ? $1 * m + i : i * k + $1] * y[transposesB ? j * k + $1 : $1 * n + j]
            }
        }
    }

    @Test("Both factors are rounded, and nothing else", arguments: KernelShapes.products, InstructionSet.available)
    func products(shape: (m: Int, n: Int, k: Int), set: InstructionSet) {
        let (m, n, k) = shape
        var random = Philox(UInt64(m * n * k))
        let c = Tensor.normal([m, n], deviation: 1, using: &random)
        for precision in Precision.allCases {
            for (transposesA, transposesB) in [(false, false), (true, false), (false, true), (true, true)] {
                let a = Tensor.normal(transposesA ? [k, m] : [m, k], deviation: 1, using: &random)
                let b = Tensor.normal(transposesB ? [n, k] : [k, n], deviation: 1, using: &random)
                func product(_ threads: Int) -> [Float] {
                    let out = c.copy()
                    let execution = Execution(instructionSet: set, threads: threads, precision: precision)
                    Execution.$current.withValue(execution) {
                        MatrixProduct.multiply(
                            transposesA ? Matrix(a).transposed : Matrix(a),
                            transposesB ? Matrix(b).transposed : Matrix(b), into: Matrix(out), add: true)
                    }
                    return out.values
                }
                let one = product(1)
                let reference = expected(
                    a, b, transposesA: transposesA, transposesB: transposesB, precision: precision, plus: c)
                #expect(
                    largestError(one.map(Double.init), reference) < 4e-6, "\(precision) \(transposesA) \(transposesB)")
                #expect(product(2) == one && product(3) == one, "threads change the bits")
            }
        }
    }

    @Test("What comes after a product comes once, however the product is cut", arguments: KernelShapes.products)
    func epilogues(shape: (m: Int, n: Int, k: Int)) {
        let (m, n, k) = shape
        var random = Philox(UInt64(m * n * k + 2))
        let residual = Tensor.normal([m, n], deviation: 1, using: &random)
        let bias = Tensor.normal([n], deviation: 1, using: &random)
        for transposesA in [false, true] {
            let a = Tensor.normal(transposesA ? [k, m] : [m, k], deviation: 1, using: &random)
            let b = Tensor.normal([k, n], deviation: 1, using: &random)
            let both = Tensor([m, n]), product = Tensor([m, n])
            Execution.$current.withValue(Execution(threads: 2)) {
                let a = transposesA ? Matrix(a).transposed : Matrix(a)
                MatrixProduct.multiply(a, Matrix(b), into: Matrix(product))
                MatrixProduct.multiply(
                    a, Matrix(b), into: Matrix(both), epilogue: .bias(bias, residual: Matrix(residual)))
            }
            let expected = zip(product.values, residual.values).enumerated().map { index, pair in
                Double(pair.0) + Double(bias.values[index % n]) + Double(pair.1)
            }
            #expect(largestError(both.values.map(Double.init), expected) < 4e-6)
        }
    }

    @Test("Sums of columns come along, unrounded", arguments: KernelShapes.products, InstructionSet.available)
    func columnSums(shape: (m: Int, n: Int, k: Int), set: InstructionSet) {
        let (m, n, k) = shape
        var random = Philox(UInt64(m * n * k + 1))
        let x = Tensor.normal([k, m], deviation: 1, using: &random),
            gradient = Tensor.normal([k, n], deviation: 1, using: &random)
        for precision in Precision.allCases {
            for add in [false, true] {
                let weight = Tensor([m, n]), sums = Tensor([n], filledWith: 3)
                let execution = Execution(instructionSet: set, threads: 2, precision: precision)
                Execution.$current.withValue(execution) {
                    MatrixProduct.gradients(of: (weight, false), bias: (sums, add), input: Matrix(x), Matrix(gradient))
                }
                let elements = gradient.values
                let reference = (0..<n).map { j in
                    (0..<k).reduce(add ? 3.0 : 0) { $0 + Double(elements[$1 * n + j]) }
                }
                #expect(largestError(sums.values.map(Double.init), reference) < 2e-6)
            }
        }
    }

    /// Where another library makes the product, this is what is left to the kernel.
    @Test("A product over nothing, on top of what is there, is the epilogue", arguments: [1, 12, 13, 150])
    func epilogueAlone(rows: Int) {
        var random = Philox(UInt64(rows))
        let shape: Shape = [rows, 77]
        let c = Tensor.normal(shape, deviation: 1, using: &random),
            more = Tensor.normal(shape, deviation: 1, using: &random)
        let bias = Tensor.normal([77], deviation: 1, using: &random)
        let nothing = (Tensor([rows, 0]), Tensor([0, 77]))
        func result(_ epilogue: MatrixProduct.Epilogue) -> [Float] {
            let out = c.copy()
            MatrixProduct.multiply(
                Matrix(nothing.0), Matrix(nothing.1), into: Matrix(out), add: true, epilogue: epilogue)
            return out.values
        }
        let (x, y, b) = (c.values, more.values, bias.values)
        let sums = x.indices.map { x[$0] + b[$0 % 77] }
        #expect(result(.none) == x)
        #expect(result(.bias(bias, residual: Matrix(more))) == x.indices.map { sums[$0] + y[$0] })
        #expect(result(.bias(nil, residual: Matrix(more))) == x.indices.map { x[$0] + y[$0] })
        #expect(result(.activation(.relu, bias: bias, before: nil)) == sums.map { max(0, $0) })
        #expect(
            result(.activation(.relu, bias: bias, before: nil, times: Matrix(more)))
                == sums.indices.map { max(0, sums[$0]) * y[$0] })
        #expect(
            result(.activation(.identity, bias: nil, before: nil, times: Matrix(more)))
                == x.indices.map { x[$0] * y[$0] })
    }

    @Test("What an activation was applied to is kept, as floats or as bfloat16", arguments: [1, 77, 130], [1, 7, 40])
    func keptRows(columns: Int, rows: Int) {
        var random = Philox(UInt64(rows * columns))
        let shape: Shape = [rows, columns], nothing = (Tensor([rows, 0]), Tensor([0, columns]))
        let x = Tensor.normal(shape, deviation: 1, using: &random), zero = Tensor([columns])
        for set in InstructionSet.available {
            for precision in Precision.allCases {
                Execution.$current.withValue(Execution(instructionSet: set, threads: 2, precision: precision)) {
                    let kept = SavedRows(rows: rows + 3, columns: columns).from(3)
                    let out = x.copy(), slopes = Tensor(shape, filledWith: 1), value = Tensor(shape)
                    MatrixProduct.multiply(
                        Matrix(nothing.0), Matrix(nothing.1), into: Matrix(out), add: true,
                        epilogue: .activation(.identity, bias: zero, before: kept))
                    MatrixProduct.multiply(
                        Matrix(nothing.0), Matrix(nothing.1), into: Matrix(slopes), add: true,
                        epilogue: .slope(.relu, at: kept, value: Matrix(value)))
                    let expected = precision == .bfloat16 ? x.values.map(roundedToBFloat16) : x.values
                    #expect(out.values == x.values)
                    #expect(value.values == expected.map { max(0, $0) })
                    #expect(slopes.values == expected.map { $0 > 0 ? 1 : 0 })
                }
            }
        }
    }

    /// With ReLU, whose slope is 0 or 1, every result is a product of two numbers or 0.
    @Test("The slope of an activation that was a gate", arguments: [1, 77, 130], [1, 7, 40])
    func gatedSlope(columns: Int, rows: Int) {
        var random = Philox(UInt64(rows * columns))
        let shape: Shape = [rows, columns], nothing = (Tensor([rows, 0]), Tensor([0, columns]))
        let tensors = (0..<3).map { _ in Tensor.normal(shape, deviation: 1, using: &random) }
        for set in InstructionSet.available {
            for precision in Precision.allCases {
                Execution.$current.withValue(Execution(instructionSet: set, threads: 2, precision: precision)) {
                    func multiply(into c: Tensor, _ epilogue: MatrixProduct.Epilogue) {
                        MatrixProduct.multiply(
                            Matrix(nothing.0), Matrix(nothing.1), into: Matrix(c), add: true, epilogue: epilogue)
                    }
                    let kept = tensors[..<2].map { tensor in
                        let rows = SavedRows(rows: rows, columns: columns)
                        multiply(into: tensor.copy(), .activation(.identity, bias: nil, before: rows))
                        return rows
                    }
                    let slopes = tensors[2].copy(), value = Tensor(shape), gradient = Tensor(shape)
                    multiply(
                        into: slopes,
                        .slope(.relu, at: kept[0], value: Matrix(value), times: (kept[1], gradient: Matrix(gradient))))
                    let round = { (x: Float) in precision == .bfloat16 ? roundedToBFloat16(x) : x }
                    let (gate, up, d) = (tensors[0].values.map(round), tensors[1].values.map(round), tensors[2].values)
                    #expect(value.values == gate.indices.map { max(0, gate[$0]) * up[$0] })
                    #expect(gradient.values == gate.indices.map { d[$0] * max(0, gate[$0]) })
                    #expect(slopes.values == gate.indices.map { gate[$0] > 0 ? d[$0] * up[$0] : 0 })
                }
            }
        }
    }

    @Test(
        "A right factor that is packed before gives the same bits", arguments: KernelShapes.products,
        InstructionSet.available)
    func packed(shape: (m: Int, n: Int, k: Int), set: InstructionSet) {
        let (m, n, k) = shape
        var random = Philox(UInt64(m + n + k))
        let a = Tensor.normal([m, k], deviation: 1, using: &random)
        for precision in Precision.allCases {
            for transposesB in [false, true] {
                let b = Tensor.normal(transposesB ? [n, k] : [k, n], deviation: 1, using: &random)
                let right = transposesB ? Matrix(b).transposed : Matrix(b)
                let (one, other) = (Tensor([m, n]), Tensor([m, n]))
                Execution.$current.withValue(Execution(instructionSet: set, threads: 2, precision: precision)) {
                    MatrixProduct.multiply(Matrix(a), right, into: Matrix(one))
                    MatrixProduct.multiply(Matrix(a), right, packed: PackedMatrix(right), into: Matrix(other))
                }
                #expect(one.values == other.values)
            }
        }
    }
}
