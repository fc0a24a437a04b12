import StrictJSON
import TestSupport
import Testing
import Tokenizers

/// WordPiece in a `tokenizer.json`, and in `vocab.txt`: what tokenizers 0.23 and transformers 5.24 give for the same files.
@Suite struct WordPieceFileTests {
    private static let tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b", "c"]

    /// A `tokenizer.json` with some members, and members of its parts, replaced; null removes one.
    private static func json(_ changes: [(part: String?, key: String, value: JSON?)] = []) -> JSON {
        let vocabulary = JSON.object(JSONObject(tokens.enumerated().map { ($1, JSON.int($0)) }))
        var parts: [String: JSON] = [
            "normalizer": [
                "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": nil,
                "lowercase": true,
            ],
            "pre_tokenizer": ["type": "BertPreTokenizer"],
            "post_processor": ["type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]],
            "decoder": ["type": "WordPiece", "prefix": "##", "cleanup": true],
            "model": [
                "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": vocabulary,
            ],
        ]
        for change in changes {
            guard let part = change.part, var object = parts[part]?.objectValue else { continue }
            object[change.key] = change.value
            parts[part] = .object(object)
        }
        var object = JSONObject()
        for (key, value) in parts.sorted(by: { $0.key < $1.key }) { object[key] = value }
        object["added_tokens"] = .array(
            tokens.prefix(5).enumerated().map { ["id": .int($0), "content": .string($1), "special": true] })
        for change in changes where change.part == nil { object[change.key] = change.value }
        return .object(object)
    }

    private static func read(_ json: JSON) throws -> WordPieceTokenizer {
        try #require(
            try TokenizerFile.tokenizer(from: Array(json.serialized().utf8), file: "t.json") as? WordPieceTokenizer)
    }

