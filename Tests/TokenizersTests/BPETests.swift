import FuzzTargets
import StrictJSON
import TestSupport
import Testing
import Tokenizers

@Suite struct BytePairs {
    /// A vocabulary of the 256 bytes and random merges over few letters, so that merges meet in every way.
    private static func randomPairs(_ count: Int, using generator: inout SeededGenerator) -> [(
        left: Int32, right: Int32
    )] {
        var tokens: [[UInt8]] = (UInt8.min...UInt8.max).map { [$0] }
        var ids: [Int32] = "abc ".utf8.map { Int32($0) }
        var pairs: [(left: Int32, right: Int32)] = []
        while pairs.count < count {
            let left = ids.randomElement(using: &generator) ?? 0
            let right = ids.randomElement(using: &generator) ?? 0
            let token = tokens[Int(left)] + tokens[Int(right)]
            if token.count > 24 || tokens.contains(token) { continue }
            pairs.append((left, right))
            ids.append(Int32(tokens.count))
            tokens.append(token)
        }
        return pairs
    }

    private static func randomPiece(using generator: inout SeededGenerator) -> [UInt8] {
        // No token of those above has the last ones: pieces fall apart there.
        let letters = Array("aaaabbc aaaabbc \u{E9}\u{1F600}".utf8)
        return (0..<Int.random(in: 1...200, using: &generator)).map { _ in
            letters.randomElement(using: &generator) ?? 0
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func mergesAsTheListSays(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let pairs = Self.randomPairs(60, using: &generator)
        let vocabulary = try BPEVocabulary(alphabet: .bytes, merging: pairs)
        let tokenizer = try BPETokenizer(vocabulary, pattern: .whole)
        #expect(vocabulary.merges.map(\.left) == pairs.map(\.left))
        for _ in 0..<100 {
            let piece = Self.randomPiece(using: &generator)
            let slow = slowlyMerged(piece, vocabulary.byteIDs) { left, right in
                pairs.firstIndex { $0 == (left, right) }.map { ($0, Int32(256 + $0)) }
            }
            #expect(try tokenizer.encode(bytes: piece, special: .refused) == slow)
            // What is remembered is the same.
            #expect(try tokenizer.encode(bytes: piece, special: .refused) == slow)
            #expect(try tokenizer.bytes(of: slow) == piece)
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func mergesWhateverTogetherIsAToken(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        // Tokens in an order that no training would give.
        let made = try BPEVocabulary(alphabet: .bytes, merging: Self.randomPairs(60, using: &generator))
        let tokens = (0..<256).map { [UInt8($0)] } + (256..<316).map { made.bytes(of: $0) }.shuffled(using: &generator)
        let vocabulary = try BPEVocabulary(rankedTokens: tokens)
        let tokenizer = try BPETokenizer(vocabulary, pattern: .whole, ignoresMerges: false)
        for _ in 0..<100 {
            let piece = Self.randomPiece(using: &generator)
            let slow = slowlyMerged(piece, vocabulary.byteIDs) { left, right in
                vocabulary.id(of: vocabulary.bytes(of: left) + vocabulary.bytes(of: right)).map { (Int($0), $0) }
            }
            #expect(try tokenizer.encode(bytes: piece, special: .refused) == slow)
        }
        for (id, token) in tokens.enumerated() {
            #expect(vocabulary.id(of: token) == Int32(id))
            #expect(vocabulary.bytes(of: Int32(id)) == token)
        }
        #expect(vocabulary.id(of: [0, 0]) == nil)
        for id: Int32 in [-1, 316, .max, .min] { #expect(vocabulary.bytes(of: id) == []) }
    }

    /// A piece that is a token becomes it where that is asked for, though merging would not make it.
    @Test func wholePieces() throws {
        let tokens = (0..<256).map { [UInt8($0)] } + [Array("ab".utf8), Array("bc".utf8), Array("abc".utf8)]
        let merges = [Merge(left: 97, right: 98, result: 256), Merge(left: 98, right: 99, result: 257)]
        let vocabulary = try BPEVocabulary(tokens: tokens, merges: merges)
        #expect(try BPETokenizer(vocabulary, pattern: .whole).encode("abc") == [256, 99])
        #expect(try BPETokenizer(vocabulary, pattern: .whole, ignoresMerges: true).encode("abc") == [258])
    }

    /// The stretches of a long piece are merged, also where one is a token by itself; short pieces of the same bytes are not.
    @Test func stretchesAreNoPieces() throws {
        let tokens = (0..<256).map { [UInt8($0)] } + [Array("ab".utf8), Array("bc".utf8), Array("abc".utf8)]
        let merges = [Merge(left: 97, right: 98, result: 256), Merge(left: 98, right: 99, result: 257)]
        let vocabulary = try BPEVocabulary(tokens: tokens, merges: merges)
        for isLongFirst in [true, false] {
            let tokenizer = try BPETokenizer(vocabulary, pattern: .whole, ignoresMerges: true)
            if !isLongFirst { #expect(try tokenizer.encode("abc") == [258]) }
            let long = try tokenizer.encode(String(repeating: "abcx", count: 50))
            #expect(long == (0..<50).flatMap { _ in [256, 99, 120] as [Int32] })
            #expect(try tokenizer.encode("abc") == [258])
        }
    }

    @Test func refusesContradictions() throws {
        let bytes = (0..<256).map { [UInt8($0)] }
        #expect(throws: TokenizerError.vocabulary("there is no token for the byte 255")) {
            try BPEVocabulary(rankedTokens: bytes.dropLast())
        }
        #expect(throws: TokenizerError.vocabulary("the ids 3 and 256 have the same bytes")) {
            try BPEVocabulary(rankedTokens: bytes + [[3]])
        }
        #expect(throws: TokenizerError.self) {
            try BPEVocabulary(tokens: bytes + [[1, 2]], merges: [Merge(left: 1, right: 3, result: 256)])
        }
        let twice = [Merge(left: 1, right: 2, result: 256), Merge(left: 1, right: 2, result: 256)]
        #expect(throws: TokenizerError.self) { try BPEVocabulary(tokens: bytes + [[1, 2]], merges: twice) }
        #expect(throws: TokenizerError.self) {
            try BPEVocabulary(tokens: bytes, merges: [Merge(left: 1, right: 256, result: 257)])
        }
        let vocabulary = try BPEVocabulary(rankedTokens: bytes)
        #expect(throws: TokenizerError.self) {
            try BPETokenizer(vocabulary, pattern: .gpt2, specialTokens: [SpecialToken("x", id: 1)])
        }
    }

    // MARK: Special tokens

    private static func tokenizer() throws -> BPETokenizer {
        try BPETokenizer(
            BPEVocabulary(alphabet: .bytes, merging: []), pattern: .gpt2,
            specialTokens: [
                SpecialToken("<|end|>", id: 256), SpecialToken("<|end|>of", id: 257), SpecialToken("é", id: 300),
            ], template: .init(before: [257], after: [256]))
    }

    @Test func specialTokens() throws {
        let tokenizer = try Self.tokenizer()
        #expect(tokenizer.vocabularySize == 301)
        #expect(try tokenizer.encode("a<|end|>é", special: .allowed) == [97, 256, 300])
        #expect(try tokenizer.encode("a<|end|>of", special: .allowed) == [97, 257])
        let one = SpecialTokenPolicy(allowed: .some(["<|end|>"]), refused: .none)
        #expect(try tokenizer.encode("<|end|>of", special: one) == [256, 111, 102])
        #expect(try tokenizer.encode("é", special: one) == [0xC3, 0xA9])
        #expect(try tokenizer.encode("<|end|>", special: .plainText) == "<|end|>".utf8.map { Int32($0) })
        #expect(throws: TokenizerError.specialToken("<|end|>", position: 10)) {
            try tokenizer.encode("aaaaaaaaaa<|end|>")
        }
        #expect(try tokenizer.encode("<|end|", special: .refused) == "<|end|".utf8.map { Int32($0) })
        #expect(try tokenizer.encode("a", special: .refused, addingSpecialTokens: true) == [257, 97, 256])
        #expect(try tokenizer.count("a", special: .refused, addingSpecialTokens: true) == 3)
        #expect(tokenizer.decode([97, 256, 98]) == "ab")
        #expect(try tokenizer.text(of: [97, 256, 98]) == "a<|end|>b")
        #expect(throws: TokenizerError.unknownID(299, vocabularySize: 301)) { try tokenizer.text(of: [97, 299]) }
    }

