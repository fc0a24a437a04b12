import TestSupport
import Tokenizers

/// The vocabularies for encoding: small ones of the project, and published ones if they are on this machine.
struct VocabularySet: Sendable {
    /// By their number in an input; nil if one is not on this machine.
    let tokenizers: [BPETokenizer?]

    init(small: [UInt8]) throws {
        guard let made = try TokenizerFile.tokenizer(from: small) as? BPETokenizer else {
            throw FuzzFailure("the vocabulary in the fixtures is not byte-pair encoding")
        }
        let vocabulary = made.vocabulary
        let first = Int32(made.vocabularySize)
        let special = [SpecialToken("<|end|>", id: first), SpecialToken("<|end|>of", id: first + 1)]
        var tokenizers: [BPETokenizer?] = try SplitPattern.allCases.map {
            try BPETokenizer(vocabulary, pattern: $0, specialTokens: special)
        }
        tokenizers.append(
            try BPETokenizer(vocabulary, pattern: .llama3, specialTokens: special, normalization: .nfc))
        for name in ["gpt2", "r50k_base", "cl100k_base", "o200k_base"] { tokenizers.append(try Self.published(name)) }
        self.tokenizers = tokenizers
    }

    private static func published(_ name: String) throws -> BPETokenizer? {
        guard let folder = Fixtures.data, let encoding = PublishedEncoding(name: name) else { return nil }
        guard let files = try? encoding.files.map({ try Fixtures.bytes("\(folder)/tokenizers/\($0.name)") }) else {
            return nil
        }
        return try encoding.tokenizer(files: files)
    }
}

/// Encoding, against splitting by the regular expression and searching all pairs for every merge; and decoding, offsets
/// and counting, against the encoding.
///
/// The first byte of an input selects the vocabulary, the second the policy for special tokens; the rest is the text,
/// which need not be UTF-8.
struct EncodingTarget: FuzzTarget {
    let name = "encoding"
    private let vocabularies: VocabularySet

    init(_ vocabularies: VocabularySet) { self.vocabularies = vocabularies }

