import Tensors
import Testing

@Suite("Rows in chunks")
struct RowChunksTests {
    @Test(
        "Every row is in one chunk, in order", arguments: [0, 1, 95, 96, 97, 192, 1000],
        [1, 50, 960, 96 * 10 - 1, 96 * 10, 2_000, 1 << 20])
    func cover(rows: Int, elements: Int) {
        let chunks = RowChunks(rows: rows, columns: 10, elements: elements)
        #expect(chunks.flatMap(\.rows) == Array(0..<rows))
        #expect(chunks.dropLast().allSatisfy { $0.rows.count == chunks.size })
        #expect(chunks.allSatisfy { $0.rows.count <= chunks.size && !$0.rows.isEmpty })
    }

    @Test(
        "A chunk has as many rows as may be, in whole blocks of 96 if it has so many",
        arguments: [(95, 95), (96, 96), (191, 96), (192, 192), (600, 576), (1_000, 700), (1, 1), (0, 1)])
    func size(allowed: Int, expected: Int) {
        #expect(RowChunks(rows: 700, columns: 3, elements: 3 * allowed + 2).size == expected)
    }
}
