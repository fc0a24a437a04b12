import StrictJSON
import TestSupport
import Testing
import Tokenizers

@Suite struct TokenizerFiles {
    @Test(arguments: ["", "ab", "\r\n \t\"\\é\u{301}\u{1F600}\0\u{FFFF}\u{10FFFF}<|endoftext|>"])
    func charactersRoundTrip(_ text: String) throws {
        let tokenizer = CharacterTokenizer(alphabetOf: [text])
        let contents = try TokenizerFile.contents(for: tokenizer)
        let read = try #require(try TokenizerFile.tokenizer(from: Array(contents.utf8)) as? CharacterTokenizer)
        #expect(read.alphabet == tokenizer.alphabet)
        #expect(read.endOfText == tokenizer.endOfText)
        #expect(try read.encode(text) == tokenizer.encode(text))
    }

    @Test func bytesRoundTrip() throws {
        let contents = try TokenizerFile.contents(for: ByteTokenizer())
        #expect(try TokenizerFile.tokenizer(from: Array(contents.utf8)) is ByteTokenizer)
        let vocabulary = try #require(try JSON(parsing: contents)["model"]?["vocab"]?.objectValue)
        // GPT-2's symbols for a newline, a space and the soft hyphen.
        for (symbol, byte) in [("Ċ", 10), ("Ġ", 32), ("!", 33), ("Ń", 173), ("ÿ", 255)] {
            #expect(vocabulary[symbol]?.intValue == byte)
        }
    }

