import Corpus
import Platform

/// Multinomial naive Bayes of words and pairs of words, with a count of one added: the baseline that a classifier has to beat.
///
///     P(l | text) ∝ P(l) Π_f P(f | l),   P(l) = N_l / N,   P(f | l) = (n_lf + 1) / (Σ_g n_lg + V)
///
/// with N_l texts of the label l, n_lf occurrences of the feature f in them, and V features in all training texts. Features that
/// did not occur there are left out. It is what scikit-learn's `CountVectorizer(ngram_range=(1, 2))` and `MultinomialNB()`
/// compute (Manning, Raghavan and Schütze, "Introduction to Information Retrieval", 2008, chapter 13; for reviews Wang and
/// Manning, "Baselines and bigrams", 2012).
public struct NaiveBayes: Sendable {
    /// The labels of the training texts.
    public let labels: [String]
    private let features: WordFeatures
    /// n_lf: by label, then by feature.
    private let counts: [[Int32]]
    /// log P(l); minus infinity for a label without texts.
    private let priors: [Double]
    /// log (Σ_g n_lg + V) of each label.
    private let totals: [Double]

    /// Counts the words of the training texts.
    public init(_ training: LabelledTexts) {
        var features = WordFeatures()
        var counts = [[Int32]](repeating: [], count: training.labels.count)
        for example in training.examples {
            for text in [example.text, example.pair].compactMap(\.self) {
                for feature in features.adding(text) {
                    let missing = feature + 1 - counts[example.label].count
                    if missing > 0 { counts[example.label] += repeatElement(0, count: missing) }
                    counts[example.label][feature] += 1
                }
            }
        }
        totals = counts.map { log(Double($0.reduce(0) { $0 + Int($1) } + features.count)) }
        priors = training.counts.map { log(Double($0) / Double(training.examples.count)) }
        labels = training.labels
        self.features = features
        self.counts = counts
    }

    /// log P(l | text) of each label l.
    /// - Parameters:
    ///   - text: the text.
    ///   - pair: the second text of an example of two; its pairs of words are its own.
    public func logProbabilities(of text: String, pair: String? = nil) -> [Double] {
        let joint = jointLogProbabilities(of: text, pair: pair)
        let greatest = joint.max() ?? 0
        let total = greatest + log(joint.reduce(0) { $0 + exp($1 - greatest) })
        return joint.map { $0 - total }
    }

    /// The number of the most likely label; of those that are equally likely, the first.
    public func label(of text: String, pair: String? = nil) -> Int {
        let joint = jointLogProbabilities(of: text, pair: pair)
        return joint.indices.max { joint[$0] < joint[$1] || (joint[$0] == joint[$1] && $0 > $1) } ?? 0
    }

    /// The score for texts with the same labels as those of the training.
    public func score(_ texts: LabelledTexts) -> ClassificationScore {
        precondition(texts.labels == labels, "the labels are those of the training texts")
        return ClassificationScore(
            labels: labels, actual: texts.examples.map(\.label),
            predicted: texts.examples.map { label(of: $0.text, pair: $0.pair) })
    }

    /// log P(l) + Σ_f log P(f | l), up to a constant.
    private func jointLogProbabilities(of text: String, pair: String?) -> [Double] {
        let found = features(text) + (pair.map { features($0) } ?? [])
        return priors.indices.map { label in
            let counts = counts[label]
            return found.reduce(priors[label]) { sum, feature in
                sum + log(Double(feature < counts.count ? counts[feature] : 0) + 1) - totals[label]
            }
        }
    }
}
