import StrictJSON
import TestSupport
import Tokenizers

extension FuzzSuite {
    /// Encoding and decoding, training of vocabularies, and vocabulary files.
    static func tokenizers() throws -> FuzzSuite {
        let small = try Fixtures.bytes(Fixtures.tokenizers + "/hf-bpe-512-tokenizer.json")
        return FuzzSuite(
            "tokenizers", "encoding, training and the files of vocabularies",
            [
                EncodingTarget(try VocabularySet(small: small)), TrainingTarget(),
                TokenizerFileTarget(small), RankFileTarget(), GPT2FilesTarget(), SeparateFilesTarget.bytePairs,
                SeparateFilesTarget.wordPiece, WordPieceTarget(),
            ])
    }
}

/// Checks that hold for every tokenizer that was read from a file.
func demandSense(_ tokenizer: any Tokenizer) throws {
    let texts = ["ab abc", "The 12345 dogs'll\r\n\n  e\u{301}\u{1F600}", ""]
    for text in texts {
        guard let ids = try? tokenizer.encode(text, replacing: "a") else { continue }
        try demand(ids.allSatisfy { $0 >= 0 && Int($0) < tokenizer.vocabularySize }, "an id is outside the vocabulary")
        if let tokenizer = tokenizer as? BPETokenizer, tokenizer.normalization == .none {
            let decoded = try tokenizer.bytes(of: ids)
            switch tokenizer.prefixSpace {
            case .none: try demand(decoded == Array(text.utf8), "\(ids) does not decode to \(text)")
            case .texts, .pretokens:
                // Spaces were added, and nothing else.
                let space = UInt8(ascii: " ")
                try demand(
                    decoded.filter { $0 != space } == text.utf8.filter { $0 != space },
                    "\(ids) does not decode to \(text) with spaces")
            }
        }
    }
    // Invalid ids have no bytes, or are an error.
    for id in [-1, .min, .max, Int32(tokenizer.vocabularySize)] {
        try demand(tokenizer.bytes(of: id).isEmpty, "the invalid id \(id) has bytes")
    }
}

/// A file is a one-line error that names it; or it is parsed, and writing and reading it again gives the same
/// tokenizer.
private struct TokenizerFileTarget: FuzzTarget {
    let name = "tokenizer-json"
    private let mutator: Mutator

    init(_ small: [UInt8]) {
        var samples = [small]
        let own: [any Tokenizer] = [CharacterTokenizer(alphabetOf: ["ab\u{E9}\n"]), ByteTokenizer()]
        for tokenizer in own { samples.append(Self.file(tokenizer)) }
        samples += Self.bytePairs.map { Self.file($0) }
        if let tokenizer = WordPieceTarget.tokenizer { samples.append(Self.file(tokenizer)) }
        let words = [
            "null", "true", "[]", "{}", "\"\"", "\"type\":", "\"BPE\"", "\"ByteLevel\"", "\"NFC\"", "\"Sequence\"",
            "\"Split\"", "\"TemplateProcessing\"", "\"<|endoftext|>\"", "\"WordPiece\"", "\"BertNormalizer\"",
            "\"BertPreTokenizer\"", "\"BertProcessing\"", "\"##\"", "\"merges\":", "\"vocab\":", "\"\u{120}\"",
            "\\ud800", "\\u0000", ",", ":", "}", "]",
        ]
        mutator = Mutator(samples, words: words.map { Array($0.utf8) } + Mutator.numbers)
    }

    /// A file with as many of the optional parts as possible.
    private static var bytePairs: [BPETokenizer] {
        let bytes = (UInt8.min...UInt8.max).map { [$0] }
        let merge = Merge(left: 97, right: 98, result: 256)
        guard let vocabulary = try? BPEVocabulary(tokens: bytes + [Array("ab".utf8)], merges: [merge]) else {
            return []
        }
        var special = SpecialToken("<s>", id: 257)
        special.stripsRight = true
        special.isWholeWord = true
        return SplitPattern.allCases.compactMap {
            try? BPETokenizer(
                vocabulary, pattern: $0, specialTokens: [special], normalization: .nfc,
                template: .init(before: [257], after: [257]), prefixSpace: $0 == .gpt2 ? .texts : .pretokens,
                unknownToken: "<s>")
        }
    }

    private static func file(_ tokenizer: any Tokenizer) -> [UInt8] {
        ((try? TokenizerFile.contents(for: tokenizer)).flatMap { try? JSON(parsing: $0) }?.serialized().utf8).map(
            Array.init)
            ?? []
    }

    func input(using generator: inout SeededGenerator) -> [UInt8] { mutator.input(using: &generator) }

    func run(_ input: [UInt8]) throws {
        let tokenizer: any Tokenizer
        do { tokenizer = try TokenizerFile.tokenizer(from: input, file: "a/tokenizer.json") } catch {
            try demandOneLine(error)
            return try demand(error.description.hasPrefix("a/tokenizer.json: "), "the error does not name the file")
        }
        try demandSense(tokenizer)
        guard let written = try? TokenizerFile.contents(for: tokenizer) else { return }
        let again: any Tokenizer
        do { again = try TokenizerFile.tokenizer(from: Array(written.utf8)) } catch {
            throw FuzzFailure("the written file cannot be read: \(error)")
        }
        let text = "ab abc 12\u{E9}e\u{301}\n"
        try demand(
            (try? again.encode(text)) == (try? tokenizer.encode(text)), "written and read again it gives other ids")
    }
}

/// The same for a `.tiktoken` file.
private struct RankFileTarget: FuzzTarget {
    let name = "tiktoken"
    private let mutator: Mutator

