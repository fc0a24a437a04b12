import Dispatch
import Synchronization

/// Runs exchanges in order: on a background thread while the caller computes, and on the thread of the caller after it has called
/// `finish`.
///
/// After `finish` nothing else is computed. Then an exchange tests continuously whether messages have arrived
/// (`MPICommunicator.exchange`), and adds gradients on all threads.
package final class ExchangeQueue: Sendable {
    /// Whether the current exchange runs while the caller computes.
    @TaskLocal package static var isInBackground = false

    private let background: DispatchQueue?
    private let exchanges = Mutex<[@Sendable () throws -> Void]>([])
    /// The first error. The mutex is locked while an exchange runs, so two exchanges never run at the same time.
    private let failure = Mutex<(any Error)?>(nil)

    /// - Parameter usesThread: false if all exchanges run on the thread of the caller, in `finish`.
    init(usesThread: Bool) { background = usesThread ? DispatchQueue(label: "exchanges of gradients") : nil }

    /// Adds an exchange. It is not run if one before it fails.
    func add(_ exchange: @escaping @Sendable () throws -> Void) {
        exchanges.withLock { $0.append(exchange) }
        background?.async { Self.$isInBackground.withValue(true) { _ = self.runNext() } }
    }

    /// Runs the remaining exchanges, and returns when all have ended.
    /// - Throws: the first error of an exchange.
    func finish() throws {
        while runNext() {}
        try failure.withLock { if let error = $0 { throw error } }
    }

    /// Waits for the exchange that is running, and then runs the next one.
    /// - Returns: false if there is no next one.
    private func runNext() -> Bool {
        failure.withLock { failure in
            guard let next = exchanges.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return false }
            guard failure == nil else { return true }
            do { try next() } catch { failure = error }
            return true
        }
    }
}
