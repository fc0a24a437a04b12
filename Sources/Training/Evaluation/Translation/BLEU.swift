import Platform
import StrictJSON

/// The BLEU of a corpus (Papineni, Roukos, Ward and Zhu, "BLEU: a method for automatic evaluation of machine translation", ACL
/// 2002), with one reference for each text, as sacrebleu computes it (Post, 2018):
///
///     BLEU = BP exp(¼ Σ_n log p_n),   n = 1...4,   BP = min(1, exp(1 - r/c))
///     p_n  = 100 Σ min(count in hypothesis, count in reference) / Σ count in hypothesis
///
/// over the n-grams of the tokens (`EvaluationTokenizer`), with c tokens in all hypotheses and r in all references. The sums are
/// over the whole corpus. The first p_n without a match is 100 / (2 Σ), the next 100 / (4 Σ) and so on (`smooth:exp`, the
/// third method of Chen and Cherry, 2014); without any match BLEU is 0.
public struct BLEU: Sendable, Equatable {
    /// What the score was computed with, as sacrebleu writes it.
    public static let signature = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp"

    private static let order = 4

    /// The n-grams of hypotheses that their references have, for n = 1...4.
    public private(set) var matches = [Int](repeating: 0, count: order)
    /// The n-grams of hypotheses, for n = 1...4.
    public private(set) var totals = [Int](repeating: 0, count: order)
    /// The tokens of all hypotheses.
    public private(set) var hypothesisLength = 0
    /// The tokens of all references.
    public private(set) var referenceLength = 0

    /// The BLEU of no texts.
    public init() {}

    /// Counts another text.
    public mutating func add(hypothesis: String, reference: String) {
        var numbers: [UTF8Key: Int32] = [:]
        func ids(_ text: String) -> [Int32] {
            EvaluationTokenizer.tokens(text).map { token in
                let key = UTF8Key(token), next = Int32(numbers.count)
                if let number = numbers[key] { return number }
                numbers[key] = next
                return next
            }
        }
        let hypothesis = ids(hypothesis), reference = ids(reference)
        hypothesisLength += hypothesis.count
        referenceLength += reference.count
        for n in 1...Self.order {
            let expected = Self.counts(of: n, in: reference)
            for (gram, count) in Self.counts(of: n, in: hypothesis) {
                totals[n - 1] += count
                matches[n - 1] += min(count, expected[gram] ?? 0)
            }
        }
    }

    private static func counts(of n: Int, in tokens: [Int32]) -> [SIMD4<Int32>: Int] {
        var counts: [SIMD4<Int32>: Int] = [:]
        guard tokens.count >= n else { return counts }
        for start in 0...tokens.count - n {
            var gram = SIMD4<Int32>(repeating: -1)
            for offset in 0..<n { gram[offset] = tokens[start + offset] }
            counts[gram, default: 0] += 1
        }
        return counts
    }

    /// BP: below 1 if the hypotheses are shorter than the references.
    public var brevityPenalty: Double {
        if hypothesisLength >= referenceLength { return 1 }
        return hypothesisLength == 0 ? 0 : exp(1 - Double(referenceLength) / Double(hypothesisLength))
    }

    /// p_n for n = 1...4, in percent: smoothed, and 0 where there are no n-grams of that length.
    public var precisions: [Double] {
        guard matches.contains(where: { $0 > 0 }) else { return matches.map { _ in 0 } }
        var divisor = 1.0
        return zip(matches, totals).map { matches, total in
            if total == 0 { return 0 }
            if matches > 0 { return 100 * Double(matches) / Double(total) }
            divisor *= 2
            return 100 / (divisor * Double(total))
        }
    }

    /// BLEU, from 0 to 100.
    public var score: Double {
        let precisions = precisions
        guard precisions.allSatisfy({ $0 > 0 }) else { return 0 }
        return brevityPenalty * exp(precisions.reduce(0) { $0 + log($1) } / Double(Self.order))
    }
}
