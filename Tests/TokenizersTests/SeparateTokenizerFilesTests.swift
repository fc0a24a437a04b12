import StrictJSON
import Testing
import Tokenizers

/// `vocab.json` and `merges.txt`: what transformers 5.24 gives for the same files.
@Suite struct SeparateFiles {
    private static func vocabulary(_ tokens: [String]) -> [UInt8] {
        Array(JSON.object(JSONObject(tokens.enumerated().map { ($1, JSON.int($0)) })).serialized().utf8)
    }

    private static let vocabulary = vocabulary(TokenizerJSON.tokens + ["<|endoftext|>"])

    private static func files(
        _ files: [String: JSON], modelType: String? = "gpt2", vocabulary: [UInt8] = vocabulary,
        merges: String = "#version: 0.2\nt h\nth e\n\u{120} the\n"
    ) -> SeparateTokenizerFiles {
        var contents = files.mapValues { Array($0.serialized().utf8) }
        contents["vocab.json"] = vocabulary
        contents["merges.txt"] = Array(merges.utf8)
        return SeparateTokenizerFiles(contents, directory: "d", modelType: modelType)
    }

    private static func encode(_ text: String, _ files: SeparateTokenizerFiles) throws -> [Int32] {
        try files.tokenizer().encode(text, special: .allowed, addingSpecialTokens: true)
    }

    @Test("The type of the model decides the pattern and the normalization, unless the class of the tokenizer does")
    func classes() throws {
        let text = "E\u{301} 12"
        let gpt2: [Int32] = [36, 136, 223, 220, 16, 17], qwen: [Int32] = [127, 231, 220, 16, 17]
        for (type, configuration, expected) in [
            ("gpt2", nil, gpt2), ("qwen2", nil, qwen), ("qwen3", nil, qwen),
            ("llama", "GPT2Tokenizer", gpt2), (nil, "Qwen2TokenizerFast", qwen), ("gpt2", "Qwen2Tokenizer", qwen),
        ] as [(String?, String?, [Int32])] {
            let files = configuration.map {
                ["tokenizer_config.json": ["tokenizer_class": .string($0)]] as [String: JSON]
            }
            let tokenizer = try Self.files(files ?? [:], modelType: type).tokenizer()
            #expect(try tokenizer.encode(text) == expected)
            guard case .bytePairs(let pairs) = tokenizer.form else { continue }
            #expect(pairs.pattern == (expected == gpt2 ? .gpt2 : .qwen2))
            #expect(tokenizer.endOfText == 259 && tokenizer.vocabularySize == 260)
        }
    }

    @Test("The text that the classes have in common")
    func ids() throws {
        #expect(try Self.encode("the the<|endoftext|> a", Self.files([:])) == [257, 258, 259, 220, 64])
        // Without it in the vocabulary, no token is added that the model has no row for.
        let tokenizer = try Self.files([:], vocabulary: Self.vocabulary(TokenizerJSON.tokens)).tokenizer()
        #expect(tokenizer.vocabularySize == 259 && tokenizer.specialTokens.isEmpty)
    }

    private static let prefix: JSON = ["tokenizer_class": "GPT2Tokenizer", "add_prefix_space": true]
    private static let both: JSON = [
        "tokenizer_class": "Qwen2Tokenizer", "add_prefix_space": true, "add_bos_token": true, "add_eos_token": true,
        "bos_token": "<|endoftext|>",
    ]

