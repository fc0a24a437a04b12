import Corpus

/// The baseline that predicts the same label for every text: the most frequent one of the training texts. A classifier that is
/// no better has learned nothing.
public struct MajorityBaseline: Sendable {
    /// The number of the label; of those that are equally frequent, the first.
    public let label: Int

    /// The labels of the training texts.
    public let labels: [String]

    public init(_ training: LabelledTexts) {
        labels = training.labels
        let counts = training.counts
        label = counts.indices.max { (counts[$0], $1) < (counts[$1], $0) } ?? 0
    }

    /// The score for texts with the same labels as those of the training.
    public func score(_ texts: LabelledTexts) -> ClassificationScore {
        precondition(texts.labels == labels, "the labels are those of the training texts")
        let actual = texts.examples.map(\.label)
        return ClassificationScore(
            labels: labels, actual: actual, predicted: repeatElement(label, count: actual.count))
    }
}
