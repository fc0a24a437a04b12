import Foundation
import Synchronization
import Tensors
import Training

/// Ranks that are threads of this process. Messages are copied through mailboxes.
final class ThreadRanks: Sendable {
    /// A rank was stopped from outside, or never got what it waited for.
    struct Lost: Error {}

    private let size: Int
    private let mailboxes: Mutex<[Route: [[UInt8]]]> = Mutex([:])

    private struct Route: Hashable {
        let from: Int, to: Int
    }

    private init(_ size: Int) { self.size = size }

    /// A rank of them.
    final class Rank: Communicator {
        let rank: Int
        let size: Int
        let isCallableFromAnyThread = true
        private let ranks: ThreadRanks
        /// The number of bytes that were sent.
        let sentBytes = Atomic<Int>(0)

        init(_ rank: Int, of ranks: ThreadRanks) {
            (self.rank, size, self.ranks) = (rank, ranks.size, ranks)
        }

        func exchange(sending outgoing: [OutgoingMessage], receiving incoming: [IncomingMessage]) throws {
            for message in outgoing {
                sentBytes.add(message.bytes.count, ordering: .relaxed)
                ranks.send(Array(message.bytes), from: rank, to: message.rank)
            }
            for message in incoming {
                let bytes = try ranks.receive(from: message.rank, to: rank)
                guard bytes.count == message.bytes.count else { throw Lost() }
                message.bytes.copyBytes(from: bytes)
            }
        }
    }

    /// Runs `body` for each rank on a thread of its own.
    /// - Returns: what it returned, in the order of the ranks.
    static func run<Result: Sendable>(
        _ size: Int, _ body: @escaping @Sendable (Rank) throws -> Result
    ) throws -> [Result] {
        let ranks = ThreadRanks(size)
        let results = Mutex<[Int: Swift.Result<Result, any Error>]>([:])
        let threads = (0..<size).map { rank in
            Thread {
                let result = Swift.Result { try body(Rank(rank, of: ranks)) }
                results.withLock { $0[rank] = result }
            }
        }
        for thread in threads {
            thread.stackSize = 1 << 23
            thread.start()
        }
        while results.withLock({ $0.count }) < size { usleep(200) }
        return try results.withLock { results in try (0..<size).map { try results[$0]!.get() } }
    }

    /// Gives other threads time.
    static func pause() { usleep(100) }

    private func send(_ bytes: [UInt8], from: Int, to: Int) {
        mailboxes.withLock { $0[Route(from: from, to: to), default: []].append(bytes) }
    }

    private func receive(from: Int, to: Int) throws -> [UInt8] {
        // A minute of nothing is a deadlock.
        for _ in 0..<600_000 {
            let message = mailboxes.withLock { mailboxes -> [UInt8]? in
                let route = Route(from: from, to: to)
                guard mailboxes[route]?.isEmpty == false else { return nil }
                return mailboxes[route]?.removeFirst()
            }
            if let message { return message }
            usleep(100)
        }
        throw Lost()
    }
}