    init() {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        let bytes = (0..<256).map { "\(digits[$0 >> 2])\(digits[($0 & 3) << 4])== \($0)" }
        let file = Array((bytes + ["YWI= 256", "YWJj 300", ""]).joined(separator: "\n").utf8)
        let words = ["=", "==", " ", "\n", "\r\n", "YQ==", "YQ== 97\n", "A", "+/", "\0"].map { Array($0.utf8) }
        mutator = Mutator([file], words: words + Mutator.numbers)
    }

    func input(using generator: inout SeededGenerator) -> [UInt8] { mutator.input(using: &generator) }

    func run(_ input: [UInt8]) throws {
        do {
            let vocabulary = try BPEVocabulary(tiktoken: input, file: "a.tiktoken")
            try demandSense(try BPETokenizer(vocabulary, pattern: .gpt2))
        } catch let error as TokenizerError {
            try demandOneLine(error)
            try demand(error.description.hasPrefix("a.tiktoken: "), "the error does not name the file")
        }
    }
}

/// The same for GPT-2's two files, which an input has one after the other with a zero byte between them.
private struct GPT2FilesTarget: FuzzTarget {
    let name = "gpt2-files"
    private let mutator: Mutator

    init() {
        let bytes = (UInt8.min...UInt8.max).map { [$0] }
        let tokenizer = try? BPETokenizer(BPEVocabulary(rankedTokens: bytes), pattern: .gpt2)
        // In GPT-2's files the bytes are ordered by their characters.
        let symbols = (0..<256 as Range<Int32>).compactMap { tokenizer?.symbols(of: $0) }
            .sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }
        var ids = JSONObject()
        for (id, symbol) in (symbols + ["ab", "abc"]).enumerated() { ids[symbol] = .int(id) }
        let merges = Array("#version: 0.2\na b\nab c\n".utf8)
        let sample = merges + [0] + Array(JSON.object(ids).serialized().utf8)
        let words = ["a b\n", " ", "\n", "\r", "\u{120}", "{", "}", "\"a\":", ","].map { Array($0.utf8) }
        mutator = Mutator([sample], words: words + Mutator.numbers)
    }

    func input(using generator: inout SeededGenerator) -> [UInt8] { mutator.input(using: &generator) }

    func run(_ input: [UInt8]) throws {
        let middle = input.firstIndex(of: 0) ?? input.endIndex
        do {
            let vocabulary = try BPEVocabulary(
                gpt2Merges: Array(input[..<middle]), ids: Array(input[middle...].dropFirst()),
                files: ("a.bpe", "a.json"))
            try demandSense(try BPETokenizer(vocabulary, pattern: .gpt2))
        } catch let error as TokenizerError {
            try demandOneLine(error)
            try demand(
                error.description.hasPrefix("a.bpe: ") || error.description.hasPrefix("a.json: "),
                "the error does not name the file: \(error)")
        }
    }
}

/// Training, against counting all pairs again for every merge.
///
/// The first byte of an input selects the rule for ties, the second the minimum frequency of a pair; the rest are
/// pre-tokens, each preceded by its length and its count.
private struct TrainingTarget: FuzzTarget {
    let name = "training"

    func input(using generator: inout SeededGenerator) -> [UInt8] {
        var input: [UInt8] = [.random(in: 0...255, using: &generator), .random(in: 0...3, using: &generator)]
        let letters = UInt8.random(in: 1...6, using: &generator)
        for _ in 0..<Int.random(in: 0...40, using: &generator) {
            let length = UInt8.random(in: 0...20, using: &generator)
            input += [length, .random(in: 0...4, using: &generator)]
            for _ in 0..<length { input.append(.random(in: 0..<letters, using: &generator) &* 37 &+ 200) }
        }
        return input
    }

    func run(_ input: [UInt8]) throws {
        guard input.count > 2 else { return }
        let conventions = BPETrainer.Convention.allCases
        let convention = conventions[Int(input[0]) % conventions.count]
        let minimum = Int(input[1])
        var counter = PretokenCounter()
        var rest = input.dropFirst(2)
        while let length = rest.popFirst(), let times = rest.popFirst() {
            if times > 0 { counter.add(rest.prefix(Int(length)), times: Int(times)) }
            rest = rest.dropFirst(Int(length))
        }
        let size = 256 + 60
        let trainer = try BPETrainer(vocabularySize: size, convention: convention, minimumFrequency: minimum)
        guard let result = try trainer.train(counter) else { throw FuzzFailure("training gave up") }
        var ids = [Int32](repeating: 0, count: 256)
        for (id, token) in result.tokens.prefix(256).enumerated() { ids[Int(token[0])] = Int32(id) }
        let pretokens = (0..<counter.count).map { counter[$0] }
        let slow = slowTraining(
            pretokens.map { $0.bytes.map { ids[Int($0)] } }, counts: pretokens.map(\.count), merges: size - 256,
            firstID: 256, minimum: max(1, minimum), prefersFirst: convention.prefersFirstPair)
        try demand(result.merges == slow.map(\.merge), "as \(convention) the merges are \(result.merges), not \(slow)")
        try demand(result.counts == slow.map(\.count), "as \(convention) the counts differ")
        let tokenizer = try result.tokenizer(splitBy: .whole)
        for pretoken in pretokens.prefix(4) {
            let encoded = try tokenizer.encode(bytes: Array(pretoken.bytes), special: .plainText)
            try demand(
                try tokenizer.bytes(of: encoded) == Array(pretoken.bytes), "decoding does not restore a pre-token")
        }
    }
}
