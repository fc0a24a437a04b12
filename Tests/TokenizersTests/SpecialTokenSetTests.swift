import StrictJSON
import Testing
import Tokenizers

/// Special tokens and templates that are added to a tokenizer.
@Suite struct SpecialTokenSets {
    private static func tokenizers() throws -> [any Tokenizer] {
        let bytes = (UInt8.min...UInt8.max).map { [$0] }
        return [
            CharacterTokenizer(alphabetOf: ["ab \u{E9}\n"]), ByteTokenizer(),
            try BPETokenizer(
                BPEVocabulary(
                    tokens: bytes + [Array("ab".utf8)], merges: [Merge(left: 97, right: 98, result: 257 - 1)]),
                pattern: .gpt2, specialTokens: [SpecialToken("<|endoftext|>", id: 257)], normalization: .nfc),
            try WordPieceTokenizer(WordPieceVocabulary(tokens: ["[UNK]", "a", "##b", "ab", "e"])),
        ]
    }

    private static let text = "ab \u{E9}"

    @Test("Ordinary texts keep their ids, and the template is added around them", arguments: 0..<4)
    func ids(_ index: Int) throws {
        let tokenizer = try Self.tokenizers()[index]
        let ordinary = try tokenizer.encodeOrdinary(Self.text), first = Int32(tokenizer.vocabularySize)
        let bert = try tokenizer.adding(.bert), marian = try tokenizer.adding(.marian)
        #expect(try bert.encodeOrdinary(Self.text) == ordinary && marian.encodeOrdinary(Self.text) == ordinary)
        #expect(bert.specialTokens.suffix(4).map(\.text) == ["[PAD]", "[CLS]", "[SEP]", "[MASK]"])
        #expect(bert.specialTokenIDs.suffix(4) == [first, first + 1, first + 2, first + 3])
        #expect(bert.paddingID == first && bert.maskID == first + 3 && bert.vocabularySize == Int(first) + 4)
        #expect(bert.endOfText == tokenizer.endOfText || index == 3)
        let (start, end) = (first + 1, first + 2)
        #expect(try bert.encodeSequence(Self.text).ids == [start] + ordinary + [end])
        let pair = try bert.encodePair("ab", "a")
        #expect(try pair.ids == [start] + bert.encode("ab") + [end] + bert.encode("a") + [end])
        #expect(pair.typeIDs.last == 1 && pair.typeIDs.first == 0)
        let translated = try marian.encode(Self.text, special: .plainText, addingSpecialTokens: true)
        #expect(translated == ordinary + [first + 1] && marian.paddingID == first)
        #expect(bert.decode(pair.ids) == bert.decode(pair.ids.filter { $0 < first }))
        #expect(marian.decode(translated) == tokenizer.decode(ordinary))
        #expect(marian.decode([first, first + 1], spellingSpecialTokens: true).hasPrefix("<pad>"))
    }

    @Test("A token that the vocabulary has keeps its id", arguments: 0..<4)
    func kept(_ index: Int) throws {
        let once = try Self.tokenizers()[index].adding(.bert), twice = try once.adding(.bert)
        #expect(twice.specialTokens == once.specialTokens && twice.template == once.template)
        let both = try once.adding(.marian)
        #expect(both.vocabularySize == once.vocabularySize + 2)
        #expect(both.specialTokens.starts(with: once.specialTokens) && both.template.before.isEmpty)
    }

    @Test("An ordinary token becomes special with its own id")
    func ordinaryToken() throws {
        let pieces = try WordPieceTokenizer(WordPieceVocabulary(tokens: ["[UNK]", "[CLS]", "a", "[SEP]"]))
        let tokenizer = try pieces.adding(.bert)
        #expect(tokenizer.template == .bert(classification: 1, separator: 3) && tokenizer.vocabularySize == 6)
        #expect(try tokenizer.encodeSequence("a").ids == [1, 2, 3])
    }

    @Test("A file of the tokenizer gives the same tokenizer", arguments: 0..<4, [SpecialTokenSet.bert, .marian])
    func file(_ index: Int, _ set: SpecialTokenSet) throws {
        let tokenizer = try Self.tokenizers()[index].adding(set)
        let contents = try TokenizerFile.contents(for: tokenizer)
        let read = try TokenizerFile.tokenizer(from: Array(contents.utf8))
        #expect(type(of: read) == type(of: tokenizer))
        #expect(read.specialTokens == tokenizer.specialTokens && read.template == tokenizer.template)
        for text in [Self.text, "a[CLS]b</s>a", ""] {
            for policy in [SpecialTokenPolicy.plainText, .allowed] {
                let ids = try? tokenizer.encode(text, special: policy, addingSpecialTokens: true)
                #expect((try? read.encode(text, special: policy, addingSpecialTokens: true)) == ids)
            }
        }
    }

    @Test("Of characters, special tokens are found in a text where that is allowed")
    func charactersWithTokens() throws {
        let tokenizer = try CharacterTokenizer(alphabetOf: ["[MASK] ab"]).adding(.bert)
        let mask = try #require(tokenizer.maskID), plain = try tokenizer.encode("[MASK]", special: .plainText)
        #expect(plain.count == 6 && !plain.contains(mask))
        let a = try tokenizer.encode("a")[0], end = try #require(tokenizer.endOfText)
        #expect(
            try tokenizer.encode("a[MASK][MASK]a<|endoftext|>[MASK", special: .allowed)
                == [a, mask, mask, a, end] + plain.dropLast())
        #expect(try tokenizer.encode("a[MASK]", special: .refused) == [a] + plain)
        let error = #expect(throws: TokenizerError.self) { try tokenizer.encode("a[MASK]b\u{E9}", special: .allowed) }
        #expect(error?.description.contains("at position 8") == true)
        #expect(tokenizer.firstSpecialToken(in: "a[SEP]b[CLS]")?.text == "[SEP]")
    }

    @Test("What cannot be added is refused")
    func refused() {
        let error = #expect(throws: TokenizerError.self) {
            try CharacterTokenizer(alphabetOf: ["ab"]).adding(SpecialTokenSet(["b"]) { _ in TokenTemplate() })
        }
        #expect(error?.description == "the special token \"b\" is a character of the alphabet")
    }
}
