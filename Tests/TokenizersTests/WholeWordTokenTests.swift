import Testing
import Tokenizers

/// `single_word`: what Hugging Face's tokenizers 0.23 gives for the same file, with NFC. A star marks an added token.
@Suite struct WholeWordTokens {
    private static func tokenizer() throws -> BPETokenizer {
        try TokenizerJSON(
            normalizer: ["type": "NFC"],
            added: [
                ("ab", ["special", "single_word"]), ("bd", ["special"]), ("abc", ["special"]),
                ("cd", ["special", "single_word", "lstrip", "rstrip"]),
                ("n\u{E9}", ["special", "single_word", "normalized"]),
            ]
        ).read()
    }

    @Test(
        "A token is found where no word character is next to it",
        arguments: [
            ("ab", "ab*"),
            ("xab", "x a b"),
            ("abx", "a b x"),
            ("ab b", "ab* \u{120} b"),
            ("xabd", "x a b d"),
            ("bd", "bd*"),
            ("abab", "a b a b"),
            ("xabc", "x abc*"),
            ("ababc", "a b abc*"),
            ("x cd y", "x cd* y"),
            ("xcd", "x c d"),
            ("ab_", "a b _"),
            ("ab-ab", "ab* - ab*"),
            ("n\u{E9}", "n\u{E9}*"),
            ("ne\u{301}", "n\u{E9}*"),
            ("bne\u{301}", "b n \u{C3} \u{A9}"),
            ("ne\u{301}b", "n \u{C3} \u{A9} b"),
            ("xne\u{301}", "x n \u{C3} \u{A9}"),
            (" ne\u{301}.", "\u{120} n\u{E9}* ."),
            ("abn\u{E9}", "a b n \u{C3} \u{A9}"),
            ("cdab", "c d a b"),
            ("ab\u{E9}", "a b \u{C3} \u{A9}"),
            ("\u{301}ab", "\u{CC} \u{123} a b"),
            ("\u{B2}ab\u{BD}", "\u{C2} \u{B2} ab* \u{C2} \u{BD}"),
            ("\u{24B6}ab", "\u{E2} \u{134} \u{B6} a b"),
            ("\u{663}ab", "\u{D9} \u{A3} a b"),
            ("ab\u{200D}", "a b \u{E2} \u{122} \u{12F}"),
            ("ab\u{203F}", "a b \u{E2} \u{122} \u{BF}"),
            ("\u{2160}ab", "\u{E2} \u{127} \u{142} a b"),
            ("\u{6F22}ab", "\u{E6} \u{BC} \u{A2} a b"),
            ("ab\u{1F600}", "ab* \u{F0} \u{141} \u{13A} \u{122}"),
        ] as [(String, String)])
    func tokens(text: String, expected: String) throws {
        let tokenizer = try Self.tokenizer()
        for tokenizer in [tokenizer, try tokenizer.written()] {
            let ids = try tokenizer.encode(text, special: .allowed)
            let tokens = ids.map { tokenizer.symbols(of: $0) + (tokenizer.specialToken($0) == nil ? "" : "*") }
            #expect(tokens.joined(separator: " ") == expected)
        }
    }

    @Test("Only a token that is found is refused")
    func refused() throws {
        let tokenizer = try Self.tokenizer()
        #expect(throws: TokenizerError.specialToken("ab", position: 1)) { try tokenizer.encode("-ab") }
        #expect(try tokenizer.encode("xab").count == 3)
        let others = SpecialTokenPolicy(allowed: .some(["bd"]), refused: .none)
        #expect(try tokenizer.encode("abd", special: others).count == 2, "a token that is plain text hides no other")
    }

    @Test("Bytes that are not valid UTF-8 are no word characters")
    func invalidBytes() throws {
        let tokenizer = try Self.tokenizer()
        for bytes: [UInt8] in [[0xFF, 0x61, 0x62], [0x61, 0x62, 0xC3], [0xA9, 0x61, 0x62, 0xA9]] {
            let ids = try tokenizer.encode(bytes: bytes, special: .allowed)
            #expect(ids.contains { tokenizer.specialToken($0)?.text == "ab" })
        }
    }
}
