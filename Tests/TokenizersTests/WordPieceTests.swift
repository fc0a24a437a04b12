import FuzzTargets
import StrictJSON
import TestSupport
import Testing
import Tokenizers

/// WordPiece, and what Hugging Face's tokenizers gives for the same texts.
@Suite struct WordPieceTests {
    private static let path = Fixtures.tokenizers + "/wordpiece-tokenizer.json"

    /// The made-up tokenizer of the fixtures, with other options of its normalizer.
    private static func tokenizer(_ options: JSONObject = JSONObject()) throws -> WordPieceTokenizer {
        var root = try #require(try JSON(parsing: Fixtures.bytes(path)).objectValue)
        var normalizer = try #require(root["normalizer"]?.objectValue)
        for (key, value) in options { normalizer[key] = value }
        root["normalizer"] = .object(normalizer)
        let bytes = Array(JSON.object(root).serialized().utf8)
        return try #require(try TokenizerFile.tokenizer(from: bytes) as? WordPieceTokenizer)
    }

    private static func ids(_ json: JSON?) -> [Int32]? {
        json?.arrayValue.map { $0.compactMap { $0.intValue.map { Int32($0) } } }
    }

    @Test("Ids, types, truncation and decoded text are those of Hugging Face's tokenizers")
    func golden() throws {
        let lines = try Fixtures.bytes(Fixtures.tokenizers + "/wordpiece-golden.jsonl").split(separator: 0x0A)
        #expect(lines.count > 200)
        var tokenizers: [String: WordPieceTokenizer] = [:]
        for line in lines {
            let json = try JSON(parsing: Array(line))
            let options = try #require(json["options"])
            let tokenizer = try tokenizers[options.serialized()] ?? Self.tokenizer(options.objectValue ?? JSONObject())
            tokenizers[options.serialized()] = tokenizer
            let text = try #require(json["text"]?.stringValue), limit = json["maximum_length"]?.intValue
            let sequence =
                try json["pair"]?.stringValue.map {
                    try tokenizer.encodePair(text, $0, maximumLength: limit, special: .allowed)
                } ?? tokenizer.encodeSequence(text, maximumLength: limit, special: .allowed)
            #expect(sequence.ids == Self.ids(json["ids"]), "\(json.serialized())")
            #expect(sequence.typeIDs == Self.ids(json["type_ids"]))
            let spelled = tokenizer.decode(sequence.ids, spellingSpecialTokens: true)
            #expect(JSON.string(spelled) == json["decoded"])
            #expect(JSON.string(tokenizer.decode(sequence.ids)) == json["decoded_without_special"])
            var decoder = StreamingDecoder(tokenizer, spellingSpecialTokens: true)
            #expect(sequence.ids.map { decoder.append($0) }.joined() + decoder.finish() == spelled)
            let all = try tokenizer.encode(text, special: .allowed, addingSpecialTokens: true)
            #expect(try tokenizer.count(text, special: .allowed, addingSpecialTokens: true) == all.count)
        }
    }

    private static let words = try? WordPieceTokenizer(
        WordPieceVocabulary(tokens: [
            "[UNK]", "a", "ab", "##b", "##c", "##bc", "##d", "B", "é", "##é", "e", ".", "'", "s", "##ss", "ß", "i",
            "##\u{307}",
        ]))

    @Test(
        "The longest token from the beginning on; a word without tokens is unknown",
        arguments: [
            ("ab", [2]), ("abc", [2, 4]), ("abbc", [2, 5]), ("abcd", [2, 4, 6]), ("abx", [0]), ("b", [0]),
            ("a b", [1, 0]),
            ("a.ab", [1, 11, 2]), ("É", [10]), ("aÉb", [0]), ("A\u{301}b", [2]), ("ß", [15]), ("İ", [16]), ("", []),
            (" \u{0} \u{200B}", []), ("a\u{0}b", [2]), ("a\u{3000}a", [1, 1]), ("'s", [12, 13]), ("sSS", [13, 14]),
        ] as [(String, [Int32])])
    func longest(_ text: String, _ ids: [Int32]) throws {
        let tokenizer = try #require(Self.words)
        #expect(try tokenizer.encode(text) == ids)
        // Again, from the cache; and beside others.
        #expect(try tokenizer.encode("\(text) a \(text)") == ids + [1] + ids)
    }