    @Test func offsets() throws {
        let tokenizer = try Self.tokenizer()
        let text = "\u{1F600}é<|end|>z"
        let tokens = try tokenizer.encodeWithOffsets(text, special: .allowed)
        #expect(tokens.map(\.id) == [0xF0, 0x9F, 0x98, 0x80, 300, 256, 122])
        #expect(tokens.map(\.bytes) == [0..<1, 1..<2, 2..<3, 3..<4, 4..<6, 6..<13, 13..<14])
        #expect(tokens.map(\.scalars) == [0..<1, 0..<1, 0..<1, 0..<1, 1..<2, 2..<9, 9..<10])
        #expect(try tokenizer.offsets(of: tokens.map(\.id)) == tokens)
    }

    @Test func batches() async throws {
        let tokenizer = try Self.tokenizer()
        var generator = SeededGenerator(seed: 8)
        let texts = (0..<500).map { _ in RandomText.text(using: &generator) + String(repeating: "word ", count: 100) }
        let ids = try await tokenizer.encode(batch: texts, special: .plainText)
        #expect(ids.count == texts.count)
        for (text, ids) in zip(texts, ids) { #expect(try tokenizer.encode(text, special: .plainText) == ids) }
        #expect(try await tokenizer.count(batch: texts, special: .plainText) == ids.map(\.count))
        await #expect(throws: TokenizerError.self) { try await tokenizer.encode(batch: ["<|end|>"], special: .refused) }
    }

    /// No length makes it slow, and nothing is lost: a million of one thing takes a moment.
    @Test(arguments: [" ", "a", "\u{1F600}", "\n", "'"])
    func longRuns(_ unit: String) throws {
        var generator = SeededGenerator(seed: 9)
        let vocabulary = try BPEVocabulary(alphabet: .bytes, merging: Self.randomPairs(60, using: &generator))
        for pattern in SplitPattern.allCases {
            let tokenizer = try BPETokenizer(vocabulary, pattern: pattern)
            let text = String(repeating: unit, count: 200_000) + "x"
            let ids = try tokenizer.encode(text)
            #expect(tokenizer.decode(ids).utf8.elementsEqual(text.utf8))
        }
    }

    // MARK: Normalization

    @Test(arguments: [
        ("e\u{301}", "\u{E9}"), ("\u{212B}", "\u{C5}"), ("\u{1100}\u{1161}\u{11A8}", "\u{AC01}"),
        ("a\u{301}\u{323}", "\u{1EA1}\u{301}"), ("\u{958}", "\u{915}\u{93C}"), ("\u{344}", "\u{308}\u{301}"),
        ("x\u{301}\u{301}e\u{301}\u{301}", "x\u{301}\u{301}\u{E9}\u{301}"),
        ("\u{301}e\u{334}\u{301}", "\u{301}\u{E9}\u{334}"),
    ])
    func composes(_ text: String, _ composed: String) throws {
        let plain = try BPETokenizer(BPEVocabulary(alphabet: .bytes, merging: []), pattern: .gpt2)
        let tokenizer = try BPETokenizer(plain.vocabulary, pattern: .gpt2, normalization: .nfc)
        for (before, after) in [("", ""), ("ab ", " c"), ("\u{E9}\u{6F22}", "\u{6F22}")] {
            let ids = try plain.encode(before + composed + after)
            #expect(try tokenizer.encode(before + text + after) == ids)
            #expect(try tokenizer.encode(before + composed + after) == ids)
            let tokens = try tokenizer.encodeWithOffsets(before + text + after, special: .refused)
            #expect(tokens.map(\.id) == ids)
            #expect(tokens.last?.bytes.upperBound == (before + text + after).utf8.count)
            #expect(tokens.first?.bytes.lowerBound == 0)
        }
    }

    @Test func offsetsOfChanges() throws {
        let tokenizer = try BPETokenizer(
            BPEVocabulary(alphabet: .bytes, merging: []), pattern: .gpt2, normalization: .nfc)
        let tokens = try tokenizer.encodeWithOffsets("ae\u{301}be\u{301}\u{E9}", special: .refused)
        #expect(tokens.map(\.bytes) == [0..<1, 1..<4, 1..<4, 4..<5, 5..<8, 5..<8, 8..<9, 9..<10])
        #expect(tokens.map(\.scalars) == [0..<1, 1..<3, 1..<3, 3..<4, 4..<6, 4..<6, 6..<7, 6..<7])
    }

    /// Neither many changes nor one that many tokens share make it slow: looking through all of them for each token would
    /// take minutes.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            String(repeating: "e\u{301}", count: 400_000), "e" + String(repeating: "\u{301}\u{323}", count: 150_000),
        ])
    func offsetsOfManyChanges(_ text: String) throws {
        let tokenizer = try BPETokenizer(
            BPEVocabulary(alphabet: .bytes, merging: []), pattern: .gpt2, normalization: .nfc)
        let tokens = try tokenizer.encodeWithOffsets(text, special: .refused)
        #expect(tokens.first?.bytes.lowerBound == 0)
        #expect(tokens.last?.bytes.upperBound == text.utf8.count)
        #expect(tokens.last?.scalars.upperBound == text.unicodeScalars.count)
    }

    // MARK: Files

    private static func tiktoken(_ lines: [String]) -> [UInt8] { Array(lines.joined(separator: "\n").utf8) }

    /// The 256 bytes in base64 and their ranks.
    private static let byteLines: [String] = {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        return (0..<256).map { "\(digits[$0 >> 2])\(digits[($0 & 3) << 4])== \($0)" }
    }()

    @Test func tiktokenFiles() throws {
        let vocabulary = try BPEVocabulary(tiktoken: Self.tiktoken(Self.byteLines + ["YWI= 256", "YWJj 300", ""]))
        #expect(vocabulary.idCount == 301)
        #expect(vocabulary.count == 258)
        #expect(vocabulary.bytes(of: 256) == Array("ab".utf8))
        #expect(vocabulary.bytes(of: 300) == Array("abc".utf8))
        #expect(
            vocabulary.merges == [Merge(left: 97, right: 98, result: 256), Merge(left: 256, right: 99, result: 300)])
    }

    @Test(arguments: [
        (["YWI 256"], "line 257: expected bytes in base64"), (["YWI="], "line 257"), (["YWI= "], "expected a number"),
        (["YWI= 99999999"], "too large"), (["YWI= 99999999999999999999"], "too large"),
        (["YWI= -1"], "expected a number"),
        (["YWI= 256 "], "end of the line"), (["YWJ= 256"], "base64"), (["Y*I= 256"], "base64"), ([" 256"], "base64"),
        (["YWI= 255"], "two tokens have the id 255"), (["YQ== 256"], "ids 97 and 256 have the same bytes"),
    ])
    func refusesTiktokenFiles(_ lines: [String], _ words: String) {
        let error = #expect(throws: TokenizerError.self) {
            try BPEVocabulary(tiktoken: Self.tiktoken(Self.byteLines + lines), file: "x.tiktoken")
        }
        #expect(error?.description.hasPrefix("x.tiktoken: ") == true)
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    @Test func survivesMutatedFiles() throws {
        var generator = SeededGenerator(seed: 6)
        let ranks = Self.tiktoken(Self.byteLines + ["YWI= 256", "YWJj 300"])
        let saved = try Fixtures.bytes(Fixtures.tokenizers + "/hf-bpe-512-tokenizer.json")
        for _ in 0..<300 {
            if let vocabulary = try? BPEVocabulary(tiktoken: mutated(ranks, using: &generator)) {
                _ = try BPETokenizer(vocabulary, pattern: .gpt2).encode("ab abc")
            }
            if let tokenizer = try? TokenizerFile.tokenizer(from: mutated(saved, using: &generator)) {
                _ = try tokenizer.encode("ab abc")
            }
        }
    }

    private static func file(_ changes: (inout JSONObject) -> Void) throws -> [UInt8] {
        let tokenizer = try BPETokenizer(
            BPEVocabulary(alphabet: .printable, merging: [(65, 66)]), pattern: .llama3,
            specialTokens: [SpecialToken("<s>", id: 257)], normalization: .nfc, template: .init(before: [257]))
        var object = try #require(try JSON(parsing: TokenizerFile.contents(for: tokenizer)).objectValue)
        changes(&object)
        return Array(JSON.object(object).serialized().utf8)
    }

    @Test func huggingFaceForm() throws {
        let tokenizer = try #require(try TokenizerFile.tokenizer(from: Self.file { _ in }) as? BPETokenizer)
        #expect(tokenizer.pattern == .llama3)
        #expect(tokenizer.normalization == .nfc)
        #expect(tokenizer.template == .init(before: [257]))
        #expect(tokenizer.specialTokens == [SpecialToken("<s>", id: 257)])
        #expect(try tokenizer.encode("bcb<s>", special: .allowed, addingSpecialTokens: true) == [257, 256, 65, 257])
    }

    private static let split: JSON = [
        "type": "Split", "pattern": ["Regex": "."], "behavior": "Isolated", "invert": false,
    ]

    @Test(
        arguments: [
            ("normalizer", ["type": "NFKC"], "\"NFKC\""),
            ("normalizer", ["type": "Sequence", "normalizers": [["type": "Strip"]]], "Strip"),
            ("pre_tokenizer", ["type": "Sequence", "pretokenizers": [split]], "Split by \".\""),
            ("pre_tokenizer", ["type": "Metaspace"], "Metaspace"),
            ("pre_tokenizer", ["type": "Sequence", "pretokenizers": []], "no ByteLevel"),
            ("post_processor", ["type": "RobertaProcessing"], "RobertaProcessing"),
            ("decoder", ["type": "Metaspace"], "Metaspace"),
            ("post_processor", ["type": "TemplateProcessing", "single": []], "does not contain the text"),
            ("added_tokens", [["id": 400, "content": "xyz"]], "400, not 258"),
        ] as [(String, JSON, String)])
    func refusesWhatItLacks(_ key: String, _ value: JSON, _ words: String) {
        let error = #expect(throws: TokenizerError.self) {
            try TokenizerFile.tokenizer(from: Self.file { $0[key] = value })
        }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    /// The value with every member called `key` replaced.
    private static func replacing(_ key: String, by value: JSON, in json: JSON) -> JSON {
        switch json {
        case .array(let elements): return .array(elements.map { replacing(key, by: value, in: $0) })
        case .object(let object):
            return .object(
                JSONObject(object.map { ($0.key, $0.key == key ? value : replacing(key, by: value, in: $0.value)) }))
        default: return json
        }
    }

    @Test(
        "A switch of a wrong type is an error, and not its default",
        arguments: [
            "byte_fallback", "ignore_merges", "single_word", "special", "lstrip", "rstrip", "normalized",
            "add_prefix_space", "use_regex", "invert",
        ], [.null, "true", 1, []] as [JSON])
    func switches(key: String, value: JSON) throws {
        let file = try JSON(parsing: Self.file { _ in })
        let changed = Self.replacing(key, by: value, in: file)
        #expect(changed != file, "there is no \(key) in the file")
        let error = #expect(throws: TokenizerError.self) {
            try TokenizerFile.tokenizer(from: Array(changed.serialized().utf8), file: "a")
        }
        guard case .unreadable(file: "a", let reason) = error else {
            Issue.record("\(error?.description ?? "none")")
            return
        }
        #expect(reason.hasSuffix("has \(key) \(value.serialized()), not true or false"), "\(reason)")
    }

    @Test("What is sound and not computed here is told from what is broken")
    func unsupported() throws {
        for (model, isSound) in [
            (["type": "Unigram", "vocab": []], true), (["type": "WordLevel", "vocab": [:]], true),
            (["type": "BPE", "vocab": ["a": 0], "merges": [], "byte_fallback": true], true),
            (["type": "BPE", "vocab": ["a": 0, "b": 0], "merges": []], false), (["type": "BPE"], false), (3, false),
        ] as [(JSON, Bool)] {
            let file: JSON = ["model": model]
            let error = #expect(throws: TokenizerError.self) {
                try TokenizerFile.tokenizer(from: Array(file.serialized().utf8), file: "a")
            }
            if case .unsupported = error { #expect(isSound, "\(model)") } else { #expect(!isSound, "\(model)") }
        }
    }
}
