/// The chrF2 of a corpus (Popović, "chrF: character n-gram F-score for automatic MT evaluation", WMT 2015), with one reference for
/// each text, as sacrebleu computes it:
///
///     chrF = 100 (1 + β²) P R / (β² P + R),   β = 2
///
/// P and R are the means over n = 1...6 of the precisions and recalls of n-grams of characters (Unicode scalars), white space left
/// out, in which the sums are over the whole corpus; orders without n-grams in hypotheses or references are left out of the
/// means. The n-grams of a hypothesis whose reference has none of that length are not counted.
public struct ChrF: Sendable, Equatable {
    /// What the score was computed with, as sacrebleu writes it.
    public static let signature = "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no"

    private static let order = 6

    /// The n-grams that hypotheses and their references share, for n = 1...6.
    public private(set) var matches = [Int](repeating: 0, count: order)
    /// The n-grams of hypotheses, for n = 1...6.
    public private(set) var hypothesisTotals = [Int](repeating: 0, count: order)
    /// The n-grams of references, for n = 1...6.
    public private(set) var referenceTotals = [Int](repeating: 0, count: order)

    /// The chrF of no texts.
    public init() {}

    /// Counts another text.
    public mutating func add(hypothesis: String, reference: String) {
        let hypothesis = Self.characters(hypothesis), reference = Self.characters(reference)
        for n in 1...Self.order where reference.count >= n {
            referenceTotals[n - 1] += reference.count - n + 1
            guard hypothesis.count >= n else { continue }
            hypothesisTotals[n - 1] += hypothesis.count - n + 1
            var expected = Self.counts(of: n, in: reference)
            for start in 0...hypothesis.count - n {
                let gram = Gram(hypothesis[start..<start + n])
                guard let left = expected[gram], left > 0 else { continue }
                expected[gram] = left - 1
                matches[n - 1] += 1
            }
        }
    }

    private static func characters(_ text: String) -> [UInt32] {
        text.unicodeScalars.filter { !$0.isPythonSpace }.map(\.value)
    }

    private static func counts(of n: Int, in characters: [UInt32]) -> [Gram: Int] {
        var counts: [Gram: Int] = [:]
        for start in 0...characters.count - n { counts[Gram(characters[start..<start + n]), default: 0] += 1 }
        return counts
    }

    /// Up to six scalars of 21 bits. All in a table have the same number of them.
    private struct Gram: Hashable {
        var first: UInt64 = 0
        var second: UInt64 = 0

        init(_ scalars: ArraySlice<UInt32>) {
            for scalar in scalars.prefix(3) { first = first << 21 | UInt64(scalar) }
            for scalar in scalars.dropFirst(3) { second = second << 21 | UInt64(scalar) }
        }
    }

    /// chrF, from 0 to 100.
    public var score: Double {
        var precision = 0.0, recall = 0.0, orders = 0.0
        for n in 0..<Self.order where hypothesisTotals[n] > 0 && referenceTotals[n] > 0 {
            precision += Double(matches[n]) / Double(hypothesisTotals[n])
            recall += Double(matches[n]) / Double(referenceTotals[n])
            orders += 1
        }
        guard precision + recall > 0 else { return 0 }
        precision /= orders
        recall /= orders
        return 100 * (5 * precision * recall / (4 * precision + recall))
    }
}
