import Tensors

/// The communication between the processes of a data-parallel training run.
///
/// The process of rank r computes the micro-batches r, r + size, r + 2 size and so on of each step. Gradients and
/// losses are then summed over all processes, so that every process makes the same update. The process of rank 0
/// validates and saves.
public protocol Communicator: AnyObject {
    /// The rank of this process, from 0.
    var rank: Int { get }
    /// The number of processes.
    var size: Int { get }

    /// Replaces each tensor by its sum over all processes. The terms are added in the order of the ranks, so that all
    /// processes get the same bits.
    func sum(_ tensors: [Tensor]) throws

    /// Replaces each tensor by the tensor of rank 0.
    func broadcast(_ tensors: [Tensor]) throws
}

/// A communicator for training in a single process. Its operations do nothing.
public final class SingleProcess: Communicator {
    public let rank = 0
    public let size = 1

    public init() {}

    public func sum(_ tensors: [Tensor]) {}
    public func broadcast(_ tensors: [Tensor]) {}
}
