/// How well labels were predicted: what scikit-learn's `accuracy_score`, `f1_score(average: "macro")` and `confusion_matrix` say.
///
/// With C[a][p] texts of the label a that were predicted to have the label p:
///
///     accuracy  = Σ C[l][l] / Σ C[a][p]
///     precision = C[l][l] / Σ_a C[a][l],    recall = C[l][l] / Σ_p C[l][p]
///     F1        = 2 C[l][l] / (Σ_a C[a][l] + Σ_p C[l][p])
///     macro F1  = the mean of F1 over the labels that some text has or was predicted to have
public struct ClassificationScore: Sendable, Equatable {
    /// The labels.
    public let labels: [String]
    /// The numbers of texts: by actual label, then by predicted label.
    public private(set) var confusion: [[Int]]

    /// The score of no texts.
    public init(labels: [String]) {
        self.labels = labels
        confusion = Array(repeating: Array(repeating: 0, count: labels.count), count: labels.count)
    }

    /// The score of some predictions.
    /// - Parameters:
    ///   - labels: the labels.
    ///   - actual: the number of the label of each text.
    ///   - predicted: the number of the label that was predicted for each text.
    public init(labels: [String], actual: some Collection<Int>, predicted: some Collection<Int>) {
        precondition(actual.count == predicted.count, "there is a prediction for each text")
        self.init(labels: labels)
        for (actual, predicted) in zip(actual, predicted) { add(actual: actual, predicted: predicted) }
    }

    /// Counts another text.
    public mutating func add(actual: Int, predicted: Int) { confusion[actual][predicted] += 1 }

    /// The number of texts.
    public var count: Int { confusion.reduce(0) { $0 + $1.reduce(0, +) } }

    /// The number of texts whose label was predicted.
    public var correct: Int { labels.indices.reduce(0) { $0 + confusion[$1][$1] } }

    /// The share of texts whose label was predicted; 0 if there are no texts.
    public var accuracy: Double { count == 0 ? 0 : Double(correct) / Double(count) }

    /// The 95% confidence interval of the accuracy (`ConfidenceInterval.wilson`).
    public var accuracyInterval: ClosedRange<Double> { ConfidenceInterval.wilson(correct, of: count) }

    /// The number of texts that have a label.
    public func support(of label: Int) -> Int { confusion[label].reduce(0, +) }

    /// The number of texts that were predicted to have a label.
    public func predictions(of label: Int) -> Int { confusion.reduce(0) { $0 + $1[label] } }

    /// The F1 of a label, the harmonic mean of its precision and its recall; nil if no text has it or was predicted to have it.
    public func f1(of label: Int) -> Double? {
        let all = support(of: label) + predictions(of: label)
        return all == 0 ? nil : 2 * Double(confusion[label][label]) / Double(all)
    }

    /// The mean of the labels' F1; 0 if there are no texts.
    public var macroF1: Double {
        let all = labels.indices.compactMap { f1(of: $0) }
        return all.isEmpty ? 0 : all.reduce(0, +) / Double(all.count)
    }
}
