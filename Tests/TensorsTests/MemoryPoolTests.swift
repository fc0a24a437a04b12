import Tensors
import Testing

/// Blocks that go back are given out again: small ones by size class, large ones wherever there is room.
@Suite("Memory pool")
struct MemoryPoolTests {
    private let pool = MemoryPool()

    private func take(_ count: Int) -> UnsafeMutablePointer<Float> { pool.take(MemoryPool.size(for: count)) }

    private func give(_ block: UnsafeMutablePointer<Float>, _ count: Int) {
        pool.give(block, MemoryPool.size(for: count))
    }

    @Test(
        "A block has room for what was asked", arguments: [0, 1, 63, 64, 65, 1000, 65_535, 65_536, 777_777, 9_000_001])
    func size(count: Int) {
        let size = MemoryPool.size(for: count)
        #expect(size >= count)
        #expect(size <= max(64, count + count / 8 + 16))
        #expect(MemoryPool.size(for: size) == size)
        let block = take(count)
        #expect(UInt(bitPattern: block) % 64 == 0)
        block[0] = 1
        block[size - 1] = 2
        give(block, count)
    }

    @Test("A block that went back serves the next of its size", arguments: [110, 777_777])
    func reuse(count: Int) {
        let block = take(count)
        give(block, count)
        #expect(take(count - 5) == block)
        #expect(pool.allocations == 1)
    }

    @Test("A large block takes the place of smaller ones, and smaller ones that of a large one")
    func neighbours() {
        let count = 1 << 18
        let blocks = (0..<4).map { _ in take(count) }
        // Out of order: the last two become one range, and then all.
        for block in [blocks[3], blocks[2], blocks[0], blocks[1]] { give(block, count) }
        let before = pool.allocations
        let large = take(4 * count)
        #expect(large == blocks[0])
        give(large, 4 * count)
        #expect((0..<4).map { _ in take(count) } == blocks)
        #expect(pool.allocations == before)
    }

    @Test("A block comes from the smallest range that has room")
    func bestFit() {
        let (large, small) = (1 << 20, 1 << 17)
        let first = take(large), between = take(small), second = take(small), last = take(small)
        give(first, large)
        give(second, small)
        #expect(take(small) == second)
        #expect(take(small) == first)
        _ = (between, last)
    }

    @Test("No two blocks overlap, whatever the order in which they come and go")
    func overlaps() {
        var random = Philox(1)
        var blocks: [(start: UnsafeMutablePointer<Float>, count: Int)] = []
        for step in 0..<2000 {
            if blocks.count > 20, Bool.random(using: &random) {
                let block = blocks.remove(at: Int.random(in: 0..<blocks.count, using: &random))
                #expect(block.start[0] == block.start[block.count - 1])
                give(block.start, block.count)
            } else {
                let count = Int.random(in: 1000..<300_000, using: &random), start = take(count)
                start[0] = Float(step)
                start[count - 1] = Float(step)
                blocks.append((start, count))
            }
        }
        #expect(blocks.allSatisfy { $0.start[0] == $0.start[$0.count - 1] })
        #expect(pool.allocations < 400)
    }
}
