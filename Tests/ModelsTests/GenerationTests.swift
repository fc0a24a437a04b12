import Models
import Tensors
import Testing

@Suite struct GenerationTests {
    private func transformer(context: Int = 12) -> Transformer {
        let model = Transformer(
            TransformerConfiguration(vocabularySize: 17, contextLength: context, layers: 2, heads: 2, width: 8), seed: 5
        )
        // New weights say almost the same of every token; larger ones make the model care.
        for parameter in model.parameters where parameter.name.hasSuffix("wte.weight") || parameter.name.contains("c_")
        {
            parameter.parameter.value.withElements { for i in $0.indices { $0[i] *= 20 } }
        }
        return model
    }

    private func generate(_ generator: Generator, _ count: Int) throws -> [[Int32]] {
        try (0..<count).map { _ in try generator.next() }
    }

    /// The most probable token after `text`, from the logits of all of it at once.
    private func best(_ model: Transformer, after text: some Sequence<Int32>) -> Int32 {
        let logits = model.logits(TokenBatch(Array(text))).values.suffix(model.vocabularySize)
        let highest = logits.max() ?? 0
        return Int32(logits.firstIndex(of: highest).map { $0 - logits.startIndex } ?? -1)
    }

    @Test(arguments: [1, 3, 12]) func generatesWhatTheWholeModelSays(prompt length: Int) throws {
        let model = transformer()
        var text: [Int32] = (0..<length).map { Int32($0 % 17) }
        let generator = try Generator(model, prompt: text, settings: .greedy)
        for _ in length..<12 {
            let token = try generator.next()[0]
            #expect(token == best(model, after: text))
            text.append(token)
        }
    }

    @Test(arguments: [1, 2, 3, 7, 12]) func goesOnFromTheLastHalf(context: Int) throws {
        let model = transformer(context: context)
        var text: [Int32] = [3]
        let generator = try Generator(model, prompt: text, settings: .greedy)
        // Where the session's tokens begin: it is begun again with half of the context when it is full.
        var start = 0
        for _ in 0..<5 * context {
            if text.count - start > context { start = text.count - max(1, context / 2) }
            let token = try generator.next()[0]
            #expect(token == best(model, after: text[start...]))
            text.append(token)
        }
    }

    @Test func keepsTheEndOfALongPrompt() throws {
        let model = transformer()
        let prompt = (0..<30).map { Int32($0 * 7 % 17) }
        let whole = try Generator(model, prompt: prompt, settings: .greedy)
        let end = try Generator(model, prompt: prompt.suffix(12), settings: .greedy)
        #expect(whole.omittedPromptTokens == 18)
        #expect(end.omittedPromptTokens == 0)
        #expect(try generate(whole, 20) == generate(end, 20))
    }

    @Test func repeatsItselfWithTheSameSeedOnly() throws {
        func text(seed: UInt64) throws -> [[Int32]] {
            let settings = GenerationSettings(temperature: 1, seed: seed)
            return try generate(Generator(transformer(), prompt: [1, 2], settings: settings), 40)
        }
        #expect(try text(seed: 1) == text(seed: 1))
        #expect(try text(seed: 1) != text(seed: 2))
    }

    @Test func sequencesDoNotDependOnThoseBesideThem() throws {
        let model = BigramModel(vocabularySize: 30, seed: 3)
        let settings = GenerationSettings(temperature: 1, seed: 9)
        let together = try generate(Generator(model, prompt: [4, 5], sequences: 3, settings: settings), 50)
        for sequence in 0..<3 {
            let alone = try generate(
                Generator(model, prompt: [4, 5], firstSequence: sequence, settings: settings), 50)
            #expect(alone.map { $0[0] } == together.map { $0[sequence] })
        }
        #expect(together.map { $0[0] } != together.map { $0[1] })
    }

    @Test func continuesFromItsOwnText() throws {
        let model = BigramModel(vocabularySize: 30, seed: 3)
        let settings = GenerationSettings(temperature: 1, seed: 9)
        let whole = try generate(Generator(model, prompt: [4], settings: settings), 60).map { $0[0] }
        let rest = try generate(Generator(model, prompt: [4] + whole.prefix(25), settings: settings), 35).map { $0[0] }
        #expect(rest == Array(whole.suffix(35)))
    }

    @Test func generatesWithoutAContext() throws {
        let text = (0..<5000).map { Int32($0 % 7) }
        let model = try NGramModel(order: 3, vocabularySize: 9, documents: [text])
        // More than is given to the model at once.
        let generator = try Generator(model, prompt: text, settings: .greedy)
        #expect(generator.omittedPromptTokens == 0)
        #expect(try generate(generator, 20).map { $0[0] } == (5000..<5020).map { Int32($0 % 7) })
    }

    @Test func neverDrawsWhatIsBanned() throws {
        let model = BigramModel(vocabularySize: 4, seed: 1)
        let generator = try Generator(
            model, prompt: [0], sequences: 2, settings: GenerationSettings(temperature: 1), banned: [3, 1])
        #expect(try generate(generator, 200).allSatisfy { $0.allSatisfy { $0 == 0 || $0 == 2 } })
    }

    @Test func saysWhatIsWrong() throws {
        let model = BigramModel(vocabularySize: 4, seed: 1)
        #expect(throws: GenerationError.emptyPrompt) { try Generator(model, prompt: [], settings: .greedy) }
        for id in [4, -1] as [Int32] {
            #expect(throws: GenerationError.unknownToken(id, vocabularySize: 4)) {
                try Generator(model, prompt: [0, id], settings: .greedy)
            }
        }
        #expect(throws: GenerationError.self) {
            try Generator(model, prompt: [0], settings: GenerationSettings(temperature: -1))
        }
        model.table.value.withElements { $0.update(repeating: .nan) }
        let generator = try Generator(model, prompt: [0, 1], settings: .greedy)
        #expect(throws: GenerationError.noTokenPossible(position: 2)) { try generator.next() }
    }
}
