/// A block of floats with a reference count, on which a `Tensor` is a view.
///
/// Blocks come from a pool and return to it, so that after its first step training allocates nothing.
package final class Storage: Sendable {
    /// The pointer never changes. The block is written only by the op that allocated it, before the tensor is shared,
    /// or by its only owner (`isKnownUniquelyReferenced`, or the optimizer of a parameter).
    package nonisolated(unsafe) let start: UnsafeMutablePointer<Float>
    private let size: Int
    /// The owner of the memory, if it is not the pool.
    private let owner: (any AnyObject & Sendable)?

    /// A block for `count` floats with undefined contents.
    package init(count: Int) {
        size = MemoryPool.size(for: count)
        start = MemoryPool.shared.take(size)
        owner = nil
    }

    /// A block within memory that lives as long as its owner, such as a mapped file.
    package init(_ start: UnsafeMutablePointer<Float>, of owner: any AnyObject & Sendable) {
        self.start = start
        self.owner = owner
        size = 0
    }

    deinit { if owner == nil { MemoryPool.shared.give(start, size) } }
}
