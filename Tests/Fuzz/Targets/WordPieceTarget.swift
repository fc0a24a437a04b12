import TestSupport
import Tokenizers

/// WordPiece on texts, against normalizing, splitting and searching tokens in the plainest way; and the encoding of parts at the
/// same time, against that of the whole.
///
/// The bits of the first byte of an input select the options of the normalization; the rest is the text.
struct WordPieceTarget: FuzzTarget {
    let name = "wordpiece"

    private static let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    private static let tokens =
        special + [
            "a", "ab", "##b", "##ab", "e", "##e", "\u{E9}", "##\u{301}", "##\u{E9}", "i", "##\u{307}", "\u{4E00}",
            "##\u{4E00}",
            ".", "1", "##1", "##23", "\u{1F600}", "the", "th", "##he", "\u{430}", "##\u{430}", "\u{1100}", "##\u{1161}",
            "\u{AC00}",
        ]

    /// A file with as many of the optional parts as possible.
    static var tokenizer: WordPieceTokenizer? { try? make(BertNormalization(stripsAccents: true)) }

    private static func make(_ normalization: BertNormalization?) throws -> WordPieceTokenizer {
        var added = SpecialToken("the end", id: Int32(tokens.count))
        added.isControl = false
        added.isNormalized = true
        return try WordPieceTokenizer(
            WordPieceVocabulary(tokens: tokens), normalization: normalization, greatestWordLength: 20,
            specialTokens: special.enumerated().map { SpecialToken($1, id: Int32($0)) } + [added],
            template: .bert(classification: 2, separator: 3))
    }

    func input(using generator: inout SeededGenerator) -> [UInt8] {
        var text = Array(RandomText.text(using: &generator).utf8)
        for _ in 0..<Int.random(in: 0...6, using: &generator) {
            let piece =
                [
                    "[MASK]", "The End", "ab", "\u{130}", "e\u{301}", "\u{0}", "\u{4E00}", "aba.b", " ",
                    "\u{AC00}\u{302E}",
                ]
                .randomElement(using: &generator) ?? ""
            text += piece.utf8
        }
        return [.random(in: 0...255, using: &generator)] + text
    }

    func run(_ input: [UInt8]) throws {
        guard let options = input.first else { return }
        func isOn(_ bit: UInt8) -> Bool { options >> bit & 1 == 1 }
        let normalization = BertNormalization(
            cleansText: isOn(0), separatesChineseCharacters: isOn(1), stripsAccents: isOn(2) ? isOn(3) : nil,
            lowercases: isOn(4))
        let tokenizer = try Self.make(options == 255 ? nil : normalization)
        let text = String(decoding: input.dropFirst(), as: UTF8.self)
        let ids = try tokenizer.encodeOrdinary(text)
        var expected: [Int32] = []
        var counter = PretokenCounter()
        counter.add(
            wordsOf: text,
            normalization: options == 255
                ? BertNormalization(
                    cleansText: false, separatesChineseCharacters: false, stripsAccents: false, lowercases: false)
                : normalization)
        // The words of the whole text, each encoded by itself, give the same ids in another order.
        for number in 0..<counter.count {
            let word = String(decoding: counter[number].bytes, as: UTF8.self)
            for _ in 0..<counter[number].count { expected += Self.pieces(of: word) }
        }
        try demand(ids.sorted() == expected.sorted(), "the ids of \(text) are \(ids)")
        try demand(try tokenizer.encodeOrdinary(text) == ids, "the cache changes the ids of \(text)")
        let parts = try tokenizer.encodeOrdinary(text, partLength: 8) { count, body in (0..<count).forEach(body) }
        try demand(parts == ids, "the ids of the parts of \(text) are \(parts)")
        let all = try tokenizer.encode(text, special: .allowed)
        try demand(try tokenizer.count(text, special: .allowed) == all.count, "the count of \(text) differs")
        var decoder = StreamingDecoder(tokenizer)
        let streamed = all.map { decoder.append($0) }.joined() + decoder.finish()
        try demand(streamed == tokenizer.decode(all), "streaming decoding of \(all) differs")
    }

    /// The longest token first, by strings.
    private static func pieces(of word: String) -> [Int32] {
        let scalars = Array(word.unicodeScalars)
        if scalars.count > 20 { return [1] }
        var ids: [Int32] = [], start = 0
        while start < scalars.count {
            var found: (id: Int, end: Int)?
            for end in stride(from: scalars.count, to: start, by: -1) where found == nil {
                let piece = (start == 0 ? "" : "##") + String(String.UnicodeScalarView(scalars[start..<end]))
                let id = tokens.firstIndex { $0.utf8.elementsEqual(piece.utf8) }
                if let id { found = (id, end) }
            }
            guard let found else { return [1] }
            ids.append(Int32(found.id))
            start = found.end
        }
        return ids
    }
}
