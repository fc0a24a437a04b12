import Dispatch
import Synchronization

/// Runs exchanges in order, on a thread of its own while the caller computes, and on that of the caller when it waits.
///
/// The caller is quicker, because it has nothing else to do: it looks all the time whether messages have arrived
/// (`MPICommunicator.exchange`), and sums on all threads.
package final class ExchangeQueue: Sendable {
    /// Whether the current exchange runs while the caller computes.
    @TaskLocal package static var isInBackground = false

    private let background: DispatchQueue?
    private let exchanges = Mutex<[@Sendable () throws -> Void]>([])
    /// The first error. It is locked while an exchange runs, so that two never run at the same time.
    private let failure = Mutex<(any Error)?>(nil)

    /// - Parameter usesThread: false if all exchanges run on the thread of the caller, in `finish`.
    init(usesThread: Bool) { background = usesThread ? DispatchQueue(label: "exchanges of gradients") : nil }

    /// Adds an exchange. After one has failed, others are not run.
    func add(_ exchange: @escaping @Sendable () throws -> Void) {
        exchanges.withLock { $0.append(exchange) }
        background?.async { Self.$isInBackground.withValue(true) { _ = self.runNext() } }
    }

    /// Returns when all exchanges have run, or one has failed.
    /// - Throws: the first error of an exchange.
    func finish() throws {
        while runNext() {}
        try failure.withLock { if let error = $0 { throw error } }
    }

    /// Runs the exchange that waits longest, after the one that is running.
    /// - Returns: false if none waits, and none is running.
    private func runNext() -> Bool {
        failure.withLock { failure in
            guard let next = exchanges.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return false }
            guard failure == nil else { return true }
            do { try next() } catch { failure = error }
            return true
        }
    }
}
