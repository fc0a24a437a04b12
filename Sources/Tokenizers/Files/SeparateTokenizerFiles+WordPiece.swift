import StrictJSON

/// `vocab.txt` with the options of `tokenizer_config.json`, as transformers' `BertTokenizer` reads them.
extension SeparateTokenizerFiles {
    /// The types of models whose tokenizer is BERT's if no class is given.
    private static let bertModels: Set<String> = [
        "bert", "convbert", "distilbert", "electra", "megatron-bert", "nomic_bert", "squeezebert",
    ]

    private static let bertClasses: Set<String> = [
        "BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer", "DistilBertTokenizerFast", "ElectraTokenizer",
        "ElectraTokenizerFast",
    ]

    func wordPieceTokenizer(_ configuration: JSONObject) throws(TokenizerError) -> any Tokenizer {
        try checkClass(configuration)
        let vocabulary = try wordPieceVocabulary()
        let named = try namedTokens(
            configuration,
            defaults: [
                ("unk_token", "[UNK]"), ("sep_token", "[SEP]"), ("pad_token", "[PAD]"), ("cls_token", "[CLS]"),
                ("mask_token", "[MASK]"),
            ])
        let added = try added(configuration, named, vocabulary)
        func token(_ role: String) throws(TokenizerError) -> JSON {
            guard let content = named.first(where: { $0.role == role })?.content else {
                throw .unsupported(
                    file: "\(directory)/\(TokenizerFile.configurationName)",
                    reason: "it has no \(role), without which a text has no template; add one")
            }
            return content
        }
        let classification = try token("cls_token"), separator = try token("sep_token")
        func id(_ token: JSON) -> JSON { added.first { $0["content"] == token }?["id"] ?? .null }
        let stripsAccents = configuration["strip_accents"].map { !$0.isNull } ?? false
        let root: JSON = [
            "normalizer": [
                "type": "BertNormalizer", "clean_text": true,
                "handle_chinese_chars": .bool(try flag("tokenize_chinese_chars", configuration, default: true)),
                "strip_accents": stripsAccents ? .bool(try flag("strip_accents", configuration)) : .null,
                "lowercase": .bool(try flag("do_lower_case", configuration, default: true)),
            ],
            "pre_tokenizer": ["type": "BertPreTokenizer"],
            "post_processor": [
                "type": "BertProcessing", "cls": [classification, id(classification)],
                "sep": [separator, id(separator)],
            ],
            "decoder": ["type": "WordPiece", "prefix": "##", "cleanup": true],
            "added_tokens": .array(added),
            "model": [
                "type": "WordPiece", "vocab": .object(vocabulary), "unk_token": try token("unk_token"),
                "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
            ],
        ]
        return try TokenizerReader(file: "\(directory)/\(Self.wordPieceName)", root: root).tokenizer()
    }

    private func checkClass(_ configuration: JSONObject) throws(TokenizerError) {
        if let value = configuration["tokenizer_class"], !value.isNull {
            guard let name = value.stringValue, Self.bertClasses.contains(name) else {
                throw .unsupported(
                    file: "\(directory)/\(TokenizerFile.configurationName)",
                    reason:
                        "its tokenizer_class is \(value.shown); with a \(Self.wordPieceName) and without a \(TokenizerFile.name), "
                        + "only BertTokenizer, DistilBertTokenizer and ElectraTokenizer are supported")
            }
            return
        }
        guard let modelType, Self.bertModels.contains(modelType) else {
            throw .unsupported(
                file: "\(directory)/\(Self.wordPieceName)",
                reason:
                    "its kind is not known; add a \(TokenizerFile.name), or a \(TokenizerFile.configurationName) with the "
                    + "tokenizer_class BertTokenizer")
        }
    }

    /// The tokens of `vocab.txt`: one on each line, whose number from 0 is its id. The last of several equal lines counts. Lines
    /// end as in Python: with a line feed, a carriage return or both.
    private func wordPieceVocabulary() throws(TokenizerError) -> JSONObject {
        guard let bytes = contents[Self.wordPieceName] else { throw failure(Self.wordPieceName, "it is missing") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw failure(Self.wordPieceName, "it is not valid UTF-8")
        }
        let lineFeed = UInt8(ascii: "\n"), carriageReturn = UInt8(ascii: "\r")
        var vocabulary = JSONObject()
        var id = 0
        let utf8 = Array(text.utf8)
        var start = 0
        while start < utf8.count {
            let end = utf8[start...].firstIndex { $0 == lineFeed || $0 == carriageReturn } ?? utf8.count
            vocabulary[String(decoding: utf8[start..<end], as: UTF8.self)] = .int(id)
            id += 1
            start = end + 1
            if end + 1 < utf8.count, utf8[end] == carriageReturn, utf8[end + 1] == lineFeed { start += 1 }
        }
        return vocabulary
    }
}
