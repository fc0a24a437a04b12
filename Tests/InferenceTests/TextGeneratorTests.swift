import Inference
import Interchange
import Models
import Tensors
import Testing
import Tokenizers

@Suite struct TextGeneratorTests {
    /// An n-gram model of a text that repeats itself, so that the greedy continuation is known.
    private func parrot(_ text: String, _ tokenizer: any Tokenizer) throws -> TextGenerator {
        let ids = try tokenizer.encode(String(repeating: text, count: 50))
        return TextGenerator(
            try NGramModel(order: 12, vocabularySize: tokenizer.vocabularySize, documents: [ids]), tokenizer: tokenizer)
    }

    private func pieces(
        _ generator: TextGenerator, _ prompt: String, length: Int, stops: [String] = []
    ) throws -> [String] {
        var pieces: [String] = []
        try generator.generate(after: generator.encode(prompt: prompt), length: length, settings: .greedy, stops: stops)
        {
            pieces.append($1)
        }
        return pieces
    }

    @Test func continuesAPrompt() throws {
        let text = "tea for two\n"
        let generator = try parrot(text, CharacterTokenizer(alphabetOf: [text]))
        #expect(try generator.text(after: "tea ", length: 12, settings: .greedy) == "for two\ntea ")
        #expect(try generator.text(after: "tea ", length: 0, settings: .greedy) == "")
        #expect(try pieces(generator, "tea ", length: 100, stops: ["two"]).joined() == "for ")
    }

    @Test func beginsWithoutAPromptAfterANewline() throws {
        let generator = try parrot("tea for two\n", CharacterTokenizer(alphabetOf: ["tea for two\n"]))
        #expect(try generator.text(after: "", length: 3, settings: .greedy) == "tea")
        let noNewline = try parrot("abc", CharacterTokenizer(alphabetOf: ["abc"]))
        #expect(try noNewline.encode(prompt: "") == [0])
        #expect(try noNewline.text(after: "", length: 3, settings: .greedy) == "bca")
    }

    @Test func neverShowsHalfACharacter() throws {
        let generator = try parrot("é→🙂", ByteTokenizer())
        #expect(try pieces(generator, "🙂", length: 9) == ["é", "→", "🙂"])
        // What is cut off at the end is replaced, not lost.
        #expect(try pieces(generator, "🙂", length: 3) == ["é", "\u{FFFD}"])
        #expect(try pieces(generator, "🙂", length: 50, stops: ["🙂"]) == ["é", "→"])
    }

    /// A model that considers one token far more probable than all others.
    private func model(favouring token: Int, rows: Int) -> BigramModel {
        let model = BigramModel(vocabularySize: rows, seed: 1)
        model.table.value.withElements { for i in $0.indices where i % rows == token { $0[i] = 50 } }
        return model
    }

    @Test("A text ends with each of the tokens that end a text, unless they are ignored")
    func ends() throws {
        let favourite = model(favouring: 256, rows: 257)
        let trainedWithout = TextGenerator(favourite, tokenizer: ByteTokenizer())
        #expect(try trainedWithout.text(after: "a", length: 5).utf8.count >= 5)
        for ends: [Int32] in [[256], [7, 256]] {
            var generator = TextGenerator(favourite, tokenizer: ByteTokenizer(), roles: TokenRoles(ends: ends))
            let request = GenerationRequest(prompt: [97], length: 5, settings: .greedy)
            #expect(try generator.generate(request) { _ in } == 1)
            generator.ignoresEnds = true
            var ids: [Int32] = []
            try generator.generate(request) { ids.append($0.id) }
            #expect(ids == [256, 256, 256, 256, 256])
        }
    }

    @Test("Rows of a model without a token are never generated")
    func rows() throws {
        let generator = TextGenerator(
            model(favouring: 299, rows: 300), tokenizer: ByteTokenizer(), roles: TokenRoles(ends: [256]))
        try generator.generate(GenerationRequest(prompt: [97], length: 20)) { #expect($0.id < 257) }
    }

    @Test("An empty prompt begins with the token that begins a text")
    func beginning() throws {
        let encoding = TextEncoding(ByteTokenizer(), roles: TokenRoles(beginning: 256))
        #expect(try encoding.ids(ofPrompt: "") == [256])
        #expect(try encoding.ids(ofPrompt: "a") == [97])
    }

    @Test func sequencesAreThoseMadeAlone() throws {
        let model = BigramModel(vocabularySize: 257, seed: 1)
        let generator = TextGenerator(model, tokenizer: ByteTokenizer())
        let settings = GenerationSettings(temperature: 1, seed: 4)
        var together = ["", "", ""]
        try generator.generate(after: [97], length: 60, settings: settings, sequences: 3, stops: ["e"]) {
            together[$0] += $1
        }
        for sequence in 0..<3 {
            var alone = ""
            try generator.generate(
                after: [97], length: 60, settings: settings, firstSequence: sequence, stops: ["e"]
            ) { alone += $1 }
            #expect(alone == together[sequence])
        }
    }
}
