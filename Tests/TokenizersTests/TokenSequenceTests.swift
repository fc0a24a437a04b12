import Testing
import Tokenizers

/// Texts and pairs of texts in a template.
@Suite struct TokenSequences {
    private static func tokenizer(_ template: TokenTemplate) throws -> BPETokenizer {
        let special = [SpecialToken("[CLS]", id: 256), SpecialToken("[SEP]", id: 257)]
        return try BPETokenizer(
            BPEVocabulary(rankedTokens: (UInt8.min...UInt8.max).map { [$0] }), pattern: .gpt2, specialTokens: special,
            template: template)
    }

    private static let bert = TokenTemplate.bert(classification: 256, separator: 257)

    @Test("BERT's template, with the types of ids")
    func bert() throws {
        let tokenizer = try Self.tokenizer(Self.bert)
        let single = try tokenizer.encodeSequence("ab")
        #expect(single.ids == [256, 97, 98, 257] && single.typeIDs == [0, 0, 0, 0])
        let pair = try tokenizer.encodePair("ab", "c")
        #expect(pair.ids == [256, 97, 98, 257, 99, 257] && pair.typeIDs == [0, 0, 0, 0, 1, 1])
        #expect(Self.bert.before == [256] && Self.bert.after == [257])
    }

    @Test("Without a template two texts follow one another")
    func plain() throws {
        let pair = try Self.tokenizer(TokenTemplate()).encodePair("ab", "c")
        #expect(pair.ids == [97, 98, 99] && pair.typeIDs == [0, 0, 1])
    }

    /// The lengths of two texts, the greatest length with three special tokens, and what Hugging Face's tokenizers leave.
    @Test(
        "The longer text is shortened first, then both",
        arguments: [
            (3, 4, 3, 0, 0), (3, 4, 4, 0, 1), (5, 2, 4, 1, 0), (2, 2, 4, 0, 1), (3, 4, 5, 1, 1), (3, 4, 6, 1, 2),
            (5, 2, 6, 2, 1),
            (2, 2, 6, 1, 2), (5, 2, 7, 2, 2), (2, 2, 7, 2, 2), (3, 3, 7, 2, 2), (3, 4, 8, 2, 3), (5, 2, 8, 3, 2),
            (3, 4, 100, 3, 4),
            (9, 1, 8, 4, 1), (0, 9, 8, 0, 5),
        ])
    func truncation(_ first: Int, _ second: Int, _ limit: Int, _ keptFirst: Int, _ keptSecond: Int) throws {
        let tokenizer = try Self.tokenizer(Self.bert)
        let one = String(repeating: "a", count: first), two = String(repeating: "b", count: second)
        let pair = try tokenizer.encodePair(one, two, maximumLength: limit)
        #expect(pair.ids.count { $0 == 97 } == keptFirst && pair.ids.count { $0 == 98 } == keptSecond)
        #expect(pair.count <= limit && pair.ids.first == 256 && pair.ids.last == 257)
        #expect(try tokenizer.encodeSequence(one, maximumLength: limit).count == min(first + 2, limit))
    }

    @Test("A length below that of the template is an error")
    func tooShort() throws {
        let tokenizer = try Self.tokenizer(Self.bert)
        #expect(throws: TokenizerError.tooShort(length: 2, template: 3)) {
            try tokenizer.encodePair("a", "b", maximumLength: 2)
        }
        #expect(throws: TokenizerError.tooShort(length: 1, template: 2)) {
            try tokenizer.encodeSequence("a", maximumLength: 1)
        }
        #expect(try tokenizer.encodeSequence("a", maximumLength: 2).ids == [256, 257])
    }

    @Test("The types of ids of a template are written and read")
    func roundTrip() throws {
        for template in [Self.bert, TokenTemplate(before: [256]), TokenTemplate()] {
            #expect(try Self.tokenizer(template).written().template == template)
        }
    }
}
