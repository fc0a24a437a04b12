import Inference
import Models
import Platform
import Tensors
import Testing
import Tokenizers

@Suite("Text scores") struct TextScoreTests {
    @Test("Figures of a text of which every token has the probability 1/8")
    func figures() {
        let score = TextScore(Evaluation(total: 4 * log(8), count: 4), characters: 6, bytes: 24)
        #expect(abs(score.loss - log(8)) < 1e-12)
        #expect(abs(score.perplexity - 8) < 1e-12)
        #expect(abs(score.bitsPerToken - 3) < 1e-12)
        #expect(abs(score.bitsPerCharacter - 2) < 1e-12)
        #expect(abs(score.bitsPerByte - 0.5) < 1e-12)
        #expect(score.tokens == 4)
    }

    @Test("Of a sample, the mean stands for all tokens")
    func sample() {
        let score = TextScore(Evaluation(total: 4 * log(8), count: 4), tokens: 40, characters: 60, bytes: 240)
        #expect(abs(score.loss - log(8)) < 1e-12)
        #expect(abs(score.bitsPerCharacter - 2) < 1e-12)
        #expect(abs(score.bitsPerByte - 0.5) < 1e-12)
    }

    @Test("Predicted tokens without text are no division by zero")
    func noText() {
        let score = TextScore(Evaluation(total: log(2), count: 1), characters: 0, bytes: 0)
        #expect(abs(score.bitsPerByte - 1) < 1e-12 && abs(score.bitsPerCharacter - 1) < 1e-12)
    }

    @Test("All but the first token are counted")
    func counts() throws {
        let model = BigramModel(vocabularySize: 257, seed: 1)
        model.table.value.withElements { $0.update(repeating: 0) }
        let score = try TextGenerator(model, tokenizer: ByteTokenizer()).score("né🙂")
        #expect(score.tokens == 6 && score.bytes == 6 && score.characters == 2)
        #expect(abs(score.loss - log(257)) < 1e-6)
        // The first token is the first of two bytes of a character.
        let cut = try TextGenerator(model, tokenizer: ByteTokenizer()).score("én")
        #expect(cut.bytes == 2 && cut.characters == 2)
    }

    @Test("Scoring in parts gives the bits of the whole", arguments: ["bigram", "attention", "transformer", "ngram"])
    func parts(kind: String) throws {
        var random = Philox(3)
        let ids = (0..<9001).map { _ in Int32.random(in: 32..<127, using: &random) }
        let text = ByteTokenizer().decode(ids)
        let model: any LanguageModel =
            switch kind {
            case "bigram": BigramModel(vocabularySize: 257, seed: 1)
            case "attention":
                AttentionModel(.init(vocabularySize: 257, contextLength: 64, width: 16), seed: 1)
            case "transformer":
                Transformer(
                    TransformerConfiguration(
                        .gpt2, vocabularySize: 257, contextLength: 48, layers: 1, heads: 2, width: 16), seed: 1)
            default: try NGramModel(order: 3, vocabularySize: 257, documents: [Array(ids.prefix(3000))])
            }
        var scorer = try TextScorer(text, TextGenerator(model, tokenizer: ByteTokenizer()))
        var parts = 0
        while scorer.scoreNextPart() {
            parts += 1
            #expect(scorer.progress > 0 && scorer.progress <= 1)
        }
        let whole = model.evaluate(ids)
        #expect(parts > 3 && scorer.score.evaluation == whole)
        #expect(scorer.score.evaluation.standardError == whole.standardError)
    }

    @Test(arguments: ["", "t"]) func refusesShortTexts(text: String) throws {
        let generator = TextGenerator(BigramModel(vocabularySize: 257, seed: 1), tokenizer: ByteTokenizer())
        #expect(throws: ScoringError.tooShort(tokens: text.count)) { try generator.score(text) }
    }

    @Test("Log probabilities of a text sum to its loss", arguments: [true, false])
    func logProbabilities(isNeural: Bool) throws {
        let text = "tea for two", ids = ByteTokenizer().encode(text)
        let model: any LanguageModel =
            isNeural
            ? Transformer(
                TransformerConfiguration(
                    .llama, vocabularySize: 257, contextLength: 16, layers: 2, heads: 2, width: 16), seed: 1)
            : try NGramModel(order: 3, vocabularySize: 257, documents: [ids])
        let generator = TextGenerator(model, tokenizer: ByteTokenizer())
        let scored = try generator.logProbabilities(of: ids, top: 2)
        #expect(scored.map(\.id) == Array(ids.dropFirst()))
        let loss = -scored.reduce(0) { $0 + $1.logProbability } / Double(scored.count)
        #expect(abs(loss - (try generator.score(text).loss)) < 1e-5)
        // The best of the next token is the highest logit.
        let logits = try generator.logits(after: ids.dropLast())
        #expect(
            scored.last?.alternatives.first?.id == logits.firstIndex(of: try #require(logits.max())).map(Int32.init))
        #expect(try generator.logProbabilities(of: [97]).isEmpty)
        #expect(throws: GenerationError.emptyPrompt) { try generator.logProbabilities(of: []) }
        #expect(throws: GenerationError.unknownToken(300, vocabularySize: 257)) { try generator.logits(after: [300]) }
        if isNeural {
            let long = [Int32](repeating: 97, count: 17)
            #expect(throws: ScoringError.tooLong(tokens: 17, contextLength: 16)) {
                try generator.logProbabilities(of: long)
            }
            #expect(try generator.logits(after: long) == generator.logits(after: Array(long.dropFirst())))
        }
    }
}
