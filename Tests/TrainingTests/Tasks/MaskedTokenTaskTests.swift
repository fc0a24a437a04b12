import Corpus
import Models
import Tensors
import Testing
import Tokenizers
import Training

@Suite("Masked language modelling")
struct MaskedTokenTaskTests {
    private static let tokens = MaskedWindows.Tokens(
        classification: 1, separator: 2, mask: 3, ordinary: Array(10..<110))

    private func windows(_ count: Int, length: Int, seed: UInt64) -> MaskedWindows {
        let text = (0..<Int32(count * length)).map { 10 + $0 % 100 }
        return MaskedWindows((0..<count).map { text[$0 * length..<($0 + 1) * length] }, Self.tokens) {
            Philox(seed, UInt64($0), 0)
        }
    }

    @Test("Of each window 15 percent are to be predicted, at least one", arguments: [(1, 1), (3, 1), (10, 2), (62, 9)])
    func counts(_ length: Int, _ count: Int) {
        #expect(MaskedWindows.count(length: length) == count)
        let masked = windows(5, length: length, seed: 1)
        #expect(masked.rows.count == 5 * count && masked.targets.count == 5 * count)
        #expect(masked.tokens.batch == 5 && masked.tokens.length == length + 2)
    }

    @Test("Targets are the tokens of the text; the other tokens, and those around a window, stay")
    func targets() {
        let (count, length) = (200, 62)
        let masked = windows(count, length: length, seed: 7)
        var text: [Int32] = []
        for window in 0..<count {
            text += [1] + (0..<Int32(length)).map { 10 + (Int32(window * length) + $0) % 100 } + [2]
        }
        let rows = Set(masked.rows)
        #expect(rows.count == masked.rows.count)
        for (row, target) in zip(masked.rows, masked.targets) { #expect(text[Int(row)] == target && target >= 10) }
        for (row, id) in masked.tokens.ids.enumerated() where !rows.contains(Int32(row)) { #expect(id == text[row]) }
        // 80 % are masked, and of the other 20 % half are random, of which one in 100 is the token itself.
        let ids = masked.rows.map { masked.tokens.ids[Int($0)] }
        let share = Double(ids.count { $0 == 3 }) / Double(ids.count)
        let same = Double(zip(ids, masked.targets).count { $0 == $1 }) / Double(ids.count)
        #expect(abs(share - 0.8) < 0.04 && abs(same - 0.101) < 0.03)
    }

    @Test("Which tokens are masked is a function of the key alone")
    func deterministic() {
        #expect(windows(3, length: 20, seed: 1).tokens == windows(3, length: 20, seed: 1).tokens)
        #expect(windows(3, length: 20, seed: 1).tokens != windows(3, length: 20, seed: 2).tokens)
        #expect(windows(3, length: 20, seed: 1).rows.prefix(3) == windows(1, length: 20, seed: 1).rows.prefix(3))
    }

    @Test("A text with few words is learned, and a sample shows what was masked")
    func learns() throws {
        var settings = TinyTasks.settings(.masked, steps: 150)
        settings.dropout = 0
        let run = try TaskRun(settings, MaskedSource([TinyRuns.text]), origin: .dates)
        let task = run.trainer.task
        let before = try #require(task.validate(atMost: .max) { false })
        let outcome = try #require(try run.run())
        #expect(outcome.result.value < before.value / 1.5, "\(before.value) to \(outcome.result.value)")
        #expect(task.validate(atMost: .max) { true } == nil)
        let sample = try #require(try task.sample(step: 3, length: 12) { false })
        let lines = sample.split(separator: "\n")
        #expect(lines.map { $0.prefix { $0 != ":" } } == ["masked", "predicted", "text"])
        #expect(!lines[2].contains("[MASK]"))
    }

    @Test("A tokenizer without a mask token, and a context without room, are refused in one line")
    func refused() throws {
        let settings = TinyTasks.settings(.masked, steps: 1)
        let encoder = Encoder(
            .init(vocabularySize: 40, contextLength: 16, layers: 1, heads: 1, width: 4, head: .maskedTokens), seed: 1)
        let error = #expect(throws: TrainingError.self) {
            try MaskedTokenTask(
                encoder, data: TinyRuns.data(), tokenizer: TinyRuns.tokenizer, settings: settings)
        }
        #expect("\(error!)".contains("no mask token"))
        var short = settings
        short.setContext(3)
        let other = #expect(throws: TrainingError.self) {
            try TaskRun(short, MaskedSource([TinyRuns.text]), origin: .dates)
        }
        #expect("\(other!)".contains("4 or more"))
    }
}
