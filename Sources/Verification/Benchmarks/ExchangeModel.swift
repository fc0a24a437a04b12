/// What an exchange of gradients takes, by the number of ranks n:
///
///     t(n) = m L (n - 1) + 2 S (n - 1) / n / B
///
/// m is the number of exchanges of messages, one after the other; in each, a rank sends a message to each of the n - 1 others. L
/// is the latency, the time of the shortest message between two ranks. S is the size of the gradients, of which each rank sends
/// 2 S (n - 1) / n bytes, and B the bytes that it sends in a second, including the summation. All ranks send at the same time, so B
/// depends on the network of a rank, not on n, as long as the switch between the machines is as fast as all of their networks
/// together.
public struct ExchangeModel: Sendable {
    /// m.
    public let rounds: Int
    /// L, in seconds.
    public let latency: Double
    /// S.
    public let bytes: Int
    /// B; nil if the gradients are so small that their messages take no longer than the shortest ones.
    public let bytesPerSecond: Double?

    /// A model that agrees with a measurement of two ranks.
    /// - Parameters:
    ///   - seconds: the time of an exchange of gradients.
    ///   - bytes: the size of the gradients.
    ///   - rounds: the number of exchanges of messages, one after the other.
    ///   - latency: the time of an exchange of the shortest messages.
    public init(ofTwoRanks seconds: Double, bytes: Int, rounds: Int, latency: Double) {
        (self.bytes, self.rounds, self.latency) = (bytes, rounds, latency)
        let rest = seconds - Double(rounds) * latency
        bytesPerSecond = rest > 0 ? Double(bytes) / rest : nil
    }

    /// The bytes that each rank sends in a step.
    static func bytesSent(_ bytes: Int, ranks: Int) -> Double { 2 * Double(bytes) * Double(ranks - 1) / Double(ranks) }

    /// t(n).
    public func seconds(ranks: Int) -> Double {
        Double(rounds * (ranks - 1)) * latency
            + (bytesPerSecond.map { Self.bytesSent(bytes, ranks: ranks) / $0 } ?? 0)
    }
}
