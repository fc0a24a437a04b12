/// A block of floats with a reference count: what a `Tensor` is a view of.
///
/// Blocks come from a pool and go back to it, so that after its first step training allocates nothing.
package final class Storage: Sendable {
    /// The pointer never changes. The block is written only by the op that made it, before anyone else has it, or by an owner
    /// that is the only one (`isKnownUniquelyReferenced`, or a parameter under its optimizer).
    package nonisolated(unsafe) let start: UnsafeMutablePointer<Float>
    private let size: Int
    /// What the block is part of, if it is not of the pool.
    private let owner: (any AnyObject & Sendable)?

    /// A block for `count` floats, contents undefined.
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
