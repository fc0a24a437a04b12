import Corpus
import Tensors
import TestSupport
import Testing
import Tokenizers
import Training

@Suite("Token datasets")
struct TokenDatasetTests {
    /// A text whose token at position i is known: the digits, again and again.
    private func digits(_ count: Int, from first: Int = 0) -> String {
        (0..<count).map { "\(($0 + first) % 10)" }.joined()
    }

    private func dataset(_ texts: [String], validation: Double = 0.1, context: Int = 4) throws -> TokenDataset {
        try TokenDataset(
            texts.enumerated().map { NamedText(name: "text \($0)", text: $1) },
            tokenizer: CharacterTokenizer(alphabetOf: texts), validation: validation, contextLength: context)
    }

    @Test(
        "The end of each text is for validation, counted in characters",
        arguments: [(100, 0.1, 90), (101, 0.1, 90), (1_115_394, 0.1, 1_003_854), (10, 0.5, 5), (100, 0.25, 75)])
    func split(_ count: Int, _ validation: Double, _ training: Int) {
        #expect(TokenDataset.trainingLength(of: count, validation: validation) == training)
    }

    @Test(
        "Tiny Shakespeare is cut as the field cuts it",
        .enabled(if: Fixtures.data != nil, "GPT_DATA names no folder"))
    func tinyShakespeare() throws {
        let text = try TinyShakespeare.load()
        let data = try TokenDataset(
            [text], tokenizer: CharacterTokenizer(alphabetOf: [text.text]), contextLength: 64)
        #expect(data.trainingCount == 1_003_854 && data.validationCount == 111_540)
        #expect(data.hashes == ["86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"])
    }

    @Test("The cut is between characters, whatever the tokens are")
    func splitOfBytes() throws {
        let text = String(repeating: "é", count: 40)
        let data = try TokenDataset(
            [NamedText(name: "accents", text: text)], tokenizer: ByteTokenizer(), contextLength: 8)
        #expect(data.trainingCount == 72 && data.validationCount == 8)
    }

    @Test("Documents end with the end-of-text token, and a text is cut between two of them")
    func documents() throws {
        let documents = NamedText(
            name: "d", documents: [digits(6), digits(3), digits(4), digits(5)].map { $0[...] }, sha256: "")
        let tokenizer = CharacterTokenizer(alphabetOf: [digits(10)])
        let data = try TokenDataset([documents], tokenizer: tokenizer, validation: 0.4, contextLength: 4)
        // 18 characters, of which 10 are for training: two documents have 9.
        #expect(data.documents[0].training == [0, 1, 2, 3, 4, 5, 10, 0, 1, 2, 10])
        #expect(data.documents[0].validation == [0, 1, 2, 3, 10, 0, 1, 2, 3, 4, 10])
        #expect(data.hasEnds)
        #expect(data.score(1).bitsPerCharacter > 0)
        #expect(try !dataset([digits(100)]).hasEnds)
        // The third would fit, but the second is before it and does not: 22 characters, of which 13 are for training.
        let uneven = NamedText(
            name: "d", documents: [digits(6), digits(9), digits(2), digits(5)].map { $0[...] }, sha256: "")
        let parts = try TokenDataset([uneven], tokenizer: tokenizer, validation: 0.4, contextLength: 4)
        #expect(parts.documents[0].training == [0, 1, 2, 3, 4, 5, 10])
        #expect(parts.documents[0].validation.count { $0 == 10 } == 3)
        let one = NamedText(name: "d", documents: [digits(10)[...]], sha256: "")
        let cut = try TokenDataset([one], tokenizer: tokenizer, validation: 0.4, contextLength: 4)
        #expect(cut.documents[0].training == [0, 1, 2, 3, 4, 5] && cut.documents[0].validation == [6, 7, 8, 9, 10])
    }

