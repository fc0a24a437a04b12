import Testing
import Verification

@Suite("The time of exchanges by the number of ranks")
struct ExchangeModelTests {
    @Test("The model gives the measurement that it is made from", arguments: [2, 3, 8])
    func agreement(ranks: Int) {
        let model = ExchangeModel(measured: 0.3, ranks: ranks, bytes: 1_000_000, rounds: 3, latency: 0.01)
        #expect(abs(model.seconds(ranks: ranks) - 0.3) < 1e-12)
    }

    @Test("More ranks send more bytes, at most twice the gradients")
    func growth() {
        let model = ExchangeModel(measured: 1.5, ranks: 2, bytes: 1_000_000, rounds: 5, latency: 0.1)
        // A rank of two sends a megabyte in the second that latency leaves.
        #expect(abs(model.bytesPerSecond - 1e6) < 1)
        let times = [2, 4, 8, 1 << 20].map { model.seconds(ranks: $0) }
        #expect(times == times.sorted() && abs(times[1] - 2) < 1e-9 && times[3] < 2.5)
    }

    @Test("A measurement that is shorter than the latency gives a finite time")
    func shorterThanLatency() {
        let model = ExchangeModel(measured: 1e-6, ranks: 2, bytes: 100, rounds: 3, latency: 1e-3)
        #expect(model.bytesPerSecond.isFinite && model.seconds(ranks: 16) < 4e-3)
    }
}
