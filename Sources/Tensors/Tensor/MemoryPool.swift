import CKernels
import Synchronization

/// Free blocks of memory, so that a training step reuses the blocks of the step before it.
///
/// Small blocks are grouped by size class. A class is a multiple of an eighth of a power of two, so at most an eighth
/// of a block is unused, and every block of a class serves every request of that class. Large blocks, the activations
/// and gradients of a model, are cut from an `Arena`, in which a free range serves requests of any size: so the
/// gradients of a step use the memory of its activations.
package final class MemoryPool: Sendable {
    package static let shared = MemoryPool()

    /// Blocks of at least this many floats are large.
    private static let large = 1 << 16

    private struct Blocks {
        /// The addresses of free small blocks by size class: eight classes for each power of two.
        var byClass: [[UInt]] = Array(repeating: [], count: 8 * Int.bitWidth)
        var arena: Arena
        /// The number of small blocks that the system allocated.
        var allocated = 0
    }

    private let blocks: Mutex<Blocks>

    /// - Parameter reservation: the bytes of addresses that the arena reserves at once; 0 for an arena that maps
    ///   regions when they are needed.
    package init(reservation: Int = Arena.defaultReservation) {
        blocks = Mutex(Blocks(arena: Arena(reservation: reservation)))
    }

    private func withBlocks<Result: Sendable>(_ body: (inout Blocks) -> Result) -> Result {
        blocks.withLock { blocks in
            let address = Unmanaged.passUnretained(self).toOpaque()
            gpt_did_lock(address)
            defer { gpt_will_unlock(address) }
            return body(&blocks)
        }
    }

    /// The number of blocks that came from the system rather than from free memory: constant after the first training
    /// steps.
    package var allocations: Int { withBlocks { $0.allocated + $0.arena.growths } }

    /// The number of floats in the block that serves a request of `count`.
    package static func size(for count: Int) -> Int {
        let count = max(count, 64)
        // An arena's blocks are whole pages.
        let step = count >= large ? 1024 : max(16, 1 << (Int.bitWidth - count.leadingZeroBitCount - 4))
        return (count + step - 1) / step * step
    }

    /// The size class of a small size: the power of two below it, and the next three bits.
    private static func number(of size: Int) -> Int {
        let exponent = Int.bitWidth - 1 - size.leadingZeroBitCount
        return 8 * exponent + (size >> (exponent - 3)) & 7
    }

    /// A block of a size that `size(for:)` returned. If there is no memory for it, the process ends
    /// (`gpt_out_of_memory`).
    package func take(_ size: Int) -> UnsafeMutablePointer<Float> {
        let bytes = size * MemoryLayout<Float>.stride
        let address = withBlocks { blocks -> UInt? in
            if size >= Self.large { return blocks.arena.take(UInt(bytes)) }
            if let address = blocks.byClass[Self.number(of: size)].popLast() { return address }
            blocks.allocated += 1
            return gpt_allocate(bytes).map { UInt(bitPattern: $0) }
        }
        guard let block = address.flatMap({ UnsafeMutableRawPointer(bitPattern: $0) }) else { gpt_out_of_memory(bytes) }
        gpt_unpoison(block, bytes)
        return block.bindMemory(to: Float.self, capacity: size)
    }

    /// Makes a block that `take` returned available again.
    package func give(_ block: UnsafeMutablePointer<Float>, _ size: Int) {
        let bytes = size * MemoryLayout<Float>.stride
        // The address sanitizer then reports every later use of the block.
        gpt_poison(block, bytes)
        let address = UInt(bitPattern: block)
        withBlocks {
            if size >= Self.large {
                $0.arena.give(address..<address + UInt(bytes))
            } else {
                $0.byClass[Self.number(of: size)].append(address)
            }
        }
    }
}
