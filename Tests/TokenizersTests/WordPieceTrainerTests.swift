import TestSupport
import Testing
import Tokenizers

@Suite struct WordPieceTrainerTests {
    private static func train(
        _ text: String, _ size: Int, minimum: Int = 0, _ normalization: BertNormalization = BertNormalization()
    ) throws -> WordPieceTrainer.Result {
        let trainer = try WordPieceTrainer(
            vocabularySize: size, minimumFrequency: minimum, normalization: normalization)
        var words = PretokenCounter()
        words.add(wordsOf: text, normalization: normalization)
        return try #require(try trainer.train(words))
    }

    /// The tokens of Hugging Face's trainer, whose characters with `##` were numbered by code point.
    @Test("Special tokens, characters, characters that continue a word, then merged tokens")
    func order() throws {
        let result = try Self.train("Hug hug pug pun bun bun! hugs Büns", 100)
        let characters = ["!", "b", "g", "h", "n", "p", "s", "u"], continuing = ["##g", "##n", "##s", "##u"]
        let first = WordPieceTrainer.specialTokens + characters + continuing
        #expect(Array(result.tokens.prefix(first.count)) == first)
        #expect(
            Array(result.tokens.dropFirst(first.count)) == ["##ug", "##un", "bun", "hug", "pug", "pun", "buns", "hugs"])
        #expect(result.mergeCount == result.tokens.count - first.count)
        let tokenizer = try result.tokenizer()
        #expect(tokenizer.vocabularySize == result.tokens.count)
        #expect(try tokenizer.encodeSequence("hug").typeIDs == [0, 0, 0])
        #expect(tokenizer.decode(try tokenizer.encode("Hugs, buns!")) == "hugs buns!")
    }

    @Test("Case is kept if the normalization keeps it")
    func cased() throws {
        let result = try Self.train("Ab ab", 100, BertNormalization(lowercases: false))
        #expect(result.tokens.contains("A") && result.tokens.contains("Ab"))
        #expect(try !Self.train("Ab ab", 100).tokens.contains("A"))
    }

    @Test("Rare pairs are not merged, and the size is a maximum")
    func limits() throws {
        #expect(try Self.train("ab ab cd", 100, minimum: 2).tokens.last == "ab")
        #expect(try Self.train("ab ab cd", 12).tokens.count == 12)
        #expect(throws: TokenizerError.self) { try Self.train("ab ab cd", 10) }
        for (size, minimum) in [(5, 0), (-1, 0), (Int.max, 0), (100, -1)] {
            #expect(throws: TokenizerError.self) {
                try WordPieceTrainer(vocabularySize: size, minimumFrequency: minimum)
            }
        }
    }

    @Test("A text that is counted in parts gives the same vocabulary")
    func parts() throws {
        let text = "Tea for two\nand two for tea, naïve\u{301} ÜBER 茶道 "
        var words = PretokenCounter()
        for part in [String(text.prefix(12)), String(text.dropFirst(12))] {
            words.add(wordsOf: part, normalization: BertNormalization())
        }
        let result = try #require(try WordPieceTrainer(vocabularySize: 60).train(words))
        #expect(try result.tokens == Self.train(text, 60).tokens)
        #expect(result.tokens.contains("茶") && !result.tokens.contains("##道"))
    }

    @Test("No token is made for an empty text")
    func empty() throws {
        let result = try Self.train(" \u{0}", 100)
        #expect(result.tokens == WordPieceTrainer.specialTokens)
        #expect(try result.tokenizer().encode("a") == [1])
    }
}
