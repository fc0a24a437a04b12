import Interchange
import TestSupport
import Testing
import Tokenizers

@Suite struct MergedVocabularyTests {
    @Test("Characters become tokens of visible bytes, and merges that build them from the left")
    func characters() throws {
        let vocabulary = try GGUFVocabulary(
            CharacterTokenizer(alphabet: ["\n", "a", "\u{E9}", "\u{8336}", "\u{8337}"]))
        #expect(
            vocabulary.tokens == [
                "\u{10A}", "a", "\u{C3}\u{A9}", "\u{E8}\u{12E}\u{B6}", "\u{E8}\u{12E}\u{B7}", "<|endoftext|>",
            ])
        #expect(
            vocabulary.merges == [
                "\u{C3} \u{A9}", "\u{E8} \u{12E}", "\u{E8}\u{12E} \u{B6}", "\u{E8}\u{12E} \u{B7}",
            ])
        #expect(vocabulary.kinds == [.normal, .normal, .normal, .normal, .normal, .control])
        #expect(vocabulary.pattern == "gpt-2" && vocabulary.endOfText == 5 && !vocabulary.addsBeginning)
    }

    @Test("Each kind comes back as what it was")
    func roundTrip() throws {
        let published = try TokenizerFile.tokenizer(
            from: Fixtures.bytes(Fixtures.tokenizers + "/hf-bpe-512-tokenizer.json"))
        let text = "tea for 2\u{E9}\n\n  and \u{8336}\u{1F600}"
        let tokenizers: [any Tokenizer] = [CharacterTokenizer(alphabetOf: [text]), ByteTokenizer(), published]
        for tokenizer in tokenizers {
            let read = try GGUFVocabulary(tokenizer).tokenizer(file: "file")
            #expect(type(of: read) == type(of: tokenizer))
            #expect(read.vocabularySize == tokenizer.vocabularySize && read.endOfText == tokenizer.endOfText)
            #expect(try read.encode(text) == tokenizer.encode(text))
        }
    }

    @Test("Ids that are left out keep their places")
    func holes() throws {
        var tokens = (UInt8.min...UInt8.max).map { [$0] }
        tokens += [[], Array("ab".utf8), []]
        let tokenizer = try BPETokenizer(
            BPEVocabulary(tokens: tokens, merges: [Merge(left: 97, right: 98, result: 257)]), pattern: .qwen2,
            specialTokens: [SpecialToken("<|endoftext|>", id: 260)])
        let vocabulary = try GGUFVocabulary(tokenizer)
        #expect(vocabulary.tokens[256...] == ["[PAD256]", "ab", "[PAD258]", "[PAD259]", "<|endoftext|>"])
        #expect(vocabulary.kinds[256...] == [.unused, .normal, .unused, .unused, .control])
        #expect(vocabulary.merges == ["a b"] && vocabulary.pattern == "qwen2")
        let read = try vocabulary.tokenizer(file: "file")
        #expect(read.vocabularySize == 261 && read.bytes(of: 256).isEmpty)
        #expect(try read.encode("abc") == tokenizer.encode("abc"))
    }

    @Test("What cannot be is refused by a line that names the file")
    func refused() throws {
        let valid = try GGUFVocabulary(
            TokenizerFile.tokenizer(from: Fixtures.bytes(Fixtures.tokenizers + "/hf-bpe-512-tokenizer.json")))
        var changed: [(String, GGUFVocabulary)] = []
        func change(_ reason: String, _ body: (inout GGUFVocabulary) -> Void) {
            var vocabulary = valid
            body(&vocabulary)
            changed.append((reason, vocabulary))
        }
        change("split pattern \"bloom\"") { $0.pattern = "bloom" }
        change("occurs twice") { $0.tokens[300] = $0.tokens[299] }
        change("not in byte-level encoding") { $0.tokens[300] = "\u{8336}" }
        change("does not join two tokens") { $0.merges[3] = "nothing" }
        change("does not join two tokens") { $0.merges[3] = "q z" }
        change("byte fallback") { $0.kinds[299] = .byte }
        change("there is no token") { $0.kinds[$0.tokens.firstIndex(of: "Q") ?? 0] = .unused }
        for (reason, vocabulary) in changed {
            let error = #expect(throws: TokenizerError.self) { _ = try vocabulary.tokenizer(file: "a.gguf") }
            #expect(error?.description.hasPrefix("a.gguf: ") == true, "\(error?.description ?? "")")
            #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
        }
    }

    @Test("A pattern that llama.cpp lacks has no form")
    func noPattern() throws {
        let vocabulary = try BPEVocabulary(alphabet: .printable, merging: [])
        #expect(throws: TokenizerError.self) {
            _ = try GGUFVocabulary(BPETokenizer(vocabulary, pattern: .whole))
        }
    }

    @Test("A space before texts is kept, and is remarked as llama.cpp ignores it; one before pre-tokens is refused")
    func prefixSpace() throws {
        let vocabulary = try BPEVocabulary(alphabet: .printable, merging: [(220, 64)])
        let tokenizer = try BPETokenizer(vocabulary, pattern: .gpt2, prefixSpace: .texts)
        let stored = try GGUFVocabulary(tokenizer)
        #expect(stored.addsPrefixSpace && stored.remarks.count == 1)
        #expect(try stored.tokenizer(file: "file").encode("a") == [256])
        for pattern in [SplitPattern.gpt2, .llama3, .qwen2] {
            let error = #expect(throws: TokenizerError.self) {
                _ = try GGUFVocabulary(BPETokenizer(vocabulary, pattern: pattern, prefixSpace: .pretokens))
            }
            #expect(error?.description.contains("add_prefix_space") == true, "\(error?.description ?? "")")
        }
        // With another pattern, neither transformers nor llama.cpp adds the space that the key stands for.
        var other = stored
        other.pattern = "llama-bpe"
        #expect(try other.tokenizer(file: "file").encode("a") == [64])
    }

    @Test("That a token must be a whole word is remarked")
    func wholeWord() throws {
        var token = SpecialToken("the", id: 256)
        token.isWholeWord = true
        let vocabulary = try BPEVocabulary(alphabet: .printable, merging: [])
        let stored = try GGUFVocabulary(BPETokenizer(vocabulary, pattern: .gpt2, specialTokens: [token]))
        #expect(stored.remarks.count == 1 && stored.remarks.first?.contains("\"the\"") == true)
    }
}
