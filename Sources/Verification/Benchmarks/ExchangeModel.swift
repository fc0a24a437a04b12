/// What an exchange of gradients takes, by the number of ranks n:
///
///     t(n) = m L + 2 S (n - 1) / n / B
///
/// L is the latency, the time of an exchange of the shortest messages among all ranks; m is the number of exchanges one after the
/// other. S is the size of the gradients, of which each rank sends 2 S (n - 1) / n bytes, and B the bytes that it sends in a
/// second, including the summation. All ranks send at the same time, so B depends on the network of a rank, not on n, as long as
/// the switch between the machines is as fast as all of their networks together.
public struct ExchangeModel: Sendable {
    /// The number of exchanges of messages, one after the other.
    public let rounds: Int
    /// L, in seconds.
    public let latency: Double
    /// S.
    public let bytes: Int
    /// B.
    public let bytesPerSecond: Double

    /// A model that agrees with a measurement.
    /// - Parameters:
    ///   - seconds: the time of an exchange.
    ///   - ranks: the number of ranks that took part, at least 2.
    ///   - bytes: the size of the gradients.
    ///   - rounds: the number of exchanges of messages, one after the other.
    ///   - latency: the time of an exchange of the shortest messages.
    public init(measured seconds: Double, ranks: Int, bytes: Int, rounds: Int, latency: Double) {
        (self.bytes, self.rounds, self.latency) = (bytes, rounds, latency)
        // A model can be so small that its messages take no longer than the shortest ones.
        bytesPerSecond = Self.bytesSent(bytes, ranks: ranks) / max(1e-9, seconds - Double(rounds) * latency)
    }

    /// The bytes that each rank sends in a step.
    static func bytesSent(_ bytes: Int, ranks: Int) -> Double { 2 * Double(bytes) * Double(ranks - 1) / Double(ranks) }

    /// t(n).
    public func seconds(ranks: Int) -> Double {
        Double(rounds) * latency + Self.bytesSent(bytes, ranks: ranks) / bytesPerSecond
    }
}
