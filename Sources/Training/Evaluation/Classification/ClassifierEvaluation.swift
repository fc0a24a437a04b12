import Corpus
import Inference
import Models
import Platform
import Tokenizers

/// A classifier on labelled texts: which labels it predicts, and its loss.
public struct ClassifierEvaluation: Sendable {
    public let score: ClassificationScore
    /// The mean of -log p(label), in nats per text.
    public let loss: Double

    /// Classifies texts.
    /// - Parameters:
    ///   - classifier: the classifier.
    ///   - texts: texts with the labels of the classifier.
    ///   - progress: called between batches with the share of texts that are classified.
    /// - Throws: `TokenizerError`, for a character that the tokenizer cannot encode.
    public init(
        _ classifier: TextClassifier, on texts: LabelledTexts, progress: (Double) -> Void = { _ in }
    ) throws {
        precondition(texts.labels == classifier.labels, "the labels of the texts are not those of the model")
        let examples = texts.examples
        var score = ClassificationScore(labels: texts.labels), loss = 0.0
        for start in stride(from: 0, to: examples.count, by: TextClassifier.batch) {
            let part = examples[start..<min(start + TextClassifier.batch, examples.count)]
            let results = try classifier.classify(part.map(\.text), pairs: part.map(\.pair))
            for (example, result) in zip(part, results) {
                score.add(actual: example.label, predicted: result.best)
                loss -= log(result.probabilities[example.label])
            }
            progress(Double(part.endIndex) / Double(examples.count))
        }
        self.score = score
        self.loss = loss / Double(max(1, examples.count))
    }
}
