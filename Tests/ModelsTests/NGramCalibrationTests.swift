import Foundation
import Models
import Testing

/// The losses that any Kneser-Ney must reach on tiny Shakespeare: 90% counted, the mean over the last 10%, in nats a
/// character, the history running on from the counted text.
@Suite("NGramModel on tiny Shakespeare", .enabled(if: TinyShakespeare.file != nil, TinyShakespeare.reason))
struct NGramCalibrationTests {
    #if DEBUG
        static let figures: [(NGramDiscounting, Int, Double)] = [(.modified, 5, 1.561), (.single, 3, 2.045)]
    #else
        static let figures: [(NGramDiscounting, Int, Double)] = [
            (.modified, 5, 1.561), (.modified, 6, 1.523), (.modified, 7, 1.517), (.modified, 8, 1.519),
            (.single, 2, 2.484), (.single, 3, 2.045), (.single, 4, 1.729), (.single, 5, 1.579), (.single, 6, 1.558),
        ]
    #endif

    @Test(arguments: figures)
    func reachesTheKnownLoss(discounting: NGramDiscounting, order: Int, expected: Double) throws {
        let text = try TinyShakespeare.ids()
        let split = 1_003_854
        try #require(text.count == 1_115_394)
        let model = try NGramModel(
            order: order, vocabularySize: 65, documents: [Array(text[..<split])], discounting: discounting)
        let validation = text[split...]
        let loss = model.negativeLogLikelihood(of: validation, after: text[..<split]) / Double(validation.count)
        #expect(abs(loss - expected) < 0.0006)
    }
}

private enum TinyShakespeare {
    static let reason: Comment = "GPT_DATA names no folder that has tinyshakespeare.txt"

    static var file: URL? {
        guard let folder = ProcessInfo.processInfo.environment["GPT_DATA"] else { return nil }
        let file = URL(fileURLWithPath: folder).appendingPathComponent("tinyshakespeare.txt")
        return FileManager.default.isReadableFile(atPath: file.path) ? file : nil
    }

    /// The characters as ids, in the order of their scalar values. (The text is ASCII.)
    static func ids() throws -> [Int32] {
        let bytes = try Data(contentsOf: #require(file))
        var ids = [Int32](repeating: 0, count: 256)
        for byte in bytes { ids[Int(byte)] = 1 }
        var next: Int32 = 0
        for byte in ids.indices where ids[byte] == 1 {
            ids[byte] = next
            next += 1
        }
        return bytes.map { ids[Int($0)] }
    }
}
