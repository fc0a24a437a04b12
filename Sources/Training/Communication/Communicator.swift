import Tensors

/// What the processes of a data-parallel training tell each other.
///
/// Of the micro-batches of a step, the process of rank r computes r, r + size, r + 2 size and so on. Gradients and losses are
/// then summed over all processes, so that every process makes the same update. The process of rank 0 validates and saves.
public protocol Communicator: AnyObject {
    /// The number of this process, from 0.
    var rank: Int { get }
    /// How many processes there are.
    var size: Int { get }

    /// Replaces each tensor by its sum over all processes. The order of the terms is that of the ranks, so that all processes
    /// have the same bits.
    func sum(_ tensors: [Tensor]) throws

    /// Replaces each tensor by that of rank 0.
    func broadcast(_ tensors: [Tensor]) throws
}

/// A training in one process: there is nobody to communicate with.
public final class SingleProcess: Communicator {
    public let rank = 0
    public let size = 1

    public init() {}

    public func sum(_ tensors: [Tensor]) {}
    public func broadcast(_ tensors: [Tensor]) {}
}
