import Files
import Inference
import Interchange
import Models
import StrictJSON
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite struct TranslatorTests {
    private let directory = TemporaryDirectory()

    private static func makeTokenizer() throws -> any Tokenizer {
        try CharacterTokenizer(alphabetOf: ["abcdefgh "]).adding(.marian)
    }

    private static func makeModel(seed: UInt64 = 5) throws -> EncoderDecoder {
        let tokenizer = try makeTokenizer(), padding = try #require(tokenizer.paddingID)
        return EncoderDecoder(
            EncoderDecoderConfiguration(
                vocabularySize: tokenizer.vocabularySize, contextLength: 12, width: 16,
                encoder: .init(layers: 1, heads: 2, feedForwardWidth: 32),
                decoder: .init(layers: 1, heads: 2, feedForwardWidth: 32), startToken: padding, endToken: padding + 1,
                paddingToken: padding), seed: seed)
    }

    /// Saves a model, with other members in its generation_config.json.
    private func save(_ members: [String: JSON] = [:], without removed: [String] = []) throws -> String {
        let path = directory.file("model"), model = try Self.makeModel()
        let tokenizer = try Self.makeTokenizer()
        try ModelDirectory.save(
            model, tokenizer: tokenizer,
            description: ModelDescription(for: tokenizer, of: .encoderDecoder(model.configuration)), to: path)
        let file = "\(path)/generation_config.json"
        var object = try #require(try JSON(parsing: Fixtures.bytes(file)).objectValue)
        for (key, value) in members { object[key] = value }
        for key in removed { object[key] = nil }
        try directory.write(Array(JSON.object(object).serialized().utf8), to: "model/generation_config.json")
        return path
    }

    private func makeTranslator(_ members: [String: JSON] = [:], without removed: [String] = []) throws -> Translator {
        try Translator(ModelDirectory.load(save(members, without: removed), acceptingEdits: true))
    }

    private static let texts = ["abc", "", "h", "a b c d e", "hgfedcba", "aaaaaaaaaaa", "bad"]

    @Test("Translations are those of the model, and do not depend on one another", arguments: [1, 3])
    func translations(beams: Int) throws {
        var translator = try makeTranslator()
        translator.settings.beams = beams
        let tokenizer = try Self.makeTokenizer(), model = try Self.makeModel(), end = model.configuration.endToken
        let together = try translator.translate(Self.texts)
        for (text, translation) in zip(Self.texts, together) {
            #expect(try translator.translate(text) == translation)
            let source = try tokenizer.encodeOrdinary(text) + [end]
            let target = model.translate(source, settings: translator.settings, banned: [[end - 1], [9]])
            #expect(tokenizer.decode(target) == translation)
        }
        #expect(Set(together).count > 1)
    }

    @Test(
        "The settings of the search are those of generation_config.json",
        arguments: [
            ([:], [], .init(maximumLength: 12)),
            ([:], ["max_new_tokens", "forced_eos_token_id"], .init(maximumLength: 12, forcesEnd: false)),
            (
                ["num_beams": 4, "length_penalty": 0.6, "early_stopping": true, "max_length": 7],
                ["max_new_tokens"],
                .init(beams: 4, lengthPenalty: 0.6, stopsEarly: true, maximumLength: 6)
            ),
            (["max_new_tokens": 5, "renormalize_logits": true], [], .init(maximumLength: 5, renormalizes: true)),
            (["max_length": 500, "num_beams": nil, "min_length": 0], ["max_new_tokens"], .init(maximumLength: 12)),
        ] as [([String: JSON], [String], BeamSearchSettings)])
    func settings(_ members: [String: JSON], _ removed: [String], _ expected: BeamSearchSettings) throws {
        #expect(try makeTranslator(members, without: removed).settings == expected)
    }

    @Test(
        "What changes which targets are found and is not supported is an error that names it",
        arguments: [
            ("num_beams", 0, "num_beams is a number (0)"), ("early_stopping", "never", "early_stopping = \"never\""),
            ("no_repeat_ngram_size", 3, "no_repeat_ngram_size = 3 is not supported"),
            ("repetition_penalty", 1.2, "repetition_penalty = 1.2"),
            ("forced_eos_token_id", 3, "forced_eos_token_id is 3"),
            ("decoder_start_token_id", 0, "decoder_start_token_id is 0"),
            ("eos_token_id", [10, 11], "eos_token_id is 10, 11"),
            ("bad_words_ids", [1], "bad_words_ids"), ("bad_words_ids", [[]], "bad_words_ids"),
            ("bad_words_ids", [[-1]], "bad_words_ids"), ("length_penalty", "1", "length_penalty"),
        ] as [(String, JSON, String)])
    func unsupported(_ key: String, _ value: JSON, _ words: String) throws {
        let error = #expect(throws: ModelError.self) { try makeTranslator([key: value]) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("generation_config.json") == true)
    }

    @Test("Tokens and sequences of bad_words_ids are in no translation")
    func banned() throws {
        let translator = try makeTranslator(), tokenizer = try Self.makeTokenizer()
        let text = try #require(try Self.texts.first { try !translator.translate($0).isEmpty })
        let first = try #require(try translator.translate(text).first)
        let id = try tokenizer.encode(String(first))[0]
        let padding = try #require(tokenizer.paddingID)
        func translation(without banned: JSON) throws -> String {
            try makeTranslator(["bad_words_ids": banned]).translate(text)
        }
        let without = try translation(without: [[.int(Int(padding))], [.int(Int(id))]])
        #expect(!without.contains(first))
        // After the start token, where the first token of a target is.
        let later = try translation(without: [[.int(Int(padding)), .int(Int(id))]])
        #expect(later.first != first)
    }

    @Test("A text that cannot be encoded, and a model that cannot translate, are refused in one line")
    func refusals() throws {
        let translator = try makeTranslator()
        #expect(throws: TranslationError.sourceTooLong(tokens: 13, limit: 12)) {
            try translator.translate("abcabcabcabc")
        }
        #expect(throws: TokenizerError.self) { try translator.translate("xyz") }
        #expect(try translator.translate("axb", replacing: "c") == translator.translate("acb"))
        let other = directory.file("other"), bytes = ByteTokenizer()
        try ModelDirectory.save(
            Transformer(
                TransformerConfiguration(vocabularySize: 257, contextLength: 8, layers: 1, heads: 1, width: 8), seed: 1),
            tokenizer: bytes, to: other)
        let error = #expect(throws: ModelError.self) { try Translator(ModelDirectory.load(other)) }
        #expect(error?.description.contains("which cannot translate; give a model that was trained on pairs") == true)
    }
}