    func input(using generator: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        switch Int.random(in: 0..<8, using: &generator) {
        case 0:
            bytes = (0..<Int.random(in: 0...300, using: &generator)).map { _ in .random(in: 0...255, using: &generator)
            }
        case 1:  // one repeated string
            let unit = Array(RandomText.text(using: &generator).utf8.prefix(4))
            bytes = [[UInt8]](repeating: unit, count: Int.random(in: 1...20_000, using: &generator)).flatMap { $0 }
        case 2:
            let samples = (0..<3).map { _ in Array(RandomText.text(using: &generator).utf8) }
            bytes = Mutator(samples, words: [[0xC3], [0xE2, 0x80], [0xF0, 0x9F, 0x98]]).input(using: &generator)
        case 3:
            bytes = Array(RandomText.text(using: &generator).utf8)
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let special = ["<|end|>", "<|end|>of", "<|endoftext|>", "<|end", "<|end|>"].randomElement(
                    using: &generator)
                bytes.insert(
                    contentsOf: (special ?? "").utf8, at: Int.random(in: 0...bytes.count, using: &generator))
            }
        default: bytes = Array(RandomText.text(using: &generator).utf8)
        }
        return [.random(in: 0...255, using: &generator), .random(in: 0...255, using: &generator)] + bytes
    }

    func run(_ input: [UInt8]) throws {
        guard input.count >= 2 else { return }
        let number = Int(input[0]) % vocabularies.tokenizers.count
        guard let tokenizer = vocabularies.tokenizers[number] else { return }
        let policy = input[1] & 1 == 0 ? SpecialTokenPolicy.plainText : .allowed
        let bytes = Array(input.dropFirst(2))
        let ids = try tokenizer.encode(bytes: bytes, special: policy)
        try demand(ids == (try tokenizer.encode(bytes: bytes, special: policy)), "encoded again, the ids differ")
        let decoded = try tokenizer.bytes(of: ids)
        if tokenizer.normalization == .none {
            try demand(decoded == bytes, "vocabulary \(number): the ids decode to other bytes")
        } else {
            try demand(
                try tokenizer.encode(bytes: decoded, special: policy) == ids, "normalization is not idempotent")
        }
        var decoder = StreamingDecoder(tokenizer, spellingSpecialTokens: true)
        let streamed = ids.map { decoder.append($0) }.joined() + decoder.finish()
        try demand(
            streamed.utf8.elementsEqual(String(decoding: decoded, as: UTF8.self).utf8),
            "streaming decoding gives another text")
        if tokenizer.normalization == .none, let slow = plainly(bytes, tokenizer, policy) {
            try demand(ids == slow, "vocabulary \(number): the ids are \(ids.prefix(40)), not \(slow.prefix(40))")
        }
        if let text = String(validating: bytes, as: UTF8.self) { try demandOffsets(text, ids, tokenizer, policy) }
    }

    private func demandOffsets(
        _ text: String, _ ids: [Int32], _ tokenizer: BPETokenizer, _ policy: SpecialTokenPolicy
    ) throws {
        try demand(try tokenizer.count(text, special: policy) == ids.count, "the count differs")
        let offsets = try tokenizer.encodeWithOffsets(text, special: policy)
        try demand(offsets.map(\.id) == ids, "with offsets the ids differ")
        let length = text.utf8.count
        // The index of the scalar that contains each byte.
        var scalarOfByte: [Int] = []
        scalarOfByte.reserveCapacity(length)
        for (index, scalar) in text.unicodeScalars.enumerated() {
            for _ in 0..<UTF8.width(scalar) { scalarOfByte.append(index) }
        }
        var end = 0
        for token in offsets {
            let range = token.bytes
            try demand(range.lowerBound >= 0 && range.upperBound <= length && !range.isEmpty, "\(token) is not in it")
            if tokenizer.normalization == .none {
                try demand(range.lowerBound == end, "\(token) does not follow the token before it")
            } else {
                try demand(range.lowerBound <= end && range.upperBound >= end, "\(token) leaves something out")
            }
            try demand(
                token.scalars == scalarOfByte[range.lowerBound]..<scalarOfByte[range.upperBound - 1] + 1,
                "\(token) is of other characters")
            end = range.upperBound
        }
        try demand(end == length, "the last token does not end the text")
    }

    /// The ids by the reference; nil if that would take too long, or if there are characters that have other properties
    /// in the Unicode version of Swift's library.
    private func plainly(_ bytes: [UInt8], _ tokenizer: BPETokenizer, _ policy: SpecialTokenPolicy) -> [Int32]? {
        guard bytes.count <= 1_500 else { return nil }
        let isOld = bytes.characters.allSatisfy { ($0.scalar.properties.age?.major ?? 0) <= 16 }
        guard isOld else { return nil }
        let vocabulary = tokenizer.vocabulary
        var ranks: [Pair: (rank: Int, id: Int32)] = [:]
        if !tokenizer.ignoresMerges {
            for (rank, merge) in vocabulary.merges.enumerated() {
                ranks[Pair(left: merge.left, right: merge.right)] = (rank, merge.result)
            }
        }
        func ids(_ text: [UInt8]) -> [Int32] {
            tokenizer.pattern.referencePretokens(text).flatMap { pretoken in
                // In published vocabularies ranks are ids, and a pre-token that is a token has its id.
                guard tokenizer.ignoresMerges else {
                    return slowlyMerged(pretoken, vocabulary.byteIDs) { ranks[Pair(left: $0, right: $1)] }
                }
                if let whole = vocabulary.id(of: pretoken) { return [whole] }
                return slowlyMerged(pretoken, vocabulary.byteIDs) { left, right in
                    vocabulary.id(of: vocabulary.bytes(of: left) + vocabulary.bytes(of: right)).map { (Int($0), $0) }
                }
            }
        }
        guard policy == .allowed else { return ids(bytes) }
        let special = tokenizer.specialTokens.map { (id: $0.id, bytes: Array($0.text.utf8)) }
            .sorted { $0.bytes.count > $1.bytes.count }
        var result: [Int32] = []
        var start = 0
        var position = 0
        while position < bytes.count {
            guard let token = special.first(where: { bytes[position...].starts(with: $0.bytes) }) else {
                position += 1
                continue
            }
            result += ids(Array(bytes[start..<position])) + [token.id]
            position += token.bytes.count
            start = position
        }
        return result + ids(Array(bytes[start...]))
    }

    private struct Pair: Hashable {
        var left: Int32
        var right: Int32
    }
}