    @Test("Spaces and tokens that the configuration adds")
    func configuration() throws {
        #expect(
            try Self.encode("the the<|endoftext|>the", Self.files(["tokenizer_config.json": Self.prefix])) == [
                258, 258, 259, 258,
            ])
        let bos: JSON = ["add_bos_token": true]
        #expect(try Self.encode("the", Self.files(["tokenizer_config.json": bos])) == [259, 257])
        #expect(
            try Self.encode("the the<|endoftext|> a", Self.files(["tokenizer_config.json": Self.both]))
                == [259, 258, 258, 259, 220, 64, 259])
    }

    @Test("Added tokens of tokenizer_config.json")
    func decoder() throws {
        let listed: JSON = [
            "260": ["content": "<|im_start|>", "special": false],
            "259": ["content": "<|endoftext|>", "normalized": false, "special": true],
            "261": ["content": "<t>", "lstrip": true, "special": false],
        ]
        let configuration: JSON = [
            "added_tokens_decoder": listed, "eos_token": "<|im_start|>", "bos_token": nil, "unk_token": nil,
            "pad_token": ["__type": "AddedToken", "content": "<|endoftext|>", "normalized": true],
        ]
        // The other files are not read then.
        let files = Self.files(["tokenizer_config.json": configuration, "added_tokens.json": ["<x>": 262]])
        let tokenizer = try files.tokenizer()
        #expect(tokenizer.specialTokens.map(\.text) == ["<|endoftext|>", "<|im_start|>", "<t>"])
        #expect(tokenizer.specialTokens.map(\.isControl) == [true, true, false])
        #expect(tokenizer.specialTokens.map(\.isNormalized) == [false, false, true])
        #expect(try tokenizer.encode("<x>a <t>", special: .allowed) == [27, 87, 29, 64, 261])
    }

    @Test("Added tokens of added_tokens.json and special_tokens_map.json")
    func olderFiles() throws {
        let map: JSON = [
            "bos_token": ["content": "<x>", "lstrip": true, "normalized": true], "eos_token": "<|endoftext|>",
            "pad_token": "<p>",
        ]
        let files: [String: JSON] = ["added_tokens.json": ["<x>": 260, "<b>": 261], "special_tokens_map.json": map]
        let tokenizer = try Self.files(files).tokenizer()
        #expect(tokenizer.specialTokens.map(\.text) == ["<|endoftext|>", "<x>", "<b>", "<p>"])
        #expect(tokenizer.specialTokens.map(\.isControl) == [true, true, false, true])
        #expect(tokenizer.specialTokens.map(\.isNormalized) == [false, false, true, false])
        #expect(try tokenizer.encode("<x>the <x> the<b><p>", special: .allowed) == [260, 257, 220, 260, 258, 261, 262])
        let custom: JSON = ["image_token": "<x>", "additional_special_tokens": ["<y>"]]
        let named = try Self.files(["tokenizer_config.json": custom]).tokenizer()
        #expect(named.specialTokens.map(\.text) == ["<|endoftext|>", "<x>", "<y>"])
    }

    @Test(
        "What is wrong is said with the file",
        arguments: [
            (["tokenizer_config.json": ["tokenizer_class": "LlamaTokenizer"]], "\"LlamaTokenizer\""),
            (["tokenizer_config.json": []], "d/tokenizer_config.json: expected an object"),
            (["tokenizer_config.json": ["add_prefix_space": 1]], "its add_prefix_space is 1, not true or false"),
            (["tokenizer_config.json": ["eos_token": ["content": 3]]], "its eos_token is"),
            (["tokenizer_config.json": ["added_tokens_decoder": ["x": [:]]]], "\"x\" with an object"),
            (["added_tokens.json": ["<x>": "1"]], "d/added_tokens.json: the id of \"<x>\" is a string"),
            (["added_tokens.json": ["<x>": 300]], "has the id 300, not 260"),
        ] as [([String: JSON], String)])
    func refused(files: [String: JSON], words: String) {
        let error = #expect(throws: TokenizerError.self) { _ = try Self.files(files).tokenizer() }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    @Test(
        "So is a line of merges",
        arguments: [("t h\nth  e\n", "line 2"), ("t\n", "line 1"), ("t \u{6F22}\n", "\"\u{6F22}\"")])
    func merges(text: String, words: String) {
        let error = #expect(throws: TokenizerError.self) { _ = try Self.files([:], merges: text).tokenizer() }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    @Test("Without a known class or type the pattern is not known", arguments: [nil, "llama"])
    func unknown(type: String?) {
        let error = #expect(throws: TokenizerError.self) { _ = try Self.files([:], modelType: type).tokenizer() }
        guard case .unsupported = error else { Issue.record("\(error?.description ?? "")"); return }
    }
}
