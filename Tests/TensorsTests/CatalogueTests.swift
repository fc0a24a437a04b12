import Tensors
import TestSupport
import Testing

/// What holds for every op and loss, on every shape of the catalogue and every instruction set of the machine.
@Suite("The catalogue of ops")
struct CatalogueTests {
    @Test("Forward agrees with the reference", arguments: Catalogue.samples, InstructionSet.available)
    func forward(sample: Sample, set: InstructionSet) {
        onOneThread(set) {
            let output = sample.run().output
            let error = largestError(output, sample.oracle.output)
            #expect(error <= sample.tolerance)
            #expect(sample.output(.inference) == output, "recording changes the output")
            #expect(sample.output(.serving) == output, "packing weights beforehand changes the output")
        }
    }

    /// In 32-bit floats, where weights are not packed.
    @Test("Generation computes what the reference says", arguments: Catalogue.samples, InstructionSet.available)
    func decode(sample: Sample, set: InstructionSet) {
        onOneThread(set) {
            #expect(largestError(sample.output(.decoding), sample.oracle.output) <= sample.tolerance)
        }
    }

    @Test("Backward agrees with finite differences", arguments: Catalogue.samples, InstructionSet.available)
    func backward(sample: Sample, set: InstructionSet) throws {
        let gradients = try onOneThread(set) { try sample.run().gradients.map { try #require($0).values } }
        for probe in sample.oracle.probes {
            let (derivative, spread) = probe.direction.derivative(gradients[probe.input])
            let bound = sample.tolerance * (abs(probe.derivative) + spread) + 1e-8
            #expect(
                abs(derivative - probe.derivative) <= bound, "input \(probe.input) along \(probe.direction)")
        }
    }

    @Test("Every instruction set agrees with scalar", arguments: Catalogue.samples, InstructionSet.available)
    func instructionSets(sample: Sample, set: InstructionSet) throws {
        let scalar = onOneThread(.scalar) { sample.run() }, other = onOneThread(set) { sample.run() }
        #expect(largestError(other.output, scalar.output) <= 2 * sample.tolerance)
        for (a, b) in zip(other.gradients, scalar.gradients) {
            let (a, b) = try (doubles(#require(a)), doubles(#require(b)))
            #expect(largestError(a, b) <= 2 * sample.tolerance)
        }
    }

    @Test("The number of threads changes no bit", arguments: Catalogue.samples, InstructionSet.available)
    func threads(sample: Sample, set: InstructionSet) throws {
        let one = onOneThread(set) { sample.run() }
        for threads in 2...4 {
            let several = Execution.$current.withValue(Execution(instructionSet: set, threads: threads)) {
                sample.run()
            }
            #expect(several.output == one.output, "\(threads) threads")
            for (a, b) in zip(several.gradients, one.gradients) {
                try #expect(#require(a).values == #require(b).values, "\(threads) threads")
            }
        }
    }

    /// A factor rounded to bfloat16 is off by up to 2^-9 of itself, and errors of the factors of a sum partly cancel.
    @Test("In bfloat16, both stay within its rounding", arguments: Catalogue.samples, InstructionSet.available)
    func bfloat16(sample: Sample, set: InstructionSet) throws {
        func run(_ threads: Int) throws -> (output: [Double], gradients: [[Float]]) {
            let execution = Execution(instructionSet: set, threads: threads, precision: .bfloat16)
            return try Execution.$current.withValue(execution) {
                let pass = sample.run()
                return (pass.output, try pass.gradients.map { try #require($0).values })
            }
        }
        let tolerance = sample.roundedTolerance, one = try run(1)
        #expect(largestError(one.output, sample.oracle.output) <= tolerance)
        for probe in sample.oracle.probes {
            let (derivative, spread) = probe.direction.derivative(one.gradients[probe.input])
            #expect(
                abs(derivative - probe.derivative) <= tolerance * (abs(probe.derivative) + spread) + 1e-8,
                "input \(probe.input) along \(probe.direction)")
        }
        let three = try run(3)
        #expect(three.output == one.output && three.gradients == one.gradients, "three threads give other bits")
    }

    /// Sums may be taken in another order where less is wanted: that of a bias is a by-product of that of its weight.
    @Test("A gradient goes only where it is wanted", arguments: Catalogue.samples)
    func unwantedGradients(sample: Sample) {
        onOneThread {
            let all = sample.run()
            for choice in 0..<1 << sample.inputs.count {
                let wanted = sample.inputs.indices.map { choice >> $0 & 1 == 1 }
                let pass = sample.run(wanting: wanted)
                #expect(pass.output == all.output)
                for i in sample.inputs.indices {
                    #expect((pass.gradients[i] != nil) == (wanted[i] && all.gradients[i] != nil))
                    guard let gradient = pass.gradients[i], let expected = all.gradients[i] else { continue }
                    #expect(
                        largestError(doubles(gradient), doubles(expected)) <= 1e-5, "input \(i), wanted \(wanted)")
                }
            }
        }
    }

    /// Gradients that are there already are added to where nobody else holds them, and copied first where someone does.
    @Test("A gradient is added to what is there", arguments: Catalogue.samples, InstructionSet.available)
    func accumulation(sample: Sample, set: InstructionSet) throws {
        try onOneThread(set) {
            let fresh = sample.run().gradients
            var random = Philox(3)
            let there = try fresh.map {
                let gradient = try #require($0)
                let deviation = 1 + rootMeanSquare(doubles(gradient))
                return Tensor.normal(gradient.shape, deviation: deviation, using: &random)
            }
            let values = there.map(\.values)
            let copied = sample.run(from: there).gradients
            let added = sample.run(from: there.map { $0.copy() }).gradients
            for i in there.indices {
                #expect(there[i].values == values[i], "a gradient that is shared was overwritten")
                let expected = try zip(doubles(there[i]), doubles(#require(fresh[i]))).map { $0 + $1 }
                try #expect(largestError(doubles(#require(added[i])), expected) <= sample.tolerance)
                #expect(copied[i]?.values == added[i]?.values)
            }
        }
    }

    private func doubles(_ tensor: Tensor) -> [Double] { tensor.values.map(Double.init) }
}
