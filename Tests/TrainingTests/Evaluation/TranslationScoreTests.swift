import StrictJSON
import TestSupport
import Testing
import Training

/// BLEU and chrF are sacrebleu's (Tests/References/make_scores.py).
@Suite("Scores of translations")
struct TranslationScoreTests {
    private static let golden = Result { try JSON(parsing: Fixtures.bytes(Fixtures.scores + "/translation.json")) }

    private static func pairs(_ key: String) throws -> [JSON] { try #require(golden.get()[key]?.arrayValue) }

    private static func texts(_ json: JSON) throws -> (hypothesis: String, reference: String) {
        (try #require(json["hypothesis"]?.stringValue), try #require(json["reference"]?.stringValue))
    }

    private static func expect(_ score: TranslationScore, _ json: JSON) throws {
        let bleu = try #require(json["bleu"]?.doubleValue), chrF = try #require(json["chrf"]?.doubleValue)
        #expect(abs(score.bleu.score - bleu) <= 1e-9 && abs(score.chrF.score - chrF) <= 1e-9)
    }

    private static func integers(_ json: JSON?) -> [Int]? { json?.arrayValue?.compactMap(\.intValue) }

    @Test("The scores of a corpus are sacrebleu's, to the last count")
    func corpus() throws {
        var score = TranslationScore(), exact = 0
        for pair in try Self.pairs("pairs") {
            let (hypothesis, reference) = try Self.texts(pair)
            score.add(hypothesis: hypothesis, reference: reference)
            exact += hypothesis.utf8.elementsEqual(reference.utf8) ? 1 : 0
        }
        let total = try #require(try Self.golden.get()["total"])
        try Self.expect(score, total)
        #expect(score.bleu.matches == Self.integers(total["matches"]))
        #expect(score.bleu.totals == Self.integers(total["totals"]))
        #expect([score.bleu.hypothesisLength, score.bleu.referenceLength] == Self.integers(total["lengths"]))
        #expect(score.exactMatches == exact && exact > 0 && score.count > 40)
        // The version is that of sacrebleu, which is no part of what was computed.
        let signatures = total["signatures"]?.arrayValue?.compactMap(\.stringValue)
        #expect(signatures == [BLEU.signature, ChrF.signature].map { $0 + "|version:2.6.0" })
    }

    @Test("The scores of each text alone are sacrebleu's")
    func texts() throws {
        for pair in try Self.pairs("pairs") + Self.pairs("few") {
            let (hypothesis, reference) = try Self.texts(pair)
            try Self.expect(TranslationScore(hypotheses: [hypothesis], references: [reference]), pair)
        }
    }

    @Test(
        "Tokens are those of mteval-v13a",
        arguments: [
            ("Hello, world.", ["Hello", ",", "world", "."]),
            ("1,234.5 and .5, 5.", ["1,234.5", "and", ".", "5", ",", "5", "."]),
            ("a.b,c 1.a a.1", ["a", ".", "b", ",", "c", "1", ".", "a", "a", ".", "1"]),
            ("...", [".", ".", "."]), ("12-year well-known -3", ["12", "-", "year", "well-known", "-3"]),
            ("don't 'so'", ["don't", "'so'"]), ("&quot;x&quot; &amp;lt; &lt;", ["\"", "x", "\"", "<", "<"]),
            ("x<skipped>y", ["xy"]), ("end-\nless line\nbreak", ["endless", "line", "break"]),
            (" \u{1F}a\u{3000}b\u{A0}", ["a", "b"]),
            ("(a)[b]{c}/d", ["(", "a", ")", "[", "b", "]", "{", "c", "}", "/", "d"]), ("«東京、»", ["«東京、»"]), ("", []),
        ])
    func tokens(text: String, tokens: [String]) { #expect(EvaluationTokenizer.tokens(text) == tokens) }

    @Test("Texts are compared by their scalars")
    func scalars() {
        let score = TranslationScore(hypotheses: ["cafe\u{301} a b c"], references: ["caf\u{E9} a b c"])
        #expect(score.exactMatches == 0 && score.bleu.matches == [3, 2, 1, 0])
    }

    @Test("Without texts, scores are zero")
    func none() {
        let score = TranslationScore()
        #expect(
            score.bleu.score == 0 && score.chrF.score == 0 && score.exactMatch == 0 && score.exactMatchInterval == 0...1
        )
        let empty = TranslationScore(hypotheses: ["", ""], references: ["", "a"])
        #expect(empty.bleu.score == 0 && empty.chrF.score == 0 && empty.exactMatch == 0.5)
    }
}
