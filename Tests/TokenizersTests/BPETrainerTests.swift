import FuzzTargets
import StrictJSON
import TestSupport
import Testing
import Tokenizers

@Suite struct BPETrainerTests {
    /// Pieces of few letters, so that ties and overlaps abound.
    private static func randomPieces(seed: UInt64) -> [([UInt8], Int)] {
        var generator = SeededGenerator(seed: seed)
        let letters = Int.random(in: 1...5, using: &generator)
        return (0..<Int.random(in: 1...40, using: &generator)).map { _ in
            let length = Int.random(in: 1...12, using: &generator)
            let piece = (0..<length).map { _ in UInt8.random(in: 0..<UInt8(letters), using: &generator) &* 37 &+ 200 }
            return (piece, Int.random(in: 1...4, using: &generator))
        }
    }

    @Test("Every merge is that of the slow rule, ties and overlaps included", arguments: BPETrainer.Convention.allCases)
    func slowRule(_ convention: BPETrainer.Convention) throws {
        let special = convention == .huggingFace ? ["<|endoftext|>", "<pad>"] : []
        for seed: UInt64 in 0..<200 {
            let pieces = Self.randomPieces(seed: seed)
            var counter = PretokenCounter()
            for (piece, count) in pieces { counter.add(piece, times: count) }
            let trainer = try BPETrainer(
                vocabularySize: 300, convention: convention, minimumFrequency: Int(seed % 3), specialTokens: special)
            let result = try #require(try trainer.train(counter))
            let ids = Dictionary(
                uniqueKeysWithValues: result.tokens.prefix(256 + special.count).enumerated().compactMap { id, token in
                    token.first.map { ($0, Int32(id)) }
                })
            let expected = slowTraining(
                pieces.map { $0.0.compactMap { ids[$0] } }, counts: pieces.map(\.1), merges: 300 - 256 - special.count,
                firstID: 256 + Int32(special.count), minimum: max(1, Int(seed % 3)),
                prefersFirst: convention.prefersFirstPair)
            #expect(result.merges == expected.map(\.merge), "seed \(seed)")
            #expect(result.counts == expected.map(\.count), "seed \(seed)")
            #expect(result.specialTokens.map(\.text) == special)
        }
    }

