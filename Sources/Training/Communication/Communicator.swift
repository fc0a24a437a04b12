/// What connects the processes that share the steps of a training, the ranks.
///
/// All that ranks need of each other is made of messages of bytes, so what carries these (MPI, threads in a test) decides
/// nothing about how sums are computed. Ranks take part in the same exchanges, in the same order.
public protocol Communicator: AnyObject, Sendable {
    /// The number of this process, from 0. The process of rank 0 decides, validates, saves and prints.
    var rank: Int { get }
    /// The number of processes.
    var size: Int { get }
    /// Whether any thread may call `exchange`, as long as no two threads call it at the same time. If so, gradients are exchanged
    /// on another thread during the backward pass.
    var isCallableFromAnyThread: Bool { get }

    /// Sends messages to other ranks, receives messages from others, and returns when all of them have arrived.
    ///
    /// Two messages from one rank to another arrive in the order in which they were sent. The lengths are known to both sides.
    /// - Parameters:
    ///   - outgoing: what is sent.
    ///   - incoming: where messages are put.
    /// - Throws: an error of one line if another rank cannot be reached.
    func exchange(sending outgoing: [OutgoingMessage], receiving incoming: [IncomingMessage]) throws
}

/// Bytes for another rank.
public struct OutgoingMessage {
    /// The rank that receives them.
    public let rank: Int
    /// The bytes, which must not change before the exchange ends.
    public let bytes: UnsafeRawBufferPointer

    /// - Parameters:
    ///   - rank: the rank that receives the message.
    ///   - bytes: its contents.
    public init(to rank: Int, _ bytes: UnsafeRawBufferPointer) {
        self.rank = rank
        self.bytes = bytes
    }
}

/// A place for bytes of another rank.
public struct IncomingMessage {
    /// The rank that sends them.
    public let rank: Int
    /// Where they are put. The message is exactly as long.
    public let bytes: UnsafeMutableRawBufferPointer

    /// - Parameters:
    ///   - rank: the rank that sends the message.
    ///   - bytes: where it is put.
    public init(from rank: Int, _ bytes: UnsafeMutableRawBufferPointer) {
        self.rank = rank
        self.bytes = bytes
    }
}

/// A communicator for training in a single process. It has nobody to exchange messages with.
public final class SingleProcess: Communicator {
    public let rank = 0
    public let size = 1
    public let isCallableFromAnyThread = true

    public init() {}

    public func exchange(sending outgoing: [OutgoingMessage], receiving incoming: [IncomingMessage]) {}
}
