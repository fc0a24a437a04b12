import Inference
import Models
import Platform
import Tensors
import Testing
import Tokenizers

@Suite("Log softmax") struct LogSoftmaxTests {
    @Test("It is x - log sum exp(x), also where exp(x) is out of range", arguments: [Float(0), 1000, -1000])
    func equation(offset: Float) {
        let logits: [Float] = [1, -2, 0.5, 3].map { $0 + offset }
        let logSum = log(exp(1.0) + exp(-2) + exp(0.5) + exp(3))
        logits.withUnsafeBufferPointer { row in
            let logSoftmax = LogSoftmax(row)
            for (id, x) in [1, -2, 0.5, 3].enumerated() {
                #expect(abs(logSoftmax[Int32(id)] - (x - logSum)) < 1e-12)
            }
        }
    }

    @Test("The most probable come first, of equals the lowest id, and impossible ones are left out")
    func top() {
        let logits: [Float] = [1, 3, .nan, 3, -.infinity, 2, 1]
        logits.withUnsafeBufferPointer { row in
            let logSoftmax = LogSoftmax(row)
            #expect(logSoftmax.top(100).map(\.id) == [1, 3, 5, 0, 6])
            for count in -1...5 {
                #expect(logSoftmax.top(count).map(\.id) == Array([1, 3, 5, 0, 6].prefix(max(0, count))))
            }
            #expect(logSoftmax.top(3).map(\.logProbability) == [1, 3, 5].map { logSoftmax[$0] })
            #expect(logSoftmax[2] == -.infinity && logSoftmax[4] == -.infinity)
        }
    }

    @Test("An infinite logit is certain")
    func infinite() {
        [Float.infinity, 1, .infinity].withUnsafeBufferPointer { row in
            #expect(LogSoftmax(row)[0] == -log(2) && LogSoftmax(row)[1] == -.infinity)
        }
    }
}

@Suite("Generated tokens") struct GeneratedTokenTests {
    private let generator: TextGenerator

    init() {
        let configuration = TransformerConfiguration(
            .llama, vocabularySize: 257, contextLength: 16, layers: 2, heads: 2, width: 16)
        generator = TextGenerator(Transformer(configuration, seed: 3), tokenizer: ByteTokenizer())
    }

    private func tokens(
        _ generator: TextGenerator, _ request: GenerationRequest, sequences: Int = 1
    ) throws -> [GeneratedToken] {
        var tokens: [GeneratedToken] = []
        let count = try generator.generate(request, sequences: sequences) { tokens.append($0) }
        #expect(count == tokens.count)
        return tokens
    }

    @Test("Log probabilities are those of the model's logits, whatever sampling makes of them")
    func logProbabilities() throws {
        let settings = GenerationSettings(temperature: 0.5, topK: 20, topP: 0.9, repetitionPenalty: 1.3, seed: 7)
        let request = GenerationRequest(prompt: [65, 66], length: 30, settings: settings, topLogProbabilities: 4)
        let tokens = try tokens(generator, request)
        // The context of 16 is exceeded, and then continues from its last half.
        let session = generator.model.startDecoding()
        var ids = request.prompt, length = 0
        for token in tokens {
            if length + 1 > 16 {
                session.clear()
                ids = Array(ids.suffix(8))
                length = 0
            }
            let new = length == 0 ? ids : Array(ids.suffix(1))
            length += new.count
            let logits = session.append(new).values.map(Double.init)
            let highest = logits.max() ?? 0
            let logSum = highest + log(logits.reduce(0) { $0 + exp($1 - highest) })
            #expect(abs((try #require(token.logProbability)) - (logits[Int(token.id)] - logSum)) < 1e-12)
            let best = logits.indices.sorted { (logits[$0], $1) > (logits[$1], $0) }.prefix(4)
            #expect(token.alternatives.map { Int($0.id) } == Array(best))
            for alternative in token.alternatives {
                #expect(abs(alternative.logProbability - (logits[Int(alternative.id)] - logSum)) < 1e-12)
            }
            ids.append(token.id)
        }
        #expect(tokens.count == 30)
    }