    @Test func countsOverlappingPairsAndMergesFromTheLeft() throws {
        var counter = PretokenCounter()
        counter.add(Array("aaaaa".utf8), times: 3)
        counter.add(Array("ab".utf8), times: 11)
        let trainer = try BPETrainer(vocabularySize: 260, convention: .rustbpe)
        let result = try #require(try trainer.train(counter))
        #expect(
            result.merges == [
                Merge(left: 97, right: 97, result: 256), Merge(left: 97, right: 98, result: 257),
                Merge(left: 256, right: 97, result: 258), Merge(left: 256, right: 258, result: 259),
            ])
        #expect(result.counts == [12, 11, 3, 3])
        #expect(result.tokens[259] == Array("aaaaa".utf8))
    }

    /// Two pairs occur three times each. As minbpe has it the one that the text has first is merged.
    @Test func tiesByPlace() throws {
        var counter = PretokenCounter()
        counter.add(Array("zy".utf8), times: 2)
        counter.add(Array("ab".utf8), times: 3)
        counter.add(Array("xzy".utf8))
        for (convention, first) in [(BPETrainer.Convention.rustbpe, "ab"), (.minbpe, "zy")] {
            let trainer = try BPETrainer(vocabularySize: 257, convention: convention)
            #expect(try trainer.train(counter)?.tokens[256] == Array(first.utf8))
        }
    }

    @Test("Special tokens come first or last, as the trainer that is followed has them")
    func specialTokens() throws {
        var counter = PretokenCounter()
        counter.add(Array("ab".utf8), times: 2)
        for (convention, special, first) in [
            (BPETrainer.Convention.huggingFace, Int32(0), Int32(1)), (.rustbpe, 257, 0), (.minbpe, 257, 0),
        ] {
            let trainer = try BPETrainer(vocabularySize: 258, convention: convention, specialTokens: ["<|end|>"])
            let result = try #require(try trainer.train(counter))
            #expect(result.specialTokens == [SpecialToken("<|end|>", id: special)])
            #expect(result.merges.map(\.result) == [256 + first])
            let tokenizer = try result.tokenizer(splitBy: .gpt2)
            #expect(tokenizer.vocabularySize == 258)
            #expect(try tokenizer.encode("ab<|end|>", special: .allowed) == [256 + first, special])
        }
    }

    @Test("A piece of any length costs no more than its merges")
    func longPieces() throws {
        var generator = SeededGenerator(seed: 1)
        var counter = PretokenCounter()
        counter.add([UInt8](repeating: 97, count: 300_000))
        counter.add((0..<300_000).map { _ in UInt8.random(in: 65..<69, using: &generator) })
        let result = try #require(try BPETrainer(vocabularySize: 2_000, convention: .rustbpe).train(counter))
        #expect(result.merges.count == 1_744)
        #expect(result.merges.first == Merge(left: 97, right: 97, result: 256))
        #expect(result.counts.first == 299_999)
    }

    @Test func countsPieces() throws {
        var generator = SeededGenerator(seed: 4)
        var counter = PretokenCounter()
        var expected: [[UInt8]: Int] = [:]
        for _ in 0..<40_000 {
            let piece = (0..<Int.random(in: 0...20, using: &generator)).map { _ in
                UInt8.random(in: 0..<3, using: &generator)
            }
            counter.add(piece)
            if !piece.isEmpty { expected[piece, default: 0] += 1 }
        }
        #expect(counter.count == expected.count)
        #expect((0..<counter.count).allSatisfy { expected[Array(counter[$0].bytes)] == counter[$0].count })
        #expect(counter.totalPretokens == expected.values.reduce(0, +))
    }

    @Test("A text that runs out of pairs gives fewer tokens, and one that is given up none")
    func endings() throws {
        var counter = PretokenCounter()
        counter.add(Array("ab".utf8), times: 5)
        counter.add(Array("cd".utf8), times: 2)
        func train(_ minimum: Int) throws -> Int? {
            try BPETrainer(vocabularySize: 300, minimumFrequency: minimum).train(counter)?.merges.count
        }
        #expect(try train(0) == 2)
        #expect(try train(2) == 2)
        #expect(try train(3) == 1)
        #expect(try train(6) == 0)
        #expect(try BPETrainer(vocabularySize: 300).train(PretokenCounter())?.tokens.count == 256)
        #expect(try BPETrainer(vocabularySize: 300).train(counter, progress: { _, _ in false }) == nil)
    }

    @Test func refusals() throws {
        #expect(throws: TokenizerError.self) { try BPETrainer(vocabularySize: 255) }
        #expect(throws: TokenizerError.self) { try BPETrainer(vocabularySize: 256, specialTokens: ["<pad>"]) }
        #expect(throws: TokenizerError.self) { try BPETrainer(vocabularySize: .max) }
        #expect(throws: TokenizerError.self) { try BPETrainer(vocabularySize: 300, minimumFrequency: -1) }
        #expect(throws: TokenizerError.self) { try BPETrainer(vocabularySize: 300, specialTokens: [""]) }
        #expect(throws: TokenizerError.self) { try BPETrainer(vocabularySize: 300, specialTokens: ["a", "a"]) }
        var counter = PretokenCounter()
        counter.add(Array("ab".utf8))
        let trainer = try BPETrainer(vocabularySize: 300, specialTokens: ["ab"])
        #expect(throws: TokenizerError.self) { try trainer.train(counter) }
    }

    @Test(
        "A text that is read in blocks has the pieces of the whole",
        arguments: SplitPattern.allCases.filter { $0 != .whole })
    func blocks(_ pattern: SplitPattern) throws {
        var generator = SeededGenerator(seed: 9)
        let parts = [
            "the", " cat", "'s", " ", "  ", "\n", "\n\n", "\r\n", "\t", ",", " ...", "12345", "é", "e\u{301}", "über",
            "\u{A0}", "\u{3000}", "漢字", "。", "🙂", "/", "DON'T", " \n", "a",
        ]
        for _ in 0..<300 {
            let text = (0..<60).map { _ in parts.randomElement(using: &generator) ?? "" }.joined()
            var whole = PretokenCounter()
            whole.add(text, splitBy: pattern)
            var inBlocks = PretokenCounter()
            let bytes = Array(text.utf8)
            let end = Int.random(in: 0...bytes.count, using: &generator)
            let cut = bytes[..<end].withUnsafeBufferPointer { pattern.splitPoint(in: $0) } ?? 0
            for block in [bytes[..<cut], bytes[cut...]] {
                inBlocks.add(try #require(String(validating: block, as: UTF8.self)), splitBy: pattern)
            }
            #expect(inBlocks.totalPretokens == whole.totalPretokens)
            #expect((0..<whole.count).allSatisfy { whole[$0] == inBlocks[$0] })
        }
    }
}

/// Against vocabularies that the real trainers made of tiny Shakespeare.
@Suite(.enabled(if: Fixtures.golden != nil && Fixtures.data != nil, "GPT_GOLDEN and GPT_DATA are not set"))
struct BPETrainerReferences {
    private func train(_ size: Int, _ convention: BPETrainer.Convention) throws -> BPETrainer.Result {
        let bytes = try Fixtures.bytes(#require(Fixtures.data) + "/tinyshakespeare.txt").prefix(1_003_854)
        var counter = PretokenCounter()
        counter.add(try #require(String(validating: bytes, as: UTF8.self)), splitBy: .gpt2)
        return try #require(try BPETrainer(vocabularySize: size, convention: convention).train(counter))
    }

    @Test(arguments: [512, 1024])
    func huggingFace(_ size: Int) throws {
        let trace = try Fixtures.bytes(#require(Fixtures.golden) + "/hf-bpe-\(size)/merges-trace.jsonl")
        let steps = try trace.split(separator: 0x0A).map { try JSON(parsing: Array($0)) }
        let result = try train(size, .huggingFace)
        #expect(result.merges.map { Int($0.left) } == steps.map { $0["left"]?.intValue })
        #expect(result.merges.map { Int($0.right) } == steps.map { $0["right"]?.intValue })
        #expect(result.merges.map { Int($0.result) } == steps.map { $0["new"]?.intValue })
        #expect(result.counts == steps.map { $0["count"]?.intValue })
    }

    @Test(arguments: [BPETrainer.Convention.rustbpe, .minbpe])
    func otherTrainers(_ convention: BPETrainer.Convention) throws {
        let name = "/bpe-trainers/\(convention.rawValue)-512.json"
        let file = try JSON(parsing: Fixtures.bytes(#require(Fixtures.golden) + name))
        let steps = try #require(file["merges"]?.arrayValue).map { $0.arrayValue?.prefix(4).map(\.intValue) }
        let result = try train(512, convention)
        #expect(
            zip(result.merges, result.counts).map { [Int($0.left), Int($0.right), Int($0.result), $1] } == steps)
    }
}
