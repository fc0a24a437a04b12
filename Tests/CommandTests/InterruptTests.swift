import Foundation
import TestSupport
import Testing

/// A signal ends every command at once, whatever it is doing. `Scripts/interrupts` tries many more moments.
@Suite("Interrupts", .serialized)
struct InterruptTests {
    let directory = TemporaryDirectory()

    /// Of which the slow phases take seconds: reading, hashing, counting and encoding a text, and measuring on it.
    init() throws {
        let play = (0..<40_000).map {
            "Line \($0 % 977) of a play: the cat sat on the mat, and \($0 % 313) rats did not.\n"
        }
        try directory.write(Array(String(repeating: play.joined(), count: 8).utf8), to: "big.txt")
        try directory.write(Array(String(repeating: TrainCommandTests.verse, count: 4).utf8), to: "small.txt")
        let model = try runCommand(
            ["train", "--text", "small.txt", "--steps", "2", "--out", "model", "--tokenizer", "byte", "--quiet"]
                + TrainCommandTests.tiny, directory: directory.path)
        try #require(model.status == 0, "\(model.errorText)")
    }

    static let tiny = TrainCommandTests.tiny

    @Test(
        "SIGINT and SIGTERM end a command within a second, at any moment",
        arguments: [
            ["compare", "--text", "big.txt", "--models", "ngram"],
            ["compare", "--text", "big.txt", "--models", "bigram", "--steps", "1000000"],
            ["compare", "--text", "big.txt", "--models", "bigram", "--steps", "1000000", "--out", "models"],
            ["data", "--text", "big.txt", "--tokenizer", "bpe:4000"],
            ["train", "--text", "big.txt", "--model", "ngram", "--out", "run"],
            ["train", "--text", "big.txt", "--steps", "1000000", "--out", "run"] + tiny,
            ["train", "--text", "big.txt", "--steps", "1", "--evaluate", "all", "--out", "run"] + tiny,
            ["train", "--text", "big.txt", "--tokenizer", "bpe:4000", "--out", "run"] + tiny,
            ["test", "model", "--text", "big.txt"],
            ["generate", "model", "--length", "100000000", "--prompt-file", "big.txt"],
            ["tokenizer", "train", "--text", "big.txt", "--vocabulary", "4000", "--out", "tokens"],
            ["tokenizer", "bench", "--text", "big.txt", "--tokenizer", "byte"],
            ["bench", "train", "--seconds", "100"], ["bench", "ops", "--seconds", "100"],
        ])
    func ends(_ arguments: [String]) throws {
        var interrupted = 0
        for (delay, signal) in [(0.1, SIGINT), (1.2, SIGTERM)] {
            // A busy machine may be slow once; a phase that ignores signals is slow every time.
            var end = try interrupt(arguments, after: delay, signal)
            for _ in 0..<2 where end.seconds >= 1 { end = try interrupt(arguments, after: delay, signal) }
            #expect(end.seconds < 1, "signal \(signal) after \(delay) s")
            if end.status == 128 + signal { interrupted += 1 }
        }
        #expect(interrupted > 0, "no signal came while it ran")
    }

    private func interrupt(
        _ arguments: [String], after delay: Double, _ signal: Int32
    ) throws -> (status: Int32, seconds: Double) {
        for name in ["run", "models", "tokens"] { try? FileManager.default.removeItem(atPath: directory.file(name)) }
        let command = try RunningCommand(arguments, takesInput: false, directory: directory.path)
        usleep(UInt32(delay * 1e6))
        let begin = ContinuousClock.now
        command.send(signal)
        let result = try command.finish()
        return (result.status, (ContinuousClock.now - begin) / .seconds(1))
    }
}
