import Tensors
import Testing
import Training

@Suite("Messages among ranks")
struct CollectiveTests {
    @Test("All ranks get what rank 0 has", arguments: 1...9)
    func broadcast(_ ranks: Int) throws {
        let results = try ThreadRanks.run(ranks) { rank in
            let tensor = Tensor([3], filledWith: Float(rank.rank + 1))
            try rank.broadcast([tensor])
            return (try rank.broadcast([UInt8(rank.rank), 7]), tensor.values)
        }
        for (bytes, values) in results { #expect(bytes == [0, 7] && values == [1, 1, 1]) }
    }

    @Test("All ranks get what all have, of any length", arguments: 1...5)
    func gather(_ ranks: Int) throws {
        let results = try ThreadRanks.run(ranks) { rank in
            try rank.wait()
            return try rank.gather(Array(repeating: UInt8(rank.rank), count: rank.rank * 300))
        }
        let expected = (0..<ranks).map { Array(repeating: UInt8($0), count: $0 * 300) }
        for result in results { #expect(result == expected) }
    }
}
