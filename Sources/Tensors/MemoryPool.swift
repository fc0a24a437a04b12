import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Free blocks of memory, so that what one step of training gave back the next one takes.
///
/// Small blocks are kept by size class. A class is a multiple of an eighth of a power of two, so at most an eighth of a
/// block is wasted, and a block fits every request of its class. Large ones, the activations and gradients of a model,
/// lie side by side in an `Arena`, where blocks of any size take the place of others: so the gradients of a step lie where
/// its activations were.
package final class MemoryPool: Sendable {
    package static let shared = MemoryPool()

    /// Floats from which on a block is large.
    private static let large = 1 << 16

    /// `@unchecked Sendable`: only touched under the mutex.
    private struct Blocks: @unchecked Sendable {
        /// Small blocks that are free, by the number of the size class: eight for each power of two.
        var byClass: [[UnsafeMutablePointer<Float>]] = Array(repeating: [], count: 8 * Int.bitWidth)
        var arena = Arena()
        /// Small blocks taken from the system.
        var allocated = 0
    }

    private let blocks = Mutex(Blocks())

    package init() {}

    /// How often memory was taken from the system: constant once training is under way.
    package var allocations: Int { blocks.withLock { $0.allocated + $0.arena.growths } }

    /// The size that a block for `count` floats has.
    package static func size(for count: Int) -> Int {
        let count = max(count, 64)
        // An arena's blocks are whole pages.
        let step = count >= large ? 1024 : max(16, 1 << (Int.bitWidth - count.leadingZeroBitCount - 4))
        return (count + step - 1) / step * step
    }

    /// The number of a size class: the power of two below its size, and the next three bits.
    private static func number(of size: Int) -> Int {
        let exponent = Int.bitWidth - 1 - size.leadingZeroBitCount
        return 8 * exponent + (size >> (exponent - 3)) & 7
    }

    /// A block of a size that `size(for:)` gave.
    package func take(_ size: Int) -> UnsafeMutablePointer<Float> {
        let reused = blocks.withLock { blocks -> UnsafeMutableRawPointer? in
            if size >= Self.large, let block = blocks.arena.take(size * MemoryLayout<Float>.stride) { return block }
            guard let block = blocks.byClass[Self.number(of: size)].popLast() else {
                blocks.allocated += 1
                return nil
            }
            return UnsafeMutableRawPointer(block)
        }
        if let reused { return reused.bindMemory(to: Float.self, capacity: size) }
        var block: UnsafeMutableRawPointer?
        let status = posix_memalign(&block, 64, size * MemoryLayout<Float>.stride)
        guard status == 0, let block else {
            fatalError("out of memory: no room for \(size * 4 / 1_048_576) MB")
        }
        return block.bindMemory(to: Float.self, capacity: size)
    }

    /// Takes a block of a size back, to be given out again.
    package func give(_ block: UnsafeMutablePointer<Float>, _ size: Int) {
        blocks.withLock {
            if $0.arena.give(block, size * MemoryLayout<Float>.stride) { return }
            $0.byClass[Self.number(of: size)].append(block)
        }
    }
}

/// Blocks side by side in one range of addresses, which costs memory only as far as it has been used.
///
/// A block is cut from the smallest free range that has room for it, and free neighbours become one range again. The range
/// asks for large pages: matrices are read by columns as well, where every row is on a page of its own.
private struct Arena {
    private let start: UnsafeMutableRawPointer?
    /// Bytes from the start that have been part of a block.
    private var end = 0
    /// Bytes that are free before that: ascending, and no two of them adjacent.
    private var free: [Range<Int>] = []
    /// How often `end` has moved.
    private(set) var growths = 0

    /// More than any machine has.
    private static let capacity = 1 << 40

    init() {
        #if canImport(Darwin)
            let flags = MAP_PRIVATE | MAP_ANON | MAP_NORESERVE
        #else
            let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        #endif
        let range = mmap(nil, Self.capacity, PROT_READ | PROT_WRITE, flags, -1, 0)
        // Where addresses are rationed, large blocks come as small ones do.
        start = range == MAP_FAILED ? nil : range
        #if os(Linux)
            if let start { madvise(start, Self.capacity, MADV_HUGEPAGE) }
        #endif
    }

    /// A block of whole pages; nil where there is no arena.
    mutating func take(_ size: Int) -> UnsafeMutableRawPointer? {
        guard let start else { return nil }
        var best: Int?
        for (index, range) in free.enumerated()
        where range.count >= size && range.count < best.map({ free[$0].count }) ?? .max {
            best = index
        }
        if let best {
            let first = free[best].lowerBound
            if free[best].count == size {
                free.remove(at: best)
            } else {
                free[best] = first + size..<free[best].upperBound
            }
            return start + first
        }
        let first = free.last?.upperBound == end ? free.removeLast().lowerBound : end
        guard first + size <= Self.capacity else { return nil }
        end = first + size
        growths += 1
        return start + first
    }

    /// Takes a block back, if it is one of these.
    mutating func give(_ block: UnsafeMutableRawPointer, _ size: Int) -> Bool {
        guard let start, block >= start, block < start + Self.capacity else { return false }
        var range = block - start..<block - start + size
        var (low, high) = (0, free.count)
        while low < high {
            let middle = (low + high) / 2
            if free[middle].lowerBound < range.lowerBound { low = middle + 1 } else { high = middle }
        }
        if low < free.count, free[low].lowerBound == range.upperBound {
            range = range.lowerBound..<free.remove(at: low).upperBound
        }
        if low > 0, free[low - 1].upperBound == range.lowerBound {
            free[low - 1] = free[low - 1].lowerBound..<range.upperBound
        } else {
            free.insert(range, at: low)
        }
        return true
    }
}
