import Inference
import Interchange
import Models
import Tensors
import Testing
import Tokenizers

@Suite struct StopFilterTests {
    private func shown(_ pieces: [String], stops: [String]) throws -> [String] {
        var filter = try StopFilter(stops)
        var shown = pieces.map { filter.append($0) }
        shown.append(filter.finish())
        return shown
    }

    @Test func letsThroughAtOnceWhatCannotStop() throws {
        #expect(try shown(["ab", "c", "d"], stops: []) == ["ab", "c", "d", ""])
        #expect(try shown(["ab", "c", "d"], stops: ["xy"]) == ["ab", "c", "d", ""])
    }

    @Test func holdsBackWhatMayBecomeAStop() throws {
        #expect(try shown(["a", "\n", "\n", "b"], stops: ["\n\n"]) == ["a", "", "", "", ""])
        #expect(try shown(["a", "\n", "b"], stops: ["\n\n"]) == ["a", "", "\nb", ""])
        #expect(try shown(["a", "\n"], stops: ["\n\n"]) == ["a", "", "\n"])
        // "aab" after "aa": the first of them is free as soon as the third comes.
        #expect(try shown(["a", "a", "a", "b", "c"], stops: ["aab"]) == ["", "", "a", "", "", ""])
    }

    @Test(arguments: [
        ("onetwothree", ["two"], "one"), ("onetwo", ["wo", "two"], "one"), ("xabcd", ["bc", "xabcd"], "xa"),
        ("aaaa", ["a"], ""), ("naïve café", ["é"], "naïve caf"), ("12345", ["6"], "12345"),
        ("ababac", ["abac"], "ab"), ("one\r\ntwo", ["\n"], "one\r"), ("a\u{301}b", ["\u{301}"], "a"),
    ])
    func endsBeforeTheFirst(_ text: String, _ stops: [String], _ expected: String) throws {
        // However it is cut into pieces, by scalars.
        let scalars = Array(text.unicodeScalars)
        for size in 1...scalars.count {
            let pieces = stride(from: 0, to: scalars.count, by: size).map {
                var piece = String.UnicodeScalarView()
                piece.append(contentsOf: scalars[$0..<min($0 + size, scalars.count)])
                return String(piece)
            }
            let result = try shown(pieces, stops: stops).joined()
            #expect(Array(result.unicodeScalars) == Array(expected.unicodeScalars))
        }
    }

    @Test func refusesAnEmptyStop() {
        #expect(throws: GenerationError.emptyStopString) { try StopFilter(["a", ""]) }
    }
}

@Suite struct TextGeneratorTests {
    /// Counts of a text that says the same again and again, so that the greedy continuation is known.
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

    @Test func endOfTextIsNotGeneratedUnlessAllowed() throws {
        let model = BigramModel(vocabularySize: 257, seed: 1)
        model.table.value.withElements { for i in $0.indices where i % 257 == 256 { $0[i] = 50 } }
        var generator = TextGenerator(model, tokenizer: ByteTokenizer())
        #expect(try !generator.text(after: "a", length: 5).isEmpty)
        generator.allowsEndOfText = true
        #expect(try generator.text(after: "a", length: 5).isEmpty)
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
