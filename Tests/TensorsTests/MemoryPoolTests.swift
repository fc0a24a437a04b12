import Tensors
import Testing

/// Free blocks serve later requests: small ones by size class, large ones wherever there is room. All of it holds as well
/// where the large reservation of addresses fails.
@Suite("Memory pool")
struct MemoryPoolTests {
    static let reservations = [0, 1 << 36]

    @Test(
        "A block has room for what was asked", arguments: [0, 1, 63, 64, 65, 1000, 65_535, 65_536, 777_777, 9_000_001],
        reservations)
    func size(count: Int, reservation: Int) {
        let pool = TestedPool(reservation)
        let size = MemoryPool.size(for: count)
        #expect(size >= count)
        #expect(size <= max(64, count + count / 8 + 16))
        #expect(MemoryPool.size(for: size) == size)
        let block = pool.take(count)
        #expect(UInt(bitPattern: block) % 64 == 0)
        block[0] = 1
        block[size - 1] = 2
        pool.give(block, count)
    }

    @Test("A block that went back serves the next of its size", arguments: [110, 777_777], reservations)
    func reuse(count: Int, reservation: Int) {
        let pool = TestedPool(reservation)
        let block = pool.take(count)
        pool.give(block, count)
        #expect(pool.take(count - 5) == block)
        #expect(pool.allocations == 1)
    }

    @Test(
        "A large block takes the place of smaller ones, and smaller ones that of a large one", arguments: reservations)
    func neighbours(reservation: Int) {
        let pool = TestedPool(reservation)
        let count = 1 << 18
        let blocks = (0..<4).map { _ in pool.take(count) }
        // Out of order: the last two become one range, and then all.
        for block in [blocks[3], blocks[2], blocks[0], blocks[1]] { pool.give(block, count) }
        let before = pool.allocations
        let large = pool.take(4 * count)
        #expect(large == blocks[0])
        pool.give(large, 4 * count)
        #expect((0..<4).map { _ in pool.take(count) } == blocks)
        #expect(pool.allocations == before)
    }

    @Test("A block comes from the smallest range that has room", arguments: reservations)
    func bestFit(reservation: Int) {
        let pool = TestedPool(reservation)
        let (large, small) = (1 << 20, 1 << 17)
        let first = pool.take(large), between = pool.take(small), second = pool.take(small), last = pool.take(small)
        pool.give(first, large)
        pool.give(second, small)
        #expect(pool.take(small) == second)
        #expect(pool.take(small) == first)
        _ = (between, last)
    }

    @Test("No two blocks overlap, whatever the order in which they come and go", arguments: reservations)
    func overlaps(reservation: Int) {
        let pool = TestedPool(reservation)
        var random = Philox(1)
        var blocks: [(start: UnsafeMutablePointer<Float>, count: Int)] = []
        for step in 0..<2000 {
            if blocks.count > 20, Bool.random(using: &random) {
                let block = blocks.remove(at: Int.random(in: 0..<blocks.count, using: &random))
                #expect(block.start[0] == block.start[block.count - 1])
                pool.give(block.start, block.count)
            } else {
                let count = Int.random(in: 1000..<300_000, using: &random), start = pool.take(count)
                start[0] = Float(step)
                start[count - 1] = Float(step)
                blocks.append((start, count))
            }
        }
        #expect(blocks.allSatisfy { $0.start[0] == $0.start[$0.count - 1] })
        #expect(pool.allocations < 400)
    }

    /// A smaller block must never serve a larger request: sizes of one class of powers of two, one page apart.
    @Test("Large blocks of nearly the same size do not share memory", arguments: reservations)
    func nearlyTheSame(reservation: Int) {
        let pool = TestedPool(reservation)
        let smaller = 1 << 17, larger = smaller + 1024
        let neighbour = pool.take(smaller), block = pool.take(smaller)
        pool.give(block, smaller)
        pool.give(neighbour, smaller)
        let first = pool.take(larger), second = pool.take(larger)
        first.update(repeating: 1, count: larger)
        second.update(repeating: 2, count: larger)
        #expect((0..<larger).allSatisfy { first[$0] == 1 })
    }

    @Test("What does not fit into a region gets a region of its own")
    func regions() {
        let pool = TestedPool(0)
        let sizes = [1 << 17, 1 << 25, 3 << 20, 1 << 24, 9_000_001]
        let blocks = sizes.map { pool.take($0) }
        for (index, block) in blocks.enumerated() { block.update(repeating: Float(index), count: sizes[index]) }
        for (index, block) in blocks.enumerated() {
            #expect((0..<sizes[index]).allSatisfy { block[$0] == Float(index) })
            pool.give(block, sizes[index])
        }
        let before = pool.allocations
        for size in sizes { pool.give(pool.take(size), size) }
        #expect(pool.allocations == before)
    }
}

/// A pool that is asked for numbers of floats, as `Storage` asks it.
private struct TestedPool {
    private let pool: MemoryPool

    init(_ reservation: Int) { pool = MemoryPool(reservation: reservation) }

    var allocations: Int { pool.allocations }

    func take(_ count: Int) -> UnsafeMutablePointer<Float> { pool.take(MemoryPool.size(for: count)) }

    func give(_ block: UnsafeMutablePointer<Float>, _ count: Int) { pool.give(block, MemoryPool.size(for: count)) }
}
