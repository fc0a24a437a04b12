import TestSupport
import Testing
import Tokenizers

private let awkward =
    "Zz \r\n\u{E9}e\u{301}\u{130}\u{131}ἀ\u{1F600}\u{1F468}\u{200D}\u{1F469}\u{10FFFF}\u{FEFF}\0<|endoftext|>"

@Suite struct CharacterVocabulary {
    @Test func sortsByScalarValue() throws {
        let tokenizer = CharacterTokenizer(alphabetOf: ["ba\r\n", "\u{1F600}é", "ab"])
        #expect(tokenizer.alphabet == ["\n", "\r", "a", "b", "é", "\u{1F600}"])
        #expect(tokenizer.vocabularySize == 7)
        #expect(tokenizer.endOfText == 6)
        #expect(try tokenizer.encode("b\r\na") == [3, 1, 0, 2])
        #expect(
            tokenizer.alphabet == CharacterTokenizer(alphabet: ["b", "\u{1F600}", "a", "é", "\r", "\n", "a"]).alphabet)
        #expect(tokenizer.bytes(of: 4) == [0xC3, 0xA9])
        for id: Int32 in [6, 7, -1, .min, .max] { #expect(tokenizer.bytes(of: id) == []) }
    }

    @Test func roundTrips() throws {
        let tokenizer = CharacterTokenizer(alphabetOf: [awkward])
        let ids = try tokenizer.encode(awkward)
        #expect(ids.count == awkward.unicodeScalars.count)
        #expect(zip(ids, awkward.unicodeScalars).allSatisfy { tokenizer.alphabet[Int($0)] == $1 })
        #expect(tokenizer.decode(ids).utf8.elementsEqual(awkward.utf8))
        #expect(!ids.contains(tokenizer.endOfText ?? -1))
        #expect(tokenizer.decode(ids.flatMap { [$0, tokenizer.endOfText ?? -1] }).utf8.elementsEqual(awkward.utf8))
        #expect(try tokenizer.encode("") == [])
    }

    /// Forms that Swift's `String` takes for one are two here.
    @Test func normalizationForms() throws {
        let tokenizer = CharacterTokenizer(alphabetOf: ["\u{E9}e\u{301}"])
        #expect(try tokenizer.encode("\u{E9}") == [1])
        #expect(try tokenizer.encode("e\u{301}") == [0, 2])
    }

    @Test(arguments: [
        ("abé", "the character 'é' (U+00E9) at position 2 is not in the alphabet of 3 characters"),
        ("é\u{1F600}", "the character 'é' (U+00E9) at position 0 is not"),
        ("\u{20AC}\u{1F600}", "the character '\u{1F600}' (U+1F600) at position 1 is not"),
        ("a\u{301}", "the character U+0301 at position 1 is not"),
        ("a\nb", "the character U+000A at position 1 is not"),
    ])
    func namesUnknownCharacters(_ text: String, _ words: String) {
        let tokenizer = CharacterTokenizer(alphabet: ["a", "b", "\u{20AC}"])
        let error = #expect(throws: TokenizerError.self) { try tokenizer.encode(text) }
        #expect(error?.description.hasPrefix(words) == true)
        // What is to be done about it each command says for itself.
        #expect(error?.description.hasSuffix("is not in the alphabet of 3 characters") == true)
        #expect(error?.description.contains("\n") == false)
    }

