/// A model of the time t(n), in seconds, of an exchange of gradients among n ranks:
///
///     t(n) = m L (n - 1) + 2 S (n - 1) / n / B
///
/// | | |
/// |---|---|
/// | m | the number of rounds; in each round, every rank sends one message to every other rank |
/// | L | the latency in seconds: the time of the shortest message between two ranks |
/// | S | the size of the gradients in bytes |
/// | B | the bandwidth: the bytes per second that a rank sends, including the time for the sums |
///
/// Every rank sends 2 S (n - 1) / n bytes. All ranks send at the same time, so the model assumes that the network between the
/// machines is fast enough for all of them.
public struct ExchangeModel: Sendable {
    /// m, the number of rounds.
    public let rounds: Int
    /// L, the latency in seconds.
    public let latency: Double
    /// S, the size of the gradients in bytes.
    public let bytes: Int
    /// B, the bandwidth in bytes per second; nil if the gradients are too small to measure it.
    public let bytesPerSecond: Double?

    /// Creates a model from a measurement with two ranks.
    /// - Parameters:
    ///   - seconds: the measured time of an exchange of gradients.
    ///   - bytes: the size of the gradients.
    ///   - rounds: the number of rounds.
    ///   - latency: the measured time of the shortest message.
    public init(ofTwoRanks seconds: Double, bytes: Int, rounds: Int, latency: Double) {
        (self.bytes, self.rounds, self.latency) = (bytes, rounds, latency)
        let rest = seconds - Double(rounds) * latency
        bytesPerSecond = rest > 0 ? Double(bytes) / rest : nil
    }

    /// The number of bytes that each rank sends in a step.
    static func bytesSent(_ bytes: Int, ranks: Int) -> Double { 2 * Double(bytes) * Double(ranks - 1) / Double(ranks) }

    /// The time t(n) of an exchange, in seconds.
    public func seconds(ranks: Int) -> Double {
        Double(rounds * (ranks - 1)) * latency
            + (bytesPerSecond.map { Self.bytesSent(bytes, ranks: ranks) / $0 } ?? 0)
    }
}