    @Test("Written and read again it is the same, with every option")
    func roundTrip() throws {
        for bits in 0..<32 {
            let normalization = BertNormalization(
                cleansText: bits & 1 == 0, separatesChineseCharacters: bits & 2 == 0,
                stripsAccents: bits & 4 == 0 ? nil : bits & 8 == 0, lowercases: bits & 16 == 0)
            var added = SpecialToken("Foo", id: 8)
            (added.isControl, added.isNormalized, added.isWholeWord, added.stripsLeft) = (false, true, true, true)
            let tokenizer = try WordPieceTokenizer(
                WordPieceVocabulary(tokens: Self.tokens, continuingPrefix: bits & 1 == 0 ? "##" : "@"),
                normalization: bits == 31 ? nil : normalization, greatestWordLength: bits + 1,
                specialTokens: [SpecialToken("[CLS]", id: 2), SpecialToken("[SEP]", id: 3), added],
                template: bits & 2 == 0 ? TokenTemplate() : .bert(classification: 2, separator: 3),
                decoding: bits & 4 == 0 ? nil : WordPieceDecoding(prefix: "@", cleansUp: bits & 8 == 0))
            let contents = try TokenizerFile.contents(for: tokenizer)
            let again = try Self.read(JSON(parsing: contents))
            #expect(try TokenizerFile.contents(for: again) == contents)
            #expect(again.normalization == tokenizer.normalization && again.decoding == tokenizer.decoding)
            #expect(again.template == tokenizer.template && again.specialTokens == tokenizer.specialTokens)
            #expect(
                again.greatestWordLength == bits + 1
                    && again.vocabulary.continuingPrefix == tokenizer.vocabulary.continuingPrefix)
        }
    }

    @Test("BertProcessing is BERT's template, and a token beyond the vocabulary follows it")
    func parts() throws {
        let tokenizer = try Self.read(Self.json())
        #expect(tokenizer.template == .bert(classification: 2, separator: 3))
        #expect(tokenizer.specialTokens.map(\.id) == [0, 1, 2, 3, 4] && tokenizer.vocabularySize == 8)
        let pair = try tokenizer.encodePair("ab", "C x")
        #expect(pair.ids == [2, 5, 6, 3, 7, 1, 3] && pair.typeIDs == [0, 0, 0, 0, 1, 1, 1])
        let gap = try Self.read(
            Self.json([("model", "vocab", ["[UNK]": 1, "[SEP]": 3, "[CLS]": 2, "a": 9]), (nil, "added_tokens", [])]))
        #expect(gap.unassignedIDs == [0, 4, 5, 6, 7, 8] && gap.bytes(of: 4) == [])
    }

    @Test(
        "What would change ids is refused by name",
        arguments: [
            ("normalizer", "type", "Lowercase", "its normalizer is \"Lowercase\", which is not supported"),
            ("normalizer", "clean_text", nil, "its normalizer has no clean_text"),
            ("normalizer", "lowercase", 1, "its normalizer has lowercase 1, not true or false"),
            ("normalizer", "strip_accents", "yes", "its normalizer has strip_accents \"yes\", not true or false"),
            ("pre_tokenizer", "type", "Whitespace", "its pre_tokenizer is \"Whitespace\", which is not supported"),
            (nil, "pre_tokenizer", nil, "it has no pre_tokenizer, which is not supported for WordPiece"),
            (
                "post_processor", "type", "RobertaProcessing",
                "its post_processor is \"RobertaProcessing\", which is not supported"
            ),
            ("post_processor", "sep", [3], "its post_processor has no sep with a text and an id"),
            ("decoder", "type", "BPEDecoder", "its decoder is \"BPEDecoder\", which is not supported"),
            ("decoder", "cleanup", nil, "its decoder has no cleanup"),
            ("model", "type", "WordLevel", "its model is \"WordLevel\""),
            ("model", "unk_token", "[?]", "its unk_token \"[?]\" is not in its vocabulary"),
            ("model", "continuing_subword_prefix", nil, "its model has no continuing_subword_prefix"),
            ("model", "max_input_chars_per_word", -1, "its model has no max_input_chars_per_word"),
            ("model", "vocab", [], "its model has no vocab"),
            ("model", "vocab", ["[UNK]": 0, "a": 0], "have the same id 0"),
            (nil, "truncation", 5, "its truncation is a number, not an object"),
        ] as [(String?, String, JSON?, String)])
    func refusals(_ part: String?, _ key: String, _ value: JSON?, _ reason: String) throws {
        let bytes = Array(Self.json([(part, key, value)]).serialized().utf8)
        let error = try #require(throws: TokenizerError.self) {
            try TokenizerFile.tokenizer(from: bytes, file: "t.json")
        }
        #expect(error.description.hasPrefix("t.json: ") && error.description.contains(reason), "\(error)")
    }

    @Test("In tokenizer_config.json special tokens have BERT's names, and are found in texts")
    func configurationFile() throws {
        let configuration = try JSON(parsing: TokenizerFile.configuration(for: Self.read(Self.json())))
        #expect(
            configuration == [
                "cls_token": "[CLS]", "mask_token": "[MASK]", "pad_token": "[PAD]", "sep_token": "[SEP]",
                "unk_token": "[UNK]", "clean_up_tokenization_spaces": false,
                "tokenizer_class": "PreTrainedTokenizerFast",
            ])
    }

    // MARK: vocab.txt

    private static func files(
        _ vocabulary: String, _ configuration: JSON? = nil, modelType: String? = "bert", others: [String: JSON] = [:]
    ) -> SeparateTokenizerFiles {
        var contents = others.mapValues { Array($0.serialized().utf8) }
        contents["vocab.txt"] = Array(vocabulary.utf8)
        if let configuration { contents["tokenizer_config.json"] = Array(configuration.serialized().utf8) }
        return SeparateTokenizerFiles(contents, directory: "d", modelType: modelType)
    }

    private static let lines = tokens.joined(separator: "\n") + "\n"

    /// "a ab [MASK] É c", with special tokens.
    @Test(
        "The options of tokenizer_config.json",
        arguments: [
            (nil, [2, 5, 5, 6, 4, 1, 7, 3]),
            (["tokenizer_class": "BertTokenizerFast", "do_lower_case": false], [2, 5, 5, 6, 4, 1, 7, 3]),
            (["mask_token": nil], [2, 5, 5, 6, 1, 1, 1, 1, 7, 3]),
        ] as [(JSON?, [Int32])])
    func configuration(_ configuration: JSON?, _ ids: [Int32]) throws {
        let tokenizer = try Self.files(Self.lines, configuration).tokenizer()
        #expect(try tokenizer.encode("a ab [MASK] É c", special: .allowed, addingSpecialTokens: true) == ids)
    }

    @Test("do_lower_case, strip_accents and tokenize_chinese_chars are those of the normalization")
    func normalization() throws {
        let cases: [(JSON, BertNormalization)] = [
            (["do_lower_case": false], BertNormalization(lowercases: false)),
            (["strip_accents": false], BertNormalization(stripsAccents: false)),
            (
                ["strip_accents": nil, "tokenize_chinese_chars": false],
                BertNormalization(separatesChineseCharacters: false)
            ),
        ]
        for (configuration, expected) in cases {
            let tokenizer = try Self.files(Self.lines, configuration).tokenizer()
            #expect((tokenizer as? WordPieceTokenizer)?.normalization == expected)
        }
    }

    @Test("Lines end as in Python, the last of equal lines counts, and added tokens follow")
    func lines() throws {
        let without: JSON = ["pad_token": nil, "mask_token": nil]
        let tokenizer = try Self.files("[UNK]\r\na \n[SEP]\r[CLS]\na\n\nb\na", without).tokenizer()
        let read = try #require(tokenizer as? WordPieceTokenizer)
        #expect(read.vocabulary.token(1) == "a " && read.vocabulary.token(5) == "" && read.vocabulary.id(of: "a") == 7)
        #expect(read.unassignedIDs == [4])
        let names: JSON = [
            "unk_token": "<u>", "cls_token": "<s>", "sep_token": "</s>", "pad_token": nil, "mask_token": nil,
        ]
        let other = try Self.files("<u>\n<s>\n</s>\na\n", names, others: ["added_tokens.json": ["Foo": 4]]).tokenizer()
        #expect(try other.encode("a foo", special: .allowed, addingSpecialTokens: true) == [1, 3, 4, 2])
        // Tokens that the vocabulary lacks get the next ids, as in transformers.
        let few = try Self.files("[PAD]\n[UNK]\na\n").tokenizer()
        #expect(few.specialTokens.map(\.text) == ["[PAD]", "[UNK]", "[SEP]", "[CLS]", "[MASK]"])
    }

    @Test(
        "Files that are not a BERT tokenizer's are refused",
        arguments: [
            ("a\n", nil, nil, "d/vocab.txt: its kind is not known"),
            (
                "a\n", ["tokenizer_class": "MPNetTokenizer"], "bert",
                "d/tokenizer_config.json: its tokenizer_class is \"MPNetTokenizer\""
            ),
            ("[UNK]\n", ["cls_token": nil], "bert", "d/tokenizer_config.json: it has no cls_token"),
            ("a\n", nil, "bert", "d/vocab.txt: its unk_token \"[UNK]\" is not in its vocabulary"),
            ("a\n", ["do_lower_case": "no"], "bert", "d/tokenizer_config.json: its do_lower_case is \"no\""),
            ("", nil, "bert", "d/vocab.txt: its vocabulary is empty"),
        ] as [(String, JSON?, String?, String)])
    func refusedFiles(_ vocabulary: String, _ configuration: JSON?, _ type: String?, _ reason: String) throws {
        let error = try #require(throws: TokenizerError.self) {
            try Self.files(vocabulary, configuration, modelType: type).tokenizer()
        }
        #expect(error.description.hasPrefix(reason), "\(error)")
    }
}
