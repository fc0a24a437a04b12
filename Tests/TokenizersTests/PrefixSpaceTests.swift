import StrictJSON
import Testing
import Tokenizers

/// `add_prefix_space`: what Hugging Face's tokenizers 0.23 gives for the same files, with NFC.
@Suite struct PrefixSpaces {
    enum Form { case texts, whole, pretokens }

    private static func tokenizer(_ form: Form) throws -> BPETokenizer {
        let preTokenizer =
            switch form {
            case .texts: TokenizerJSON.byteLevel(prefix: true)
            case .whole: TokenizerJSON.byteLevel(prefix: true, usesExpression: false)
            case .pretokens: TokenizerJSON.split(TokenizerJSON.llama3, prefix: true)
            }
        return try TokenizerJSON(
            preTokenizer: preTokenizer, normalizer: ["type": "NFC"],
            added: [
                ("<|e|>", ["special"]), ("<n>", ["special", "normalized"]), ("<l>", ["special", "lstrip"]),
                ("<r>", ["special", "rstrip"]),
            ]
        ).read()
    }

    @Test(
        "Tokens and the characters they are from",
        arguments: [
            (.texts, "", []),
            (.texts, "the", ["\u{120}the 0 3"]),
            (.texts, " the", ["\u{120}the 0 4"]),
            (.texts, "  the", ["\u{120} 0 1", "\u{120}the 1 5"]),
            (.texts, "\nthe", ["\u{120} 0 1", "\u{10A} 0 1", "the 1 4"]),
            (
                .texts, "the<|e|>the<|e|> the",
                ["\u{120}the 0 3", "<|e|> 3 8", "\u{120}the 8 11", "<|e|> 11 16", "\u{120}the 16 20"]
            ),
            (.texts, "<n>the<n> the", ["<n> 0 3", "\u{120}the 3 6", "<n> 6 9", "\u{120}the 9 13"]),
            (.texts, "the <l>the", ["\u{120}the 0 3", "<l> 3 7", "\u{120}the 7 10"]),
            (.texts, "<r> the", ["<r> 0 4", "\u{120}the 4 7"]),
            (.texts, "\u{E9}x", ["\u{120} 0 1", "\u{C3} 0 1", "\u{A9} 0 1", "x 1 2"]),
            (.texts, "\u{A0}the", ["\u{120} 0 1", "\u{C2} 0 1", "\u{142} 0 1", "the 1 4"]),
            (.texts, "the the\nthe", ["\u{120}the 0 3", "\u{120}the 3 7", "\u{10A} 7 8", "the 8 11"]),
            (.texts, "12the,the", ["\u{120} 0 1", "1 0 1", "2 1 2", "the 2 5", ", 5 6", "the 6 9"]),
            (.whole, "", []),
            (.whole, "the", ["\u{120}the 0 3"]),
            (.whole, " the", ["\u{120}the 0 4"]),
            (.whole, "  the", ["\u{120} 0 1", "\u{120}the 1 5"]),
            (.whole, "\nthe", ["\u{120} 0 1", "\u{10A} 0 1", "the 1 4"]),
            (
                .whole, "the<|e|>the<|e|> the",
                ["\u{120}the 0 3", "<|e|> 3 8", "\u{120}the 8 11", "<|e|> 11 16", "\u{120}the 16 20"]
            ),
            (.whole, "<n>the<n> the", ["<n> 0 3", "\u{120}the 3 6", "<n> 6 9", "\u{120}the 9 13"]),
            (.whole, "the <l>the", ["\u{120}the 0 3", "<l> 3 7", "\u{120}the 7 10"]),
            (.whole, "<r> the", ["<r> 0 4", "\u{120}the 4 7"]),
            (.whole, "\u{E9}x", ["\u{120} 0 1", "\u{C3} 0 1", "\u{A9} 0 1", "x 1 2"]),
            (.whole, "\u{A0}the", ["\u{120} 0 1", "\u{C2} 0 1", "\u{142} 0 1", "the 1 4"]),
            (.whole, "the the\nthe", ["\u{120}the 0 3", "\u{120}the 3 7", "\u{10A} 7 8", "the 8 11"]),
            (.whole, "12the,the", ["\u{120} 0 1", "1 0 1", "2 1 2", "the 2 5", ", 5 6", "the 6 9"]),
            (.pretokens, "", []),
            (.pretokens, "the", ["\u{120}the 0 3"]),
            (.pretokens, " the", ["\u{120}the 0 4"]),
            (.pretokens, "  the", ["\u{120} 0 1", "\u{120}the 1 5"]),
            (.pretokens, "\nthe", ["\u{120} 0 1", "\u{10A} 0 1", "\u{120}the 1 4"]),
            (
                .pretokens, "the<|e|>the<|e|> the",
                ["\u{120}the 0 3", "<|e|> 3 8", "\u{120}the 8 11", "<|e|> 11 16", "\u{120}the 16 20"]
            ),
            (.pretokens, "<n>the<n> the", ["<n> 0 3", "\u{120}the 3 6", "<n> 6 9", "\u{120}the 9 13"]),
            (.pretokens, "the <l>the", ["\u{120}the 0 3", "<l> 3 7", "\u{120}the 7 10"]),
            (.pretokens, "<r> the", ["<r> 0 4", "\u{120}the 4 7"]),
            (.pretokens, "\u{E9}x", ["\u{120} 0 1", "\u{C3} 0 1", "\u{A9} 0 1", "x 1 2"]),
            (.pretokens, "\u{A0}the", ["\u{120} 0 1", "\u{C2} 0 1", "\u{142} 0 1", "the 1 4"]),
            (
                .pretokens, "the the\nthe",
                ["\u{120}the 0 3", "\u{120}the 3 7", "\u{120} 7 8", "\u{10A} 7 8", "\u{120}the 8 11"]
            ),
            (
                .pretokens, "12the,the",
                ["\u{120} 0 1", "1 0 1", "2 1 2", "\u{120}the 2 5", "\u{120} 5 6", ", 5 6", "the 6 9"]
            ),
        ] as [(Form, String, [String])])
    func tokens(form: Form, text: String, expected: [String]) throws {
        let tokenizer = try Self.tokenizer(form)
        for tokenizer in [tokenizer, try tokenizer.written()] {
            let tokens = try tokenizer.encodeWithOffsets(text, special: .allowed)
            #expect(
                tokens.map { "\(tokenizer.symbols(of: $0.id)) \($0.scalars.lowerBound) \($0.scalars.upperBound)" }
                    == expected)
            #expect(try tokenizer.encode(text, special: .allowed) == tokens.map(\.id))
            #expect(
                try tokenizer.count(text, special: .allowed, addingSpecialTokens: false) == tokens.count)
        }
    }

    @Test("The space comes before the normalized text", arguments: [Form.texts, .whole, .pretokens])
    func normalized(form: Form) throws {
        let tokenizer = try Self.tokenizer(form)
        let ids = try tokenizer.encode("\u{E9}<|e|>\u{E9}the", special: .allowed)
        let tokens = try tokenizer.encodeWithOffsets("e\u{301}<|e|>e\u{301}the", special: .allowed)
        #expect(tokens.map(\.id) == ids)
        #expect(tokens.map(\.scalars.lowerBound) == [0, 0, 0, 2, 7, 7, 7, 9])
    }

    @Test("A space that was added is decoded")
    func decoded() throws {
        let tokenizer = try Self.tokenizer(.texts)
        var decoder = StreamingDecoder(tokenizer)
        let ids = try tokenizer.encode("the<|e|>e", special: .allowed)
        #expect(ids.map { decoder.append($0) }.joined() + decoder.finish() == " the e")
        #expect(tokenizer.decode(ids) == " the e")
    }

    @Test("In parts the ids are those of the whole", arguments: [Form.texts, .whole, .pretokens])
    func parts(form: Form) throws {
        let tokenizer = try Self.tokenizer(form)
        let text = String(repeating: "the\nend of\n\nit, \u{E9}t\u{E9}\n the", count: 40)
        let whole = try tokenizer.encode(text, special: .plainText)
        let ids = try tokenizer.encodeOrdinary(text, partLength: 50) { count, body in (0..<count).forEach(body) }
        #expect(ids == whole)
        // A reader of blocks continues at split points.
        let bytes = Array(text.utf8)
        var start = 0, blocks: [Int32] = []
        while start < bytes.count {
            let rest = Array(bytes[start..<min(start + 60, bytes.count)])
            let split = rest.withUnsafeBufferPointer { tokenizer.splitPoint(in: $0) }
            let end = start + 60 < bytes.count ? split.map { start + $0 } ?? bytes.count : bytes.count
            blocks += try tokenizer.encode(bytes: Array(bytes[start..<end]), special: .plainText)
            start = end
        }
        #expect(form == .pretokens || blocks == whole)
    }

    @Test("A space before texts is written for GPT-2's pattern, and before pre-tokens for any other")
    func unwritable() throws {
        let vocabulary = try Self.tokenizer(.texts).vocabulary
        for pattern in SplitPattern.allCases where pattern != .gpt2 && pattern != .whole {
            let tokenizer = try BPETokenizer(vocabulary, pattern: pattern, prefixSpace: .texts)
            #expect(throws: TokenizerError.self) { try TokenizerFile.contents(for: tokenizer) }
        }
        for pattern in SplitPattern.allCases where pattern != .whole {
            let tokenizer = try BPETokenizer(vocabulary, pattern: pattern, prefixSpace: .pretokens).written()
            #expect(tokenizer.pattern == pattern && tokenizer.prefixSpace == .pretokens)
        }
    }
}
