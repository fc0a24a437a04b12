import StrictJSON

/// Tokenizers as files: `tokenizer.json` and `tokenizer_config.json` as Hugging Face's libraries read and write them.
///
/// There a character vocabulary is a byte-pair model without merges, which looks up one scalar after another;
/// a byte vocabulary is the same behind a step that writes each byte as a visible character, and with merges that is a
/// byte-level byte-pair encoding. `tokenizers` and
/// `transformers` encode and decode with these files exactly as we do.
public enum TokenizerFile {
    /// The name of the file with the vocabulary.
    public static let name = "tokenizer.json"

    /// The name of the file that tells transformers how to load it.
    public static let configurationName = "tokenizer_config.json"

    /// The contents of a `tokenizer.json` for `tokenizer`. Throws for a kind that has no such form.
    public static func contents(for tokenizer: any Tokenizer) throws(TokenizerError) -> String {
        try json(for: tokenizer).serialized(pretty: true)
    }

    /// The contents of the `tokenizer_config.json` beside it; `contextLength` is the most tokens the model takes.
    public static func configuration(for tokenizer: any Tokenizer, contextLength: Int? = nil) -> String {
        var object = JSONObject()
        if tokenizer.endOfText != nil {
            object["bos_token"] = .string(endOfTextSpelling)
            object["eos_token"] = .string(endOfTextSpelling)
        }
        // Else some versions remove the spaces before punctuation from what they decode.
        object["clean_up_tokenization_spaces"] = false
        object["model_max_length"] = contextLength.map(JSON.int)
        // A text in which the letters of <|endoftext|> stand holds those letters, not the token.
        object["split_special_tokens"] = true
        // Without the name transformers guesses a class from the model, whose own rules drop spaces and newlines.
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
        var addedTokens: [JSON] = []
        if let id = tokenizer.endOfText {
            vocabulary[endOfTextSpelling] = .int(Int(id))
            addedTokens.append([
                "id": .int(Int(id)), "content": .string(endOfTextSpelling), "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true,
            ])
        }
        return [
            "version": "1.0", "truncation": nil, "padding": nil, "added_tokens": .array(addedTokens),
            "normalizer": nil, "pre_tokenizer": preTokenizer, "post_processor": nil, "decoder": decoder,
            "model": [
                "type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil,
                "end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                "vocab": .object(vocabulary), "merges": [],
            ],
        ]
    }

    /// Bytes as visible characters, with no space put before the text, cut by GPT-2's regular expression or not at all.
    static func byteLevel(usesExpression: Bool) -> JSON {
        ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": .bool(usesExpression)]
    }

    // MARK: - Reading

    /// The tokenizer that the contents of a `tokenizer.json` describe; `file` is what errors call it.
    ///
    /// Character, byte and byte-pair vocabularies are read, also those others made: of byte pairs those that cut texts by
    /// one of our patterns. Anything else in the file that would change what a text encodes to is refused by name.
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