    @Test func replaces() throws {
        let tokenizer = CharacterTokenizer(alphabet: ["a", "b"])
        #expect(try tokenizer.encode("aéb\r\n", replacing: "a") == [0, 0, 1, 0, 0])
        #expect(try tokenizer.encode("ab", replacing: "b") == [0, 1])
        #expect(throws: TokenizerError.unknownReplacement("c", alphabet: 2)) {
            try tokenizer.encode("a", replacing: "c")
        }
    }

    @Test func everyScalar() throws {
        let all = (0...0x10FFFF).compactMap { Unicode.Scalar(UInt32($0)) }
        let tokenizer = CharacterTokenizer(alphabet: all.reversed())
        var text = ""
        text.unicodeScalars.append(contentsOf: all)
        #expect(try tokenizer.encode(text) == Array(0..<Int32(all.count)))
    }

    @Test func noAlphabet() throws {
        let tokenizer = CharacterTokenizer(alphabetOf: [])
        #expect(tokenizer.vocabularySize == 1)
        #expect(tokenizer.endOfText == 0)
        #expect(throws: TokenizerError.self) { try tokenizer.encode("a") }
    }
}

@Suite struct ByteVocabulary {
    @Test func bytes() {
        let tokenizer = ByteTokenizer()
        #expect(tokenizer.vocabularySize == 257)
        #expect(tokenizer.endOfText == 256)
        #expect(tokenizer.encode(awkward) == awkward.utf8.map(Int32.init))
        #expect(tokenizer.decode(tokenizer.encode(awkward)).utf8.elementsEqual(awkward.utf8))
        for id: Int32 in 0..<256 { #expect(tokenizer.bytes(of: id) == [UInt8(id)]) }
        for id: Int32 in [256, 257, -1, .min, .max] { #expect(tokenizer.bytes(of: id) == []) }
    }
}

@Suite struct Streaming {
    /// Each piece is whole characters, and as much as is certain.
    @Test func neverHalfACharacter() {
        let tokenizer = ByteTokenizer()
        var decoder = StreamingDecoder(tokenizer)
        let pieces = tokenizer.encode("aé€\u{1F600}").map { decoder.append($0) }
        #expect(pieces == ["a", "", "é", "", "", "€", "", "", "", "\u{1F600}"])
        #expect(decoder.finish() == "")
    }

    /// A replacement comes as soon as it is due.
    @Test(
        arguments: [
            ([0xE2, 0x28], ["", "\u{FFFD}("]), ([0xC0, 0x80], ["\u{FFFD}", "\u{FFFD}"]),
            ([0xED, 0xA0], ["", "\u{FFFD}\u{FFFD}"]), ([0xF0, 0x9F, 0xC3, 0xA9], ["", "", "\u{FFFD}", "é"]),
            ([0xF5], ["\u{FFFD}"]), ([0x80], ["\u{FFFD}"]), ([0xF4, 0x90], ["", "\u{FFFD}\u{FFFD}"]),
        ] as [([Int32], [String])])
    func replacements(_ ids: [Int32], _ pieces: [String]) {
        var decoder = StreamingDecoder(ByteTokenizer())
        #expect(ids.map { decoder.append($0) } == pieces)
    }

    /// Bytes in any order, biased towards those that matter, with reserved ids in between.
    @Test func joinedPiecesAreTheWhole() {
        var generator = SeededGenerator(seed: 4)
        let tokenizer = ByteTokenizer()
        let telling: [Int32] = [
            0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xE2, 0xED, 0xEF, 0xF0, 0xF1, 0xF4,
            0xF5,
            256,
        ]
        for _ in 0..<20_000 {
            let ids = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                telling.randomElement(using: &generator) ?? 0
            }
            var decoder = StreamingDecoder(tokenizer)
            let joined = ids.map { decoder.append($0) }.joined() + decoder.finish()
            #expect(joined.utf8.elementsEqual(tokenizer.decode(ids).utf8))
        }
    }

    @Test func tokensOfManyBytes() throws {
        let tokenizer = CharacterTokenizer(alphabetOf: [awkward])
        var decoder = StreamingDecoder(tokenizer)
        let ids = try tokenizer.encode(awkward)
        for (id, scalar) in zip(ids, awkward.unicodeScalars) {
            #expect(decoder.append(id).unicodeScalars.elementsEqual([scalar]))
        }
        #expect(decoder.finish() == "")
    }
}