    @Test func form() throws {
        let contents = try TokenizerFile.contents(for: CharacterTokenizer(alphabet: ["a", "\n"]))
        #expect(
            try JSON(parsing: contents)
                == JSON(
                    parsing: #"""
                        {"version": "1.0", "truncation": null, "padding": null,
                         "added_tokens": [{"id": 2, "content": "<|endoftext|>", "single_word": false, "lstrip": false,
                                           "rstrip": false, "normalized": false, "special": true}],
                         "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": {"type": "Fuse"},
                         "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                                   "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
                                   "ignore_merges": false, "vocab": {"\n": 0, "a": 1, "<|endoftext|>": 2}, "merges": []}}
                        """#))
        let configuration = TokenizerFile.configuration(for: ByteTokenizer(), contextLength: 64)
        #expect(
            try JSON(parsing: configuration) == [
                "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "clean_up_tokenization_spaces": false,
                "model_max_length": 64, "split_special_tokens": true, "tokenizer_class": "PreTrainedTokenizerFast",
            ])
    }

    /// Vocabularies of others: an order of their own, nothing reserved, or the reserved token only among the added.
    @Test(
        arguments: [
            (#"{"model": {"type": "BPE", "vocab": {"b": 0, "a": 1}, "merges": []}}"#, nil),
            (
                #"""
                {"added_tokens": [{"id": 2, "content": "<|endoftext|>", "special": true}],
                 "model": {"type": "BPE", "vocab": {"a": 1, "b": 0}, "merges": []}}
                """#, 2
            ),
        ] as [(String, Int32?)])
    func foreignVocabularies(_ contents: String, _ endOfText: Int32?) throws {
        let tokenizer = try TokenizerFile.tokenizer(from: Array(contents.utf8))
        #expect(try tokenizer.encode("ab") == [1, 0])
        #expect(tokenizer.endOfText == endOfText)
        #expect(tokenizer.vocabularySize == (endOfText == nil ? 2 : 3))
        let written = try TokenizerFile.contents(for: tokenizer)
        #expect(try TokenizerFile.tokenizer(from: Array(written.utf8)).encode("ab") == [1, 0])
    }

    private static func file(_ vocabulary: String, added: String = "[]", rest: String = "", model: String = "")
        -> String
    {
        #"{"added_tokens": \#(added), \#(rest) "model": {"type": "BPE", "vocab": \#(vocabulary), "merges": [] \#(model)}}"#
    }

    private static let endOfText = #"{"id": 1, "content": "<|endoftext|>", "special": true}"#

    @Test(arguments: [
        ("", "it is not a tokenizer.json: line 1, column 1: expected a value"),
        ("[]", "it is not a tokenizer.json: expected an object"), ("{}", "it is not a tokenizer.json: it has no model"),
        (#"{"model": []}"#, "no model"), (file("{}"), "vocabulary is empty"),
        (
            file("{}", rest: #""pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},"#),
            "vocabulary is empty"
        ),
        (#"{"model": {"vocab": {}}}"#, "no type"),
        (#"{"model": {"type": "BPE", "vocab": {}}}"#, "merges"),
        (#"{"model": {"type": "BPE", "merges": []}}"#, "no vocab"),
        (#"{"model": {"type": "Unigram"}}"#, "\"Unigram\""), (#"{"model": {"type": "WordLevel"}}"#, "\"WordLevel\""),
        (#"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a a"]}}"#, "1 merges and no pre_tokenizer"),
        (file(#"{"a": 0, "a": 1}"#), "occurs twice"), (file(#"{"a": 0, "b": 0}"#), "same id 0"),
        (file(#"{"a": 0, "b": 2}"#), "id of \"b\" is 2"), (file(#"{"a": -1}"#), "id of \"a\" is -1"),
        (file(#"{"a": 0.5}"#), "id of \"a\" is a number"), (file(#"{"a": "0"}"#), "id of \"a\" is a string"),
        (file(#"{"ab": 0}"#), "not one character"), (file(#"{"": 0}"#), "not one character"),
        (file("{\"e\u{301}\": 0}"), "not one character"), (file(#"{"<|endoftext|>": 0}"#), "not one character"),
        (
            file(#"{"a": 0}"#, added: #"[{"id": 1, "content": "<s>", "special": false}]"#),
            "\"<s>\" is not marked special"
        ),
        (file(#"{"a": 0}"#, added: "[\(endOfText), \(endOfText)]"), "twice"),
        (file(#"{"a": 0}"#, added: #"[{"id": 1, "content": "<|endoftext|>"}]"#), "special"),
        (file(#"{"a": 0}"#, added: #"[{"content": "<|endoftext|>", "special": true}]"#), "no id"),
        (file(#"{"a": 0}"#, added: #"[{}]"#), "no content"), (file(#"{"a": 0}"#, added: #"{}"#), "an object"),
        (file(#"{"a": 0, "b": 1}"#, added: "[\(endOfText)]"), "has the id 1, not 2"),
        (file(#"{"a": 0, "<|endoftext|>": 1, "b": 2}"#, added: "[\(endOfText)]"), "must follow the 2 tokens"),
        (file(#"{"<|endoftext|>": 0, "a": 1}"#, added: "[\(endOfText)]"), "has the id 1, not 0"),
        (file(#"{"a": 0}"#, rest: #""normalizer": {"type": "NFC"},"#), "normalizer is \"NFC\""),
        (file(#"{"a": 0}"#, rest: #""pre_tokenizer": {"type": "Whitespace"},"#), "pre_tokenizer is \"Whitespace\""),
        (file(#"{"a": 0}"#, rest: #""post_processor": {"type": "TemplateProcessing"},"#), "no 'single'"),
        (file(#"{"a": 0}"#, rest: #""post_processor": {"type": "RobertaProcessing"},"#), "RobertaProcessing"),
        (
            file(
                #"{"a": 0}"#,
                rest: #"""
                    "post_processor": {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}},
                    {"SpecialToken": {"id": "e", "type_id": 0}}], "special_tokens": {"e": {"ids": [7]}}},
                    """#), "adds the id 7"
        ),
        (file(#"{"a": 0}"#, rest: #""decoder": {"type": "Metaspace"},"#), "decoder is \"Metaspace\""),
        (file(#"{"a": 0}"#, rest: #""decoder": 1,"#), "decoder has no type"),
        (file(#"{"a": 0}"#, model: #", "unk_token": "a""#), "unk_token"),
        (file(#"{"a": 0}"#, model: #", "dropout": 0.1"#), "dropout"),
        (file(#"{"a": 0}"#, model: #", "byte_fallback": true"#), "byte_fallback"),
        (file(#"{"a": 0}"#, rest: #""pre_tokenizer": {"type": "ByteLevel", "use_regex": false},"#), "add_prefix_space"),
        (
            file(#"{"a": 0}"#, rest: #""pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},"#),
            "no token for the byte 0"
        ),
        (
            file(
                #"{"a": 0}"#, added: "[\(endOfText)]",
                rest: #""pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false},"#),
            "there is no token for the byte 0"
        ),
    ])
    func refuses(_ contents: String, _ words: String) {
        let error = #expect(throws: TokenizerError.self) {
            try TokenizerFile.tokenizer(from: Array(contents.utf8), file: "model/tokenizer.json")
        }
        #expect(error?.description.hasPrefix("model/tokenizer.json: ") == true)
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("\n") == false)
    }

    @Test func survivesMutations() throws {
        var generator = SeededGenerator(seed: 5)
        for tokenizer in [CharacterTokenizer(alphabetOf: ["ab\u{E9}\n"]), ByteTokenizer()] as [any Tokenizer] {
            let valid = try Array(JSON(parsing: TokenizerFile.contents(for: tokenizer)).serialized().utf8)
            for _ in 0..<2_000 {
                guard let read = try? TokenizerFile.tokenizer(from: mutated(valid, using: &generator)) else { continue }
                _ = try? read.encode("ab\u{E9}\n", replacing: "a")
                _ = read.decode(-1...Int32(read.vocabularySize))
            }
            for length in 0..<valid.count {
                #expect(throws: TokenizerError.self) { try TokenizerFile.tokenizer(from: Array(valid[..<length])) }
            }
        }
    }
}