    @Test("They cost nothing unless requested, and change no token")
    func optional() throws {
        var request = GenerationRequest(prompt: [65], length: 20, settings: GenerationSettings(seed: 5))
        let plain = try tokens(generator, request)
        #expect(plain.allSatisfy { $0.logProbability == nil && $0.alternatives.isEmpty })
        request.topLogProbabilities = 0
        let scored = try tokens(generator, request)
        #expect(scored.allSatisfy { $0.logProbability != nil && $0.alternatives.isEmpty })
        #expect(plain.map(\.id) == scored.map(\.id) && plain.map(\.text) == scored.map(\.text))
    }

    @Test("The last token of each sequence has the reason, and the texts are those of the short form")
    func reasons() throws {
        let settings = GenerationSettings(temperature: 1, seed: 4)
        let model = BigramModel(vocabularySize: 257, seed: 1)
        let generator = TextGenerator(model, tokenizer: ByteTokenizer())
        let request = GenerationRequest(prompt: [97], length: 60, settings: settings, stops: ["e", "\u{FFFD}\u{FFFD}"])
        let tokens = try tokens(generator, request, sequences: 4)
        var texts = ["", "", "", ""]
        try generator.generate(
            after: [97], length: 60, settings: settings, sequences: 4, stops: request.stops
        ) { texts[$0] += $1 }
        for sequence in 0..<4 {
            let own = tokens.filter { $0.sequence == sequence }
            #expect(own.map(\.text).joined() == texts[sequence])
            #expect(own.dropLast().allSatisfy { $0.finishReason == nil })
            let reason = try #require(own.last?.finishReason)
            if own.count < 60 { #expect(request.stops.map { FinishReason.stopString($0) }.contains(reason)) }
        }
        #expect(tokens.contains { $0.finishReason == .stopString("\u{FFFD}\u{FFFD}") })
    }

    @Test("The text ends with what was held back, and without the stop string")
    func lastText() throws {
        /// The greedy continuation of "a" is a text again and again.
        func continuation(of text: String, length: Int, stops: [String]) throws -> [GeneratedToken] {
            let tokenizer = ByteTokenizer()
            let ids = tokenizer.encode(String(repeating: text, count: 20))
            let model = try NGramModel(order: 9, vocabularySize: 257, documents: [ids])
            let request = GenerationRequest(
                prompt: tokenizer.encode(text), length: length, settings: .greedy, stops: stops)
            return try tokens(TextGenerator(model, tokenizer: tokenizer), request)
        }
        let length = try continuation(of: "tea\n", length: 4, stops: ["\n\n"])
        #expect(length.map(\.text) == ["t", "e", "a", "\n"])
        #expect(length.last?.finishReason == .length)
        let stopped = try continuation(of: "tea\n", length: 4, stops: ["a\n", "xy"])
        #expect(stopped.map(\.text) == ["t", "e", "", ""])
        #expect(stopped.last?.finishReason == .stopString("a\n"))
        let cut = try continuation(of: "é→", length: 3, stops: [])
        #expect(cut.map(\.text) == ["", "é", "\u{FFFD}"])
        #expect(try continuation(of: "tea\n", length: 0, stops: []).isEmpty)
    }

    @Test("A model that may end its text does so with a token that has no text")
    func endOfText() throws {
        let model = BigramModel(vocabularySize: 257, seed: 1)
        model.table.value.withElements { for i in $0.indices where i % 257 == 256 { $0[i] = 50 } }
        let generator = TextGenerator(model, tokenizer: ByteTokenizer(), roles: TokenRoles(ends: [256]))
        let tokens = try tokens(generator, GenerationRequest(prompt: [97], length: 5, topLogProbabilities: 1))
        #expect(tokens.map(\.id) == [256] && tokens.map(\.text) == [""] && tokens[0].finishReason == .endOfText)
        #expect(tokens[0].alternatives.map(\.id) == [256])
    }
}
