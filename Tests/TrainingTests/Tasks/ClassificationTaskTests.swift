import Corpus
import Inference
import Models
import Tensors
import Testing
import Training

@Suite("Classification task")
struct ClassificationTaskTests {
    private func task(_ settings: TrainingSettings) throws -> (ClassificationTask, TaskRun<LabelledSource>) {
        let run = try TaskRun(settings, LabelledSource(try TinyTasks.labelled(), settings), origin: .dates)
        return (run.trainer.task, run)
    }

    @Test("Labels that one word decides are learned, and the score is that of the predictions")
    func learns() throws {
        var settings = TinyTasks.settings(.classify, steps: 120)
        settings.dropout = 0
        let (task, run) = try task(settings)
        let outcome = try #require(try run.run())
        let classifier = TextClassifier(task.encoder, tokenizer: run.tokenizer)
        let evaluation = try ClassifierEvaluation(classifier, on: run.source.validation)
        #expect(evaluation.score.accuracy == 1)
        #expect(abs(evaluation.loss - outcome.result.value) < 1e-5)
        #expect(outcome.result.isComplete && outcome.result.allWindows == run.source.validation.examples.count)
        let results = try classifier.classify(["the sea is bad", "a good moon"])
        #expect(results.map(\.label) == ["bad", "good"])
        #expect(results.allSatisfy { abs($0.probabilities.reduce(0, +) - 1) < 1e-12 && $0.probability > 0.5 })
    }

    @Test("In each pass over the data every example is drawn once, in another order")
    func passes() throws {
        let (task, _) = try task(TinyTasks.settings(.classify, steps: 1))
        let count = task.data.training.count
        let first = task.data.batch(from: 0, count: count, seed: 3).map(\.sequence.ids)
        let second = task.data.batch(from: count, count: count, seed: 3).map(\.sequence.ids)
        let all = task.data.training.map(\.sequence.ids)
        #expect(first != second)
        for pass in [first, second] { #expect(Set(pass) == Set(all) && pass.count == all.count) }
        // A batch across the end of a pass.
        #expect(
            task.data.batch(from: count - 2, count: 4, seed: 3).map(\.sequence.ids)
                == Array(first.suffix(2) + second.prefix(2)))
    }

    @Test("A text that is longer than the context is truncated, and counted")
    func truncated() throws {
        let (task, run) = try task(TinyTasks.settings(.classify, steps: 1))
        let long = try LabelledTexts(
            name: "long", [(String(repeating: "cat ", count: 50), "bad"), ("cat", "good")], labels: task.data.labels)
        let data = try LabelledDataset(
            training: long, validation: long, tokenizer: run.tokenizer, encoder: task.encoder.configuration)
        #expect(
            data.training[0].sequence.count == 16
                && data.training[0].sequence.ids.last == data.training[1].sequence.ids.last)
        #expect(data.truncated == 2)
    }

    @Test("Probabilities of a text do not depend on the texts beside it")
    func independent() throws {
        let (task, run) = try task(TinyTasks.settings(.classify, steps: 1))
        let classifier = TextClassifier(task.encoder, tokenizer: run.tokenizer)
        let texts = (0..<40).map { String(repeating: "the cat is good ", count: $0 % 5 + 1) + "\($0)" }
        let together = try classifier.classify(texts).map(\.probabilities)
        for (text, probabilities) in zip(texts, together) {
            #expect(try classifier.classify([text])[0].probabilities == probabilities)
        }
    }

    @Test("Labels with one text each cannot be validated")
    func tooFew() throws {
        let texts = try LabelledTexts(name: "few", [("a", "x"), ("b", "y")])
        let error = #expect(throws: TrainingError.self) {
            try LabelledSource(texts, TinyTasks.settings(.classify, steps: 1))
        }
        #expect("\(error!)".contains("few is too short"))
    }
}