    @Test("Special tokens that a text spells are letters, their ids, or an error; none is cut in two")
    func specialTokens() throws {
        let text = NamedText(name: "t", text: "0123456<|endoftext|>\u{E9}901234")
        let tokenizer = CharacterTokenizer(alphabetOf: ["0123456789<|endoftext|>\u{E9}"])
        func dataset(_ special: SpecialTokenTreatment) throws -> TokenDataset {
            try TokenDataset([text], tokenizer: tokenizer, validation: 0.5, contextLength: 4, special: special)
        }
        let plain = try dataset(.text).documents[0]
        #expect(plain.training.count == 13 && plain.validation.count == 14)
        let allowed = try dataset(.allow).documents[0], end = try #require(tokenizer.endOfText)
        #expect(allowed.training.count == 7 && allowed.validation.count == 8 && allowed.validation[0] == end)
        #expect(tokenizer.decode(allowed.training + allowed.validation) == "0123456\u{E9}901234")
        let early = NamedText(name: "e", text: "\u{E9}<|endoftext|>0123456789012345678")
        let data = try TokenDataset(
            [early], tokenizer: tokenizer, validation: 0.2, contextLength: 4, special: .allow)
        #expect(data.documents[0].training.count == 14 && data.hasEnds)
        for (text, position) in [(text, 7), (early, 2)] {
            let error = #expect(throws: TrainingError.self) {
                try TokenDataset([text], tokenizer: tokenizer, validation: 0.5, contextLength: 4, special: .refuse)
            }
            #expect(error?.description.contains("at byte \(position);") == true, "\(error?.description ?? "")")
        }
    }

    @Test("Joined texts are the documents of one text, which is cut as one")
    func joined() throws {
        let texts = [digits(20), digits(30)].enumerated().map { NamedText(name: "\($0)", text: $1) }
        let tokenizer = CharacterTokenizer(alphabetOf: [digits(10)])
        let data = try TokenDataset(texts, tokenizer: tokenizer, contextLength: 4, joinsTexts: true)
        #expect(data.documents.map(\.name) == ["0, 1"] && data.hashes == texts.map(\.sha256))
        let numbers = (0..<30).map { Int32($0 % 10) }
        #expect(data.documents[0].training == numbers[..<20] + [10] + numbers[..<25])
        #expect(data.documents[0].validation == numbers[25...] + [10])
        #expect(data.hasEnds)
        // A single text has no end, nor have texts that nothing could separate.
        let one = try TokenDataset([texts[0]], tokenizer: tokenizer, contextLength: 4, joinsTexts: true)
        #expect(!one.hasEnds && one.documents[0].training == Array(numbers[..<18]))
        let endless = CharacterTokenizer(distinct: tokenizer.alphabet, reservingEndOfText: false)
        let apart = try TokenDataset(texts, tokenizer: endless, contextLength: 4, joinsTexts: true)
        #expect(apart.documents.map(\.training.count) == [18, 27])
        let error = #expect(throws: TrainingError.self) {
            try TokenDataset(
                texts + [NamedText(name: "x", text: "01x")], tokenizer: tokenizer, contextLength: 4, joinsTexts: true)
        }
        #expect(error?.description.contains("x") == true && error?.description.contains("0, 1") == false)
    }

    @Test("Each text is cut by itself")
    func severalTexts() throws {
        let data = try dataset([digits(100), digits(50)])
        #expect(data.documents.map(\.training.count) == [90, 45])
        #expect(data.documents.map(\.validation.count) == [10, 5])
    }

    @Test("Windows are of one text, with the targets one further, and the same for the same seed, step and micro-batch")
    func windows() throws {
        let data = try dataset([digits(60), digits(30, from: 5), digits(12)], context: 8)
        var starts = Set<Int32>()
        for step in 0..<50 {
            let (inputs, targets) = data.batch(batch: 6, length: 8, seed: 3, step: step, microBatch: 0)
            #expect(inputs.batch == 6 && inputs.length == 8 && targets.count == 48)
            for i in 0..<48 {
                // The digits go on, except where a window would run from one text into the next.
                #expect(targets[i] == (inputs.ids[i] + 1) % 10)
                if i % 8 < 7 { #expect(inputs.ids[i + 1] == targets[i]) }
            }
            starts.formUnion(stride(from: 0, to: 48, by: 8).map { inputs.ids[$0] })
            #expect(data.batch(batch: 6, length: 8, seed: 3, step: step, microBatch: 0).inputs == inputs)
            #expect(data.batch(batch: 6, length: 8, seed: 4, step: step, microBatch: 0).inputs != inputs)
            #expect(data.batch(batch: 6, length: 8, seed: 3, step: step, microBatch: 1, of: 2).inputs != inputs)
        }
        #expect(starts.count == 10)
    }

    @Test("Every window is drawn about equally often, the first and the last among them")
    func uniform() throws {
        // 27 tokens to learn from: 24 windows of 3, told apart by their first tokens.
        let text = String(String.UnicodeScalarView((0..<30).map { Unicode.Scalar(0x41 + UInt8($0)) }))
        let data = try dataset([text], context: 3)
        var counts = [Int](repeating: 0, count: 30)
        for step in 0..<2_400 {
            counts[Int(data.batch(batch: 1, length: 3, seed: 1, step: step, microBatch: 0).inputs.ids[0])] += 1
        }
        #expect(counts[24...].allSatisfy { $0 == 0 })
        #expect(counts[..<24].allSatisfy { (60...145).contains($0) }, "\(counts)")
    }

    @Test("A pass contains every window once", arguments: [1, 2, 3, 8, 100, 1_023])
    func passes(_ windows: Int) {
        let order = WindowOrder(positions: windows * 4 + 3, length: 4, seed: 5)
        #expect(order.windowsPerPass == windows)
        var orders: [[Int]] = []
        for pass in 0..<3 {
            let starts = (0..<windows).map { order.start(of: pass * windows + $0) }
            // Windows of 4 without gaps or overlaps, from an offset on, around the end.
            let offset = starts.map { $0 % order.positions }.min() ?? 0
            let sorted = starts.sorted()
            #expect(Set(starts).count == windows && offset >= 0 && sorted.last ?? 0 < order.positions)
            let gaps = zip(sorted, sorted.dropFirst()).map { $1 - $0 }
            #expect(gaps.allSatisfy { $0 == 4 || $0 == 7 }, "\(sorted)")
            orders.append(starts)
        }
        #expect(windows < 4 || (orders[0] != orders[1] && orders[1] != orders[2]))
    }

    @Test("Every element has one position in a random order", arguments: [1, 2, 5, 64, 65, 1_000])
    func permutation(_ count: Int) {
        let order = (0..<count).map { WindowOrder.shuffled($0, of: count, key: 7) }
        #expect(order.sorted() == Array(0..<count))
        #expect(count < 5 || order != Array(0..<count))
        #expect(count < 5 || order != (0..<count).map { WindowOrder.shuffled($0, of: count, key: 8) })
    }

    @Test(
        "A text that is too short is refused with the length that is enough", arguments: [1, 4, 64, 1000],
        [0.1, 0.5, 0.9])
    func tooShort(_ context: Int, _ validation: Double) throws {
        let needed = TokenDataset.lengthNeeded(validation: validation, contextLength: context)
        _ = try dataset([digits(needed)], validation: validation, context: context)
        #expect(
            throws: TrainingError.textTooShort(
                name: "text 0", characters: needed - 1, needed: needed, context: context)
        ) {
            try dataset([digits(needed - 1)], validation: validation, context: context)
        }
    }
}
