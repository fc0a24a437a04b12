import Testing
import Verification

@Suite("The time of exchanges by the number of ranks")
struct ExchangeModelTests {
    @Test("Each rank of two sends as many bytes as the gradients have, in the time that latency leaves")
    func twoRanks() {
        let model = ExchangeModel(ofTwoRanks: 1.5, bytes: 1_000_000, rounds: 5, latency: 0.1)
        #expect(abs((model.bytesPerSecond ?? 0) - 1e6) < 1)
        #expect(abs(model.seconds(ranks: 2) - 1.5) < 1e-9)
    }

    @Test("More ranks send more bytes, at most twice the gradients, and a message to each other rank")
    func moreRanks() {
        let model = ExchangeModel(ofTwoRanks: 1.5, bytes: 1_000_000, rounds: 5, latency: 0.1)
        #expect(abs(model.seconds(ranks: 4) - (5 * 3 * 0.1 + 1.5)) < 1e-9)
        let fast = ExchangeModel(ofTwoRanks: 1, bytes: 1_000_000, rounds: 5, latency: 0)
        let times = [2, 4, 8, 1 << 20].map { fast.seconds(ranks: $0) }
        #expect(times == times.sorted() && times[3] < 2 && times[3] > 1.99)
    }

    @Test("Gradients that take no longer than the shortest messages give no bandwidth")
    func shorterThanLatency() {
        let model = ExchangeModel(ofTwoRanks: 1e-6, bytes: 100, rounds: 3, latency: 1e-3)
        #expect(model.bytesPerSecond == nil)
        #expect(abs(model.seconds(ranks: 16) - 3 * 15 * 1e-3) < 1e-12)
    }
}
