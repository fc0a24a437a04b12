import GPTKit
import StrictJSON

/// How good a classifier is, beside its baselines.
struct ClassifierReport {
    /// The baselines of the same texts.
    struct Baselines {
        /// That of the most frequent label of the training texts.
        let majority: ClassificationScore
        /// That of naive Bayes of words and pairs of words of the training texts.
        let naiveBayes: ClassificationScore

        init(_ training: LabelledTexts, on texts: LabelledTexts) {
            majority = MajorityBaseline(training).score(texts)
            naiveBayes = NaiveBayes(training).score(texts)
        }
    }

    private let score: ClassificationScore
    private let baselines: Baselines?

    /// - Parameters:
    ///   - score: that of the classifier.
    ///   - baselines: nil if the training texts are not known.
    init(_ score: ClassificationScore, baselines: Baselines?) {
        self.score = score
        self.baselines = baselines
    }

    /// A table of accuracies, and the confusion matrix of the classifier.
    var lines: [String] {
        func row(_ name: String, _ score: ClassificationScore) -> [String] {
            let interval = score.accuracyInterval
            return [
                name, fixed(score.accuracy, 4), "\(fixed(interval.lowerBound, 3)) to \(fixed(interval.upperBound, 3))",
                fixed(score.macroF1, 4),
            ]
        }
        var rows = [["", "accuracy", "95% interval", "macro F1"], row("the model", score)]
        if let baselines {
            rows += [row("naive Bayes", baselines.naiveBayes), row("most frequent label", baselines.majority)]
        }
        return aligned(rows, left: [0]) + [""] + score.table().map(escaped)
    }

    /// The members of a JSON object. Baselines that are not known are null.
    var members: [(String, JSON)] {
        [
            ("accuracy", .double(score.accuracy)),
            (
                "accuracy_interval",
                [.double(score.accuracyInterval.lowerBound), .double(score.accuracyInterval.upperBound)]
            ),
            ("macro_f1", .double(score.macroF1)),
            ("majority_accuracy", baselines.map { .double($0.majority.accuracy) } ?? .null),
            ("naive_bayes_accuracy", baselines.map { .double($0.naiveBayes.accuracy) } ?? .null),
            ("labels", .array(score.labels.map(JSON.string))),
            ("confusion", .array(score.confusion.map { .array($0.map(JSON.int)) })),
            ("texts", .int(score.count)),
        ]
    }
}
