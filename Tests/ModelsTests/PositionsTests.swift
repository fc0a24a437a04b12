import Models
import Tensors
import Testing

@Suite("Positions")
struct PositionsTests {
    @Test("Rotary frequencies are powers of the base")
    func frequencies() {
        let values = RotaryFrequencies(base: 10_000).values(headSize: 8)
        #expect(values.count == 4)
        for (value, expected) in zip(values, [1, 0.1, 0.01, 0.001]) { #expect(abs(value / expected - 1) < 1e-12) }
    }

    @Test("Scaling divides all frequencies, or those of long waves only")
    func scaling() {
        let plain = RotaryFrequencies(base: 10_000).values(headSize: 8)
        let linear = RotaryFrequencies(scaling: .linear(factor: 4)).values(headSize: 8)
        #expect(linear == plain.map { $0 / 4 })
        // A context of 1,000 holds 159, 15.9, 1.59 and 0.159 waves of the four frequencies.
        let llama = RotaryFrequencies(
            scaling: .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 1_000)
        ).values(headSize: 8)
        #expect(llama[0] == plain[0] && llama[1] == plain[1] && llama[3] == plain[3] / 8)
        let share = (1_000 * plain[2] / (2 * Double.pi) - 1) / 3
        #expect(abs(llama[2] - ((1 - share) * plain[2] / 8 + share * plain[2])) < 1e-15)
    }

    @Test("A table of positions has the same rows however it grew")
    func table() {
        let frequencies = AngleTable.frequencies(width: 6, base: 50)
        let grown = AngleTable(.rotary, width: 6, frequencies: frequencies)
        for count in [1, 2, 3, 9] { #expect(grown.rows(count).shape.rows >= count) }
        let whole = AngleTable(.rotary, width: 6, frequencies: frequencies).rows(9)
        #expect(Array(grown.rows(9).values.prefix(54)) == Array(whole.values.prefix(54)))
        #expect(Array(whole.values.prefix(6)) == [1, 1, 1, 0, 0, 0])
        let sinusoids = AngleTable(.sinusoidal, width: 3, frequencies: [1, 0.5])
        #expect(sinusoids.values(at: 0) == [0, 1, 0])
        let small = AngleTable(.sinusoidal, width: 3, frequencies: [1, 0.5], amplitude: 0.25)
        #expect(small.values(at: 0) == [0, 0.25, 0])
        #expect(abs(sinusoids.values(at: 2)[0] - 0.9092974268256817) < 1e-15)
    }

    /// What makes rotary positions useful: the product of a query and a key depends on their distance alone.
    @Test("Turned by rotary positions, products depend on distances")
    func relative() {
        var random = Philox(4)
        let query = Tensor.normal([8], deviation: 1, using: &random).values
        let key = Tensor.normal([8], deviation: 1, using: &random).values
        let table = AngleTable(.rotary, width: 8, frequencies: RotaryFrequencies().values(headSize: 8))
        func turned(_ vector: [Float], at position: Int) -> [Float] {
            Rotary(table, from: .same(position)).forward([Tensor([1, 1, 8], vector)], recording: false).output.values
        }
        func product(_ i: Int, _ j: Int) -> Float {
            zip(turned(query, at: i), turned(key, at: j)).reduce(0) { $0 + $1.0 * $1.1 }
        }
        #expect(abs(product(5, 2) - product(103, 100)) < 1e-4)
        #expect(abs(product(5, 2) - product(5, 3)) > 1e-2)
    }
}
