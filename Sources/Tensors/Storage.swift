import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A block of floats with a reference count: what a `Tensor` is a view of.
///
/// Blocks come from a pool and go back to it, so that after its first step training allocates nothing.
///
/// `@unchecked Sendable`: the pointer never changes, and a block is written only by the op that made it, before anyone
/// else has it, or by an owner that is the only one (`isKnownUniquelyReferenced`, or a parameter under its optimizer).
package final class Storage: @unchecked Sendable {
    package let start: UnsafeMutablePointer<Float>
    private let sizeClass: Int
    /// What the block is part of, if it is not of the pool.
    private let owner: (any AnyObject & Sendable)?

    /// A block for `count` floats, contents undefined.
    package init(count: Int) {
        (start, sizeClass) = MemoryPool.shared.take(MemoryPool.sizeClass(for: count))
        owner = nil
    }

    /// A block within memory that lives as long as its owner, such as a mapped file.
    package init(_ start: UnsafeMutablePointer<Float>, of owner: any AnyObject & Sendable) {
        self.start = start
        self.owner = owner
        sizeClass = 0
    }

    deinit { if owner == nil { MemoryPool.shared.give(start, sizeClass) } }
}

/// Free blocks of memory by size class. A class is a multiple of an eighth of a power of two, so at most an eighth of a
/// large block is wasted, and a block fits every request of its class. Where none is free, a block of one of the next
/// classes will do: so the gradients of a step lie where its activations were.
package final class MemoryPool: Sendable {
    package static let shared = MemoryPool()

    /// `@unchecked Sendable`: the list is only touched under the mutex.
    private struct FreeBlocks: @unchecked Sendable {
        /// By the number of the size class: eight for each power of two.
        var byClass: [[UnsafeMutablePointer<Float>]] = Array(repeating: [], count: 8 * Int.bitWidth)
        var allocated = 0
    }

    private let free = Mutex(FreeBlocks())

    /// Blocks taken from the system so far: constant once training is under way.
    package var allocations: Int { free.withLock { $0.allocated } }

    static func sizeClass(for count: Int) -> Int {
        let count = max(count, 64)
        let step = max(16, 1 << (Int.bitWidth - count.leadingZeroBitCount - 4))
        return (count + step - 1) / step * step
    }

    /// The number of a size class: the power of two below its size, and the next three bits.
    private static func number(of size: Int) -> Int {
        let exponent = Int.bitWidth - 1 - size.leadingZeroBitCount
        return 8 * exponent + (size >> (exponent - 3)) & 7
    }

    /// The size of the class of a number.
    private static func size(of number: Int) -> Int { (8 + number % 8) << (number / 8 - 3) }

    /// The next classes that are looked through: up to half as large again.
    private static let classesAbove = 4

    /// A block of a class, or of one somewhat larger, and its class.
    func take(_ size: Int) -> (UnsafeMutablePointer<Float>, Int) {
        let reused: (UnsafeMutablePointer<Float>, Int)? = free.withLock {
            let number = Self.number(of: size)
            for candidate in number...number + Self.classesAbove {
                if let block = $0.byClass[candidate].popLast() { return (block, Self.size(of: candidate)) }
            }
            $0.allocated += 1
            return nil
        }
        if let reused { return reused }
        var block: UnsafeMutableRawPointer?
        let status = posix_memalign(&block, 64, size * MemoryLayout<Float>.stride)
        guard status == 0, let block else {
            fatalError("out of memory: no room for \(size * 4 / 1_048_576) MB")
        }
        return (block.bindMemory(to: Float.self, capacity: size), size)
    }

    func give(_ block: UnsafeMutablePointer<Float>, _ size: Int) {
        free.withLock { $0.byClass[Self.number(of: size)].append(block) }
    }
}
