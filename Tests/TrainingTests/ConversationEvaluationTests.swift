import ChatTemplates
import Corpus
import Models
import Testing
import Training

/// The validation loss on conversations.
@Suite struct ConversationEvaluationTests {
    private func conversation(_ question: String, _ answer: String) -> [ChatMessage] {
        [ChatMessage(role: "user", content: question), ChatMessage(role: "assistant", content: answer)]
    }

    @Test("Each conversation is evaluated by itself, as a chat begins, so their order does not matter")
    func order() throws {
        let training = (0..<18).map { conversation("question \($0)?", "answer \($0)") }
        let validation = [conversation("a?", "one"), conversation("question b?", "answer two"), conversation("c", "3")]
        func loss(_ order: [Int]) throws -> Double {
            let text = NamedText(name: "c", conversations: training + order.map { validation[$0] }, sha256: "")
            var settings = TinyRuns.settings(steps: 2).with { $0.contextLength = 40 }
            settings.sequenceLength = 40
            settings.validation = 0.14
            let outcome = try TrainingRun(settings, texts: [text], origin: .builtIn).run()
            return try #require(outcome).result.value
        }
        let expected = try loss([0, 1, 2])
        #expect(abs(try loss([2, 1, 0]) - expected) < 1e-9)
        #expect(abs(try loss([1, 0, 2]) - expected) < 1e-9)
    }

    @Test(
        "Windows begin in the same way, whether their length was known when the conversations were encoded or chosen later"
    )
    func length() throws {
        // Longer than a window of 16.
        let talk = (0..<10).map { conversation("question \($0)?", String(repeating: "answer \($0) ", count: 5)) }
        func run(_ length: Int) throws -> TrainingRun {
            let text = NamedText(name: "c", conversations: talk, sha256: "")
            var settings = TinyRuns.settings(steps: 2)
            settings.setContext(length)
            return try TrainingRun(
                settings, texts: [text], origin: .builtIn, refine: { settings, _, _ in settings.setContext(16) })
        }
        let (early, late) = try (run(16), run(8))
        #expect(early.settings.sequenceLength == 16 && late.settings.sequenceLength == 16)
        for step in 0..<20 {
            let batches = [early, late].map { $0.data.batch(batch: 4, length: 16, seed: 3, step: step, microBatch: 0) }
            #expect(batches[0].inputs.ids == batches[1].inputs.ids && batches[0].targets == batches[1].targets)
        }
    }
}
