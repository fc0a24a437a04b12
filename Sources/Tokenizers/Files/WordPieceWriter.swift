import StrictJSON

/// Writes a WordPiece tokenizer as the JSON of a `tokenizer.json`.
struct WordPieceWriter {
    let tokenizer: WordPieceTokenizer

    func json() throws(TokenizerError) -> JSON {
        [
            "version": "1.0", "truncation": nil, "padding": nil,
            "added_tokens": .array(tokenizer.specialTokens.map(\.json)),
            "normalizer": normalizer,
            "pre_tokenizer": ["type": "BertPreTokenizer"],
            "post_processor": try tokenizer.postProcessor(),
            "decoder": decoder,
            "model": [
                "type": "WordPiece", "unk_token": .string(tokenizer.unknownToken.text),
                "continuing_subword_prefix": .string(tokenizer.vocabulary.continuingPrefix),
                "max_input_chars_per_word": .int(tokenizer.greatestWordLength), "vocab": try vocabulary(),
            ],
        ]
    }

    private var normalizer: JSON {
        guard let normalization = tokenizer.normalization else { return nil }
        return [
            "type": "BertNormalizer", "clean_text": .bool(normalization.cleansText),
            "handle_chinese_chars": .bool(normalization.separatesChineseCharacters),
            "strip_accents": normalization.stripsAccents.map(JSON.bool) ?? .null,
            "lowercase": .bool(normalization.lowercases),
        ]
    }

    private var decoder: JSON {
        guard let decoding = tokenizer.decoding else { return nil }
        return ["type": "WordPiece", "prefix": .string(decoding.prefix), "cleanup": .bool(decoding.cleansUp)]
    }

    /// The tokens of the model. Added tokens that it does not have are numbered after them by all readers, in the order of
    /// their ids.
    private func vocabulary() throws(TokenizerError) -> JSON {
        var object = JSONObject()
        for id in 0..<Int32(tokenizer.vocabulary.idCount) {
            guard let token = tokenizer.vocabulary.token(id) else { continue }
            guard object.append(token, .int(Int(id))) else {
                throw .unwritable(kind: "\(tokenizer.kind) in which \(quoted(token)) is two tokens")
            }
        }
        return .object(object)
    }
}
