import Testing
import Training

@Suite("Scores of classifications")
struct ClassificationScoreTests {
    @Test("Accuracy, F1 and its mean are those of the formulas")
    func scores() {
        let score = ClassificationScore(
            labels: ["a", "b", "c"], actual: [0, 0, 0, 1, 1, 2], predicted: [0, 0, 1, 1, 0, 0])
        #expect(score.confusion == [[2, 1, 0], [1, 1, 0], [1, 0, 0]])
        #expect(score.count == 6 && score.correct == 3 && score.accuracy == 0.5)
        #expect(score.f1(of: 0) == 4.0 / 7 && score.f1(of: 1) == 0.5 && score.f1(of: 2) == 0)
        #expect(abs(score.macroF1 - (4.0 / 7 + 0.5) / 3) < 1e-15)
    }

    @Test("A label that no text has or was predicted to have does not count")
    func absent() {
        let score = ClassificationScore(labels: ["a", "b", "c"], actual: [0, 1], predicted: [0, 1])
        #expect(score.f1(of: 2) == nil && score.macroF1 == 1)
        let none = ClassificationScore(labels: ["a", "b"])
        #expect(none.accuracy == 0 && none.macroF1 == 0 && none.accuracyInterval == 0...1)
    }

    /// Those of R's `prop.test(k, n, correct = FALSE)`, and two that follow from the equation: z²/(n + z²) for none of n, and
    /// for half of n 1/2 ± z/(2 √(n + z²)).
    @Test(
        "The interval is Wilson's",
        arguments: [
            (0, 10, 0, 0.277_532_8), (10, 10, 0.722_467_2, 1), (50, 100, 0.403_831_5, 0.596_168_5),
            (0, 1, 0, 0.793_450_7),
        ])
    func interval(successes: Int, trials: Int, lower: Double, upper: Double) {
        let interval = ConfidenceInterval.wilson(successes, of: trials)
        #expect(abs(interval.lowerBound - lower) < 1e-6 && abs(interval.upperBound - upper) < 1e-6)
    }

    @Test("The interval holds the share, and is narrower for more trials")
    func bounds() {
        for trials in 1...40 {
            for successes in 0...trials {
                let interval = ConfidenceInterval.wilson(successes, of: trials)
                #expect(interval.contains(Double(successes) / Double(trials)))
                #expect(interval.lowerBound >= 0 && interval.upperBound <= 1)
                let more = ConfidenceInterval.wilson(10 * successes, of: 10 * trials)
                #expect(more.upperBound - more.lowerBound < interval.upperBound - interval.lowerBound)
            }
        }
    }

    @Test("The matrix is a table")
    func table() {
        var score = ClassificationScore(labels: ["negative", "a label that\nis long"])
        for _ in 0..<412 { score.add(actual: 0, predicted: 0) }
        score.add(actual: 1, predicted: 0)
        #expect(
            score.table() == [
                "                  predicted",
                "actual            negative  a label that ...",
                "negative               412                 0",
                "a label that ...         1                 0",
            ])
    }

    @Test("With many labels there is a line for each of the largest")
    func list() {
        var score = ClassificationScore(labels: ["a", "b", "c"])
        for _ in 0..<3 { score.add(actual: 1, predicted: 2) }
        for predicted in [1, 0, 0] { score.add(actual: 1, predicted: predicted) }
        score.add(actual: 2, predicted: 2)
        #expect(
            score.table(atMost: 2) == [
                "actual   texts   right  most often mistaken for",
                "b            6       1  c (3)",
                "c            1       1",
                "1 others       0       0",
            ])
    }
}
