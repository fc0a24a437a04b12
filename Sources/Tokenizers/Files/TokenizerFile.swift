import StrictJSON

/// Tokenizers as files: `tokenizer.json` and `tokenizer_config.json`, as Hugging Face's libraries read and write them.
///
/// In these files, a character vocabulary is a byte-pair model without merges, which looks up one scalar after another. A byte
/// vocabulary is the same after a step that converts each byte to a visible character; with merges, that is a byte-level
/// byte-pair encoding. `tokenizers` and `transformers` encode and decode with these files exactly as this module.
public enum TokenizerFile {
    /// The name of the file with the vocabulary.
    public static let name = "tokenizer.json"

    /// The name of the file with the settings that transformers loads it with.
    public static let configurationName = "tokenizer_config.json"

    /// The contents of the `tokenizer.json` of `tokenizer`.
    /// - Throws: `TokenizerError.unwritable` for a tokenizer that cannot be represented in it.
    public static func contents(for tokenizer: any Tokenizer) throws(TokenizerError) -> String {
        try json(for: tokenizer).serialized(pretty: true)
    }

    /// The contents of the `tokenizer_config.json` of `tokenizer`.
    /// - Parameters:
    ///   - tokenizer: the tokenizer.
    ///   - specialTokens: the texts of special tokens by their names, such as `bos_token`. If they are given, special tokens in a
    ///     text are encoded as such. With nil they are plain text, and the end-of-text token begins and ends a text; those of
    ///     WordPiece have the names that BERT's have.
    ///   - contextLength: the maximum number of tokens of the model's input.
    ///   - chatTemplate: the template of conversations, in Jinja.
    ///   - inputNames: the names of the model's inputs; nil for those that a version of transformers assumes.
    public static func configuration(
        for tokenizer: any Tokenizer, specialTokens: [String: String]? = nil, contextLength: Int? = nil,
        chatTemplate: String? = nil, inputNames: [String]? = nil
    ) -> String {
        var object = JSONObject()
        object["chat_template"] = chatTemplate.map(JSON.string)
        if let specialTokens {
            for (name, text) in specialTokens.sorted(by: { $0.key < $1.key }) { object[name] = .string(text) }
        } else if case .wordPiece(let tokenizer) = tokenizer.form {
            for (name, text) in tokenizer.bertRoles { object[name] = .string(text) }
            object["unk_token"] = .string(tokenizer.unknownToken.text)
        } else if tokenizer.endOfText != nil {
            object["bos_token"] = .string(endOfTextSpelling)
            object["eos_token"] = .string(endOfTextSpelling)
        }
        // Otherwise some versions remove spaces before punctuation when decoding.
        object["clean_up_tokenization_spaces"] = false
        object["model_input_names"] = inputNames.map { .array($0.map(JSON.string)) }
        object["model_max_length"] = contextLength.map(JSON.int)
        // The letters of <|endoftext|> in a text are encoded as text, not as the token. Of WordPiece, [MASK] in a text is meant.
        let isWordPiece = if case .wordPiece = tokenizer.form { true } else { false }
        if specialTokens == nil, !isWordPiece { object["split_special_tokens"] = true }
        // Without it transformers derives a class from the model's, which may drop spaces and newlines.
        object["tokenizer_class"] = "PreTrainedTokenizerFast"
        return JSON.object(object).serialized(pretty: true)
    }

    // MARK: - Writing

    private static func json(for tokenizer: any Tokenizer) throws(TokenizerError) -> JSON {
        let symbols: [Unicode.Scalar]
        let preTokenizer: JSON
        let decoder: JSON
        switch tokenizer.form {
        case .bytePairs(let tokenizer): return try BPEWriter(tokenizer: tokenizer).json()
        case .wordPiece(let tokenizer): return try WordPieceWriter(tokenizer: tokenizer).json()
        case .characters(let tokenizer):
            symbols = tokenizer.alphabet
            preTokenizer = nil
            decoder = ["type": "Fuse"]
        case .bytes:
            symbols = ByteSymbols.scalars
            preTokenizer = byteLevel(usesExpression: false)
            decoder = byteLevel(usesExpression: false)
        case .other:
            throw .unwritable(kind: tokenizer.kind)
        }

        var vocabulary = JSONObject()
        for (id, symbol) in symbols.enumerated() { vocabulary[String(symbol)] = .int(id) }
        for token in tokenizer.specialTokens { vocabulary[token.text] = .int(Int(token.id)) }
        return [
            "version": "1.0", "truncation": nil, "padding": nil,
            "added_tokens": .array(tokenizer.specialTokens.map(\.json)), "normalizer": nil,
            "pre_tokenizer": preTokenizer, "post_processor": try tokenizer.postProcessor(), "decoder": decoder,
            "model": [
                "type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil,
                "end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                "vocab": .object(vocabulary), "merges": [],
            ],
        ]
    }

    /// The step that converts bytes to visible characters, and splits them by GPT-2's regular expression or not at all.
    /// - Parameters:
    ///   - usesExpression: whether it splits.
    ///   - addsPrefixSpace: whether it puts a space before a text that does not begin with one.
    static func byteLevel(usesExpression: Bool, addsPrefixSpace: Bool = false) -> JSON {
        [
            "type": "ByteLevel", "add_prefix_space": .bool(addsPrefixSpace), "trim_offsets": true,
            "use_regex": .bool(usesExpression),
        ]
    }

    // MARK: - Reading

    /// The tokenizer that the contents of a `tokenizer.json` describe; `file` is its name in errors.
    ///
    /// Character, byte, byte-pair and WordPiece vocabularies are supported, also if another program wrote them; byte pairs with
    /// the patterns of `SplitPattern`, WordPiece with BERT's normalization and splitting.
    /// - Throws: `TokenizerError.unreadable` if the file is invalid, `TokenizerError.unsupported` if it has any other feature that
    ///   affects ids.
    public static func tokenizer(from contents: [UInt8], file: String = name) throws(TokenizerError) -> any Tokenizer {
        let root: JSON
        do {
            root = try JSON(parsing: contents)
        } catch {
            throw .unreadable(file: file, reason: "it is not a tokenizer.json: \(error)")
        }
        return try TokenizerReader(file: file, root: root).tokenizer()
    }
}
