import GPTKit
import StrictJSON
import TestSupport
import Testing

/// The commands with a WordPiece vocabulary.
@Suite struct WordPieceCommandTests {
    let directory = TemporaryDirectory()

    init() throws { try directory.write(Array(TrainCommandTests.verse.utf8), to: "verse.txt") }

    private func gpt(_ arguments: String..., input: String? = nil) throws -> CommandResult {
        try runCommand(arguments, input: input, directory: directory.path)
    }

    @Test("A vocabulary is trained, described, and encodes and decodes")
    func tokenizer() throws {
        let trained = try gpt(
            "tokenizer", "train", "--kind", "wordpiece", "--text", "verse.txt", "--vocabulary", "80", "--out", "words",
            "--json")
        try #require(trained.status == 0, "\(trained.errorText)")
        let tokenizer = try #require(
            try TokenizerFile.tokenizer(from: Fixtures.bytes(directory.file("words/tokenizer.json")))
                as? WordPieceTokenizer)
        var words = PretokenCounter()
        words.add(wordsOf: TrainCommandTests.verse, normalization: BertNormalization())
        let expected = try #require(try WordPieceTrainer(vocabularySize: 80).train(words))
        #expect((0..<Int32(tokenizer.vocabularySize)).map { tokenizer.vocabulary.token($0) } == expected.tokens)
        let object = try JSON(parsing: Array(try #require(trained.lines.last).utf8))
        #expect(object["vocabulary"]?.intValue == expected.tokens.count)

        let text = "The cat, [MASK]"
        let ids = try tokenizer.encode(text, special: .allowed, addingSpecialTokens: true)
        let encoded = try gpt(
            "tokenizer", "encode", "--tokenizer", "words", "--special", "allow", "--template", input: text)
        #expect(encoded.text == ids.map { "\($0)" }.joined(separator: " ") + "\n")
        let decoded = try gpt("tokenizer", "decode", "--tokenizer", "words", input: encoded.text)
        #expect(decoded.text == tokenizer.decode(ids, spellingSpecialTokens: true))
        let skipped = try gpt("tokenizer", "decode", "--tokenizer", "words", "--skip-special", input: encoded.text)
        #expect(skipped.text == tokenizer.decode(ids))
        #expect(try gpt("tokenizer", "decode", "--tokenizer", "words", input: "999").status == 1)
        let info = try gpt("tokenizer", "info", "words")
        #expect(info.text.contains("WordPiece") && info.text.contains("[MASK] (4)") && info.text.contains("lowercase"))
    }

    @Test("A model is trained with words, tested, and generates")
    func model() throws {
        let result = try runCommand(
            ["train", "--text", "verse.txt", "--tokenizer", "wordpiece:60", "--steps", "5", "--out", "run"]
                + TrainCommandTests.tiny, directory: directory.path)
        try #require(result.status == 0, "\(result.errorText)")
        #expect(result.text.contains("bits per byte"))
        let written = try gpt("generate", "run", "--prompt", "the cat", "--length", "5", "--seed", "1")
        #expect(written.status == 0 && written.text.hasPrefix("the cat"), "\(written.errorText)")
        #expect(try gpt("test", "run", "--text", "verse.txt").status == 0)
    }

    @Test(
        "A size that is none, or too small for the characters of the text, is refused in one line",
        arguments: [
            ("wordpiece:3", "wordpiece:1024"), ("wordpiece:x", "wordpiece:1024"), ("wordpiece", "wordpiece:1024"),
        ])
    func sizes(_ tokenizer: String, _ reason: String) throws {
        let result = try gpt("train", "--text", "verse.txt", "--tokenizer", tokenizer)
        #expect(result.status == 64 && result.errorText.contains(reason), "\(result.errorText)")
        let small = try gpt("train", "--text", "verse.txt", "--tokenizer", "wordpiece:10", "--out", "small")
        #expect(small.status != 0 && small.errorText.contains("the vocabulary size 10 is below"), "\(small.errorText)")
    }
}
