import Corpus
import Testing
import Tokenizers
import Training

/// Words and their spellings backwards, of different lengths.
enum Reversals {
    static let pairs: [TextPairs.Pair] = {
        let letters = Array("abcde")
        return (0..<60).map { number in
            let word = String((0...number % 6).map { letters[(number / 6 + $0 * (number % 4 + 1)) % 5] })
            return TextPairs.Pair(source: word, target: String(word.reversed()))
        }
    }()

    static let texts = TextPairs(name: "reversals", pairs)

    static func makeTokenizer() throws -> any Tokenizer {
        try CharacterTokenizer(alphabetOf: ["abcde"]).adding(.marian)
    }

    static func end(of tokenizer: any Tokenizer) throws -> Int32 {
        try #require(tokenizer.specialTokens.first { $0.text == "</s>" }?.id)
    }

    static func data(context: Int = 8) throws -> PairDataset {
        let tokenizer = try makeTokenizer()
        return try PairDataset(
            texts, tokenizer: tokenizer, endToken: end(of: tokenizer), validation: 0.2, contextLength: context, seed: 3)
    }
}

@Suite struct PairDatasetTests {
    @Test("Sources and targets end with the end token, and are split as the texts are")
    func encoding() throws {
        let tokenizer = try Reversals.makeTokenizer(), end = try Reversals.end(of: tokenizer)
        let data = try Reversals.data(), parts = Reversals.texts.split(validation: 0.2, seed: 3)
        #expect(
            data.training.count == parts.training.pairs.count && data.validation.count == data.validationTexts.count)
        #expect(data.validationTexts == parts.validation.pairs && data.notice == nil)
        for (example, pair) in zip(data.training, parts.training.pairs) {
            #expect(try example.source == tokenizer.encodeOrdinary(pair.source) + [end])
            #expect(try example.target == tokenizer.encodeOrdinary(pair.target) + [end])
        }
        let tokens = data.training.reduce(0) { $0 + $1.source.count + $1.target.count }
        #expect(data.meanLength == tokens / data.training.count)
    }

    @Test("A pair that is longer than the context is left out and counted")
    func leftOut() throws {
        let whole = try Reversals.data(), data = try Reversals.data(context: 6)
        #expect(data.leftOut.training == whole.training.count { $0.source.count > 6 })
        #expect(data.leftOut.validation == whole.validation.count { $0.source.count > 6 })
        #expect(data.leftOut.training > 1 && data.training.allSatisfy { $0.source.count <= 6 && $0.target.count <= 6 })
        #expect(data.validationTexts.allSatisfy { $0.source.utf8.count <= 5 })
        #expect(data.notice?.hasPrefix("\(data.leftOut.training) training pairs") == true)
        #expect(data.notice?.hasSuffix("longer than the context are left out.") == true)
    }

    @Test(
        "What cannot be learned from is one line that says why",
        arguments: [
            (TextPairs(name: "one", [.init(source: "a", target: "b")]), 8, "one: there are too few pairs"),
            (Reversals.texts, 1, "reversals: every pair is longer than the context of 1 tokens"),
            (
                TextPairs(name: "foreign", [.init(source: "a", target: "b"), .init(source: "ab", target: "x")]), 8,
                "pair 1: the character 'x'"
            ),
        ] as [(TextPairs, Int, String)])
    func refusals(_ pairs: TextPairs, _ context: Int, _ words: String) throws {
        let tokenizer = try Reversals.makeTokenizer(), end = try Reversals.end(of: tokenizer)
        let error = #expect(throws: TrainingError.self) {
            try PairDataset(
                pairs, tokenizer: tokenizer, endToken: end, validation: 0.5, contextLength: context, seed: 1)
        }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    @Test("A tokenizer without a template gets the end token")
    func withoutTemplate() throws {
        let data = try PairDataset(
            TextPairs(name: "pairs", [.init(source: "a", target: "bc"), .init(source: "b", target: "a")]),
            tokenizer: ByteTokenizer(), endToken: 256, validation: 0.5, contextLength: 8, seed: 1)
        #expect((data.training + data.validation).allSatisfy { $0.source.last == 256 && $0.target.last == 256 })
        #expect((data.training + data.validation).contains { $0.target == [98, 99, 256] })
    }
}
