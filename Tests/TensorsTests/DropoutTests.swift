import CKernels
import Tensors
import TestSupport
import Testing

@Suite("Random numbers")
struct RandomTests {
    /// The known answers that Random123 publishes for philox4x32-10: counter, key, words.
    static let answers: [([UInt32], [UInt32], [UInt32])] = [
        ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
        (
            [UInt32](repeating: .max, count: 4), [.max, .max],
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        ),
        (
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        ),
    ]

    @Test("Philox gives the published answers", arguments: answers)
    func knownAnswers(counter: [UInt32], key: [UInt32], words: [UInt32]) {
        func wide(_ low: UInt32, _ high: UInt32) -> UInt64 { UInt64(low) | UInt64(high) << 32 }
        let block = Philox.block(
            counter: (wide(counter[0], counter[1]), wide(counter[2], counter[3])), key: wide(key[0], key[1]))
        #expect([block.0, block.1, block.2, block.3] == words)
    }

    @Test("A stream goes through its counters word by word, and is a function of its purpose")
    func stream() {
        var random = Philox(key: 9)
        for counter in 0..<3 as Range<UInt64> {
            let words = Philox.block(counter: (counter, 0), key: 9)
            #expect(random.next() == UInt64(words.0) | UInt64(words.1) << 32)
            #expect(random.next() == UInt64(words.2) | UInt64(words.3) << 32)
        }
        let purposes: [[UInt64]] = [[], [0], [1], [0, 0], [0, 1], [1, 0], [1 << 32], [0, 0, 0]]
        #expect(Set(purposes.map(Philox.key)).count == purposes.count)
        var same = Philox(1, 2), again = Philox(1, 2)
        #expect((0..<9).map { _ in same.next() } == (0..<9).map { _ in again.next() })
    }

    @Test("Uniform and normal numbers have their moments")
    func moments() {
        let count = 40_000
        var random = Philox(4)
        let uniform = (0..<count).map { _ in random.nextUniform() }
        #expect(uniform.allSatisfy { $0 >= 0 && $0 < 1 })
        #expect(abs(mean(uniform) - 0.5) < 0.01)
        #expect(abs(mean(uniform.map { $0 * $0 }) - 1.0 / 3) < 0.01)
        let normal = (0..<count).map { _ in random.nextNormal() }
        #expect(abs(mean(normal)) < 0.02)
        #expect(abs(mean(normal.map { $0 * $0 }) - 1) < 0.03)
        #expect(abs(mean(normal.map { $0 * $0 * $0 * $0 }) - 3) < 0.2)
        // A normal number is within 1.959964 of its mean 95 times in a hundred.
        #expect(abs(mean(normal.map { abs($0) < 1.959964 ? 1 : 0 }) - 0.95) < 0.005)
    }

    private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
}

@Suite("Dropout")
struct DropoutTests {
    /// Which elements are kept, by the reference.
    private func expectedMask(_ dropout: Dropout, _ shape: Shape) -> [Bool] {
        var interpreter = DoubleInterpreter()
        let ones = DoubleTensor(Tensor(shape, filledWith: 1))
        return dropout.reference([ones], &interpreter).elements.map { $0 != 0 }
    }

    @Test(
        "The mask is the reference's, for every vector width and number of threads",
        arguments: [1, 5, 15, 16, 17, 63, 64, 65, 200, 257], InstructionSet.available)
    func mask(columns: Int, set: InstructionSet) {
        let shape: Shape = [53, columns], dropout = Dropout(rate: 0.3, key: 0x1234_5678_9abc_def0)
        let expected = expectedMask(dropout, shape)
        for threads in 1...4 {
            Execution.$current.withValue(Execution(instructionSet: set, threads: threads)) {
                let output = dropout.forward([Tensor(shape, filledWith: 2)], recording: true).output.values
                #expect(output == expected.map { $0 ? 2 * (1 / (1 - Float(0.3))) : 0 })
            }
        }
    }

    @Test("The share of dropped elements is the rate", arguments: [0, 0.05, 0.1, 0.5, 0.9] as [Float])
    func rate(rate: Float) {
        let count = 400 * 250
        let output = Dropout(rate: rate, key: 11).forward([Tensor([400, 250], filledWith: 1)], recording: true).output
        let dropped = Double(output.values.filter { $0 == 0 }.count) / Double(count)
        // Five standard deviations of a binomial share.
        #expect(abs(dropped - Double(rate)) <= 5 * (Double(rate) * (1 - Double(rate)) / Double(count)).squareRoot())
        // What is kept is scaled so that the mean stays.
        let mean = output.values.reduce(0.0) { $0 + Double($1) } / Double(count)
        #expect(abs(mean - 1) < 0.02)
    }

    @Test("Masks of different keys, rows and columns are independent")
    func independence() {
        let shape: Shape = [64, 256]
        func mask(_ key: UInt64) -> [Bool] {
            Dropout(rate: 0.5, key: key).forward([Tensor(shape, filledWith: 1)], recording: true).output.values
                .map { $0 != 0 }
        }
        func agreement(_ a: ArraySlice<Bool>, _ b: ArraySlice<Bool>) -> Double {
            Double(zip(a, b).filter { $0 == $1 }.count) / Double(min(a.count, b.count))
        }
        let all = mask(1)
        for key in [0, 2, 1 << 32 | 1, 1 << 63 | 1] as [UInt64] {
            #expect(abs(agreement(all[...], mask(key)[...]) - 0.5) < 0.02)
        }
        #expect(mask(1) == all)
        for distance in [1, 2, 16, 64, 256, 512] {
            #expect(abs(agreement(all.dropLast(distance), all.dropFirst(distance)) - 0.5) < 0.02)
        }
    }

    @Test("Rows are counted from the first row of the call", arguments: InstructionSet.available)
    func firstRow(set: InstructionSet) {
        let execution = Execution(instructionSet: set, threads: 1).kernels
        let x = [Float](repeating: 1, count: 40 * 70)
        var whole = x, parts = x
        let far: UInt64 = 1 << 32 - 20  // the row number passes 32 bits on the way
        gpt_dropout(execution, 40, 70, far, 5, 0.5, x, &whole, false)
        gpt_dropout(execution, 13, 70, far, 5, 0.5, x, &parts, false)
        parts.withUnsafeMutableBufferPointer {
            guard let start = $0.baseAddress else { return }
            gpt_dropout(execution, 27, 70, far + 13, 5, 0.5, x, start + 13 * 70, false)
        }
        #expect(parts == whole)
        let masks = (0..<40).map { row -> [Bool] in whole[(row * 70)..<(row * 70 + 70)].map { $0 != 0 } }
        #expect(Set(masks).count == 40, "two rows have the same mask")
    }
}
