import Corpus
import Platform
import StrictJSON
import TestSupport
import Testing
import Training

/// Naive Bayes is scikit-learn's (Tests/References/make_scores.py), and the majority is the majority.
@Suite("Baselines of classifiers")
struct NaiveBayesTests {
    private static let golden = Result { try JSON(parsing: Fixtures.bytes(Fixtures.scores + "/classification.json")) }

    private static func texts(_ key: String) throws -> LabelledTexts {
        let golden = try golden.get()
        let rows = try #require(golden[key]?.arrayValue)
        let labels = (golden["labels"]?.arrayValue ?? []).compactMap(\.stringValue)
        return try LabelledTexts(
            name: key,
            rows.map { (text: try #require($0["text"]?.stringValue), label: try #require($0["label"]?.stringValue)) },
            labels: labels)
    }

    @Test("Predictions, probabilities and scores are scikit-learn's")
    func reference() throws {
        let golden = try Self.golden.get()
        let training = try Self.texts("training"), test = try Self.texts("test")
        let model = NaiveBayes(training)
        for row in golden["test"]?.arrayValue ?? [] {
            let text = try #require(row["text"]?.stringValue)
            #expect(training.labels[model.label(of: text)] == row["predicted"]?.stringValue)
            let expected = (row["log_probabilities"]?.arrayValue ?? []).compactMap(\.doubleValue)
            let computed = model.logProbabilities(of: text)
            #expect(expected.count == computed.count)
            #expect(zip(computed, expected).allSatisfy { abs($0 - $1) <= 1e-9 * max(1, abs($1)) }, "\(text)")
        }
        let score = model.score(test)
        #expect(abs(score.accuracy - (golden["accuracy"]?.doubleValue ?? -1)) < 1e-12)
        #expect(abs(score.macroF1 - (golden["macro_f1"]?.doubleValue ?? -1)) < 1e-12)
        #expect(score.confusion == golden["confusion"]?.arrayValue?.map { $0.arrayValue?.compactMap(\.intValue) })
    }

    @Test("The probabilities are those of the equation")
    func equation() throws {
        // Features: ab, cd, ab cd. Of p: ab 2, cd 1, ab cd 1; of q: cd 1.
        let model = NaiveBayes(try LabelledTexts(name: "t", [("ab cd", "p"), ("Ab!", "p"), ("cd", "q")]))
        let p = 2.0 / 3 * 3 / 7, q = 1.0 / 3 * 1 / 4
        let computed = model.logProbabilities(of: "AB zz x")
        #expect(abs(computed[0] - log(p / (p + q))) < 1e-12 && abs(computed[1] - log(q / (p + q))) < 1e-12)
        // Without a known word, the frequencies of the labels.
        #expect(abs(model.logProbabilities(of: "x")[0] - log(2.0 / 3)) < 1e-12)
        // A pair counts only where its words follow each other, and not across the texts of an example.
        #expect(model.logProbabilities(of: "ab", pair: "cd")[0] < model.logProbabilities(of: "ab cd")[0])
        #expect(model.logProbabilities(of: "ab zz cd") == model.logProbabilities(of: "ab", pair: "cd"))
    }

    @Test("Of labels that are equally likely, the first")
    func ties() throws {
        let texts = try LabelledTexts(name: "t", [("ab", "q"), ("ab", "p")])
        #expect(NaiveBayes(texts).label(of: "ab") == 0 && MajorityBaseline(texts).label == 0)
    }

    @Test("The majority is the most frequent label of the training texts")
    func majority() throws {
        let training = try LabelledTexts(name: "t", [("a", "p"), ("b", "q"), ("c", "q")])
        let test = try LabelledTexts(name: "t", [("a", "p"), ("b", "q"), ("c", "p"), ("d", "p")])
        #expect(MajorityBaseline(training).label == 1)
        #expect(MajorityBaseline(training).score(test).confusion == [[0, 3], [0, 1]])
    }
}