    @Test("Words with more characters than the greatest length are unknown, with as many they are not")
    func greatestLength() throws {
        let vocabulary = try WordPieceVocabulary(tokens: ["[UNK]", "a", "##a", "é", "##é"])
        let tokenizer = try WordPieceTokenizer(
            vocabulary, normalization: BertNormalization(stripsAccents: false), greatestWordLength: 20)
        for letter in ["a", "é", "A", "É"] {
            let word = String(repeating: letter, count: 20)
            #expect(try tokenizer.encode(word).count == 20)
            #expect(try tokenizer.encode(word + letter) == [0])
        }
    }

    @Test("The parts of a text that are encoded at the same time have the ids of the whole")
    func parts() throws {
        let tokenizer = try Self.tokenizer()
        let text = String(repeating: "Untimely teas, naïve\n\nÜBER time\u{301} 茶 tokens.\nTea\u{0} [MASK] ", count: 40)
        let whole = try tokenizer.encodeOrdinary(text)
        for length in [10, 64, 333] {
            let parts = try tokenizer.encodeOrdinary(text, partLength: length) { count, body in
                (0..<count).forEach(body)
            }
            #expect(parts == whole, "\(length)")
        }
    }

    @Test("Special tokens are refused, found or plain text")
    func policies() throws {
        let tokenizer = try Self.tokenizer()
        #expect(throws: TokenizerError.specialToken("[MASK]", position: 2)) { try tokenizer.encode("a [MASK]") }
        #expect(throws: TokenizerError.specialToken("Über Tea", position: 2)) { try tokenizer.encode("a über tea") }
        #expect(try tokenizer.encode("[MASK]", special: .allowed) == [4])
        #expect(try tokenizer.encodeOrdinary("[MASK]").count > 1)
        #expect(tokenizer.firstSpecialToken(in: "an ÜBER TEA")?.text == "Über Tea")
        #expect(tokenizer.paddingID == 0 && tokenizer.maskID == 4 && tokenizer.endOfText == 3)
    }

    @Test("Decoding without cleaning, and without a decoder")
    func decoding() throws {
        let vocabulary = try WordPieceVocabulary(tokens: ["[UNK]", "a", "##b", ".", "n't"])
        for (decoding, text) in [
            (WordPieceDecoding(), "ab. an't"), (WordPieceDecoding(cleansUp: false), "ab . a n't"),
            (nil, "a ##b . a n't"),
        ] as [(WordPieceDecoding?, String)] {
            #expect(try WordPieceTokenizer(vocabulary, decoding: decoding).decode([1, 2, 3, 1, 4]) == text)
        }
        #expect(try WordPieceTokenizer(vocabulary).decode([2, 1]) == "##b a")
    }

    @Test("Generated words that continue a text have the space before them")
    func continuing() throws {
        let tokenizer = try #require(Self.words)
        var first = StreamingDecoder(tokenizer), later = StreamingDecoder(tokenizer, continuing: true)
        #expect(first.append(1) == "a" && first.append(1) == " a")
        #expect(later.append(1) == " a")
    }

    @Test("A vocabulary that contradicts itself is refused")
    func contradictions() throws {
        let vocabulary = try WordPieceVocabulary(tokens: ["[UNK]", "a"])
        #expect(throws: TokenizerError.self) { try WordPieceVocabulary(tokens: ["a", "a"]) }
        #expect(throws: TokenizerError.self) { try WordPieceTokenizer(vocabulary, unknownToken: "?") }
        var one = SpecialToken("Foo", id: 2), other = SpecialToken("foo", id: 3)
        (one.isNormalized, other.isNormalized) = (true, true)
        for tokens in [[SpecialToken("b", id: 1)], [SpecialToken("b", id: -1)], [one, other]] {
            #expect(throws: TokenizerError.self) { try WordPieceTokenizer(vocabulary, specialTokens: tokens) }
        }
    }
}
