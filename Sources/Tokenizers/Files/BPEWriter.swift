import StrictJSON

/// Writes a byte-pair encoding as the JSON of a `tokenizer.json`.
struct BPEWriter {
    let tokenizer: BPETokenizer

    func json() throws(TokenizerError) -> JSON {
        let merges = tokenizer.vocabulary.merges
        return [
            "version": "1.0", "truncation": nil, "padding": nil,
            // Of two special tokens with the same id, only the one that it decodes to can be written.
            "added_tokens": .array(
                tokenizer.specialTokens.filter { tokenizer.specialToken($0.id) == $0 }.map(\.json)),
            "normalizer": tokenizer.normalization == .nfc ? ["type": "NFC"] : nil,
            "pre_tokenizer": try preTokenizer(),
            "post_processor": try tokenizer.postProcessor(),
            "decoder": TokenizerFile.byteLevel(usesExpression: false),
            "model": [
                "type": "BPE", "dropout": nil, "unk_token": tokenizer.unknownToken.map(JSON.string) ?? .null,
                "continuing_subword_prefix": nil,
                "end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false,
                "ignore_merges": .bool(tokenizer.ignoresMerges), "vocab": try vocabulary(),
                "merges": .array(merges.map { .array([.string(symbols($0.left)), .string(symbols($0.right))]) }),
            ],
        ]
    }

    private func symbols(_ id: Int32) -> String { ByteSymbols.symbols(of: tokenizer.vocabulary.table.token(id)) }

    /// All tokens, including special ones, which Hugging Face's libraries would otherwise renumber.
    private func vocabulary() throws(TokenizerError) -> JSON {
        var object = JSONObject()
        for id in 0..<Int32(tokenizer.vocabularySize) {
            let symbol: String
            if let special = tokenizer.specialToken(id) {
                symbol = special.text
            } else {
                symbol = symbols(id)
                if symbol.isEmpty { continue }
            }
            guard object.append(symbol, .int(Int(id))) else {
                throw .unwritable(kind: "\(tokenizer.kind) in which \(quoted(symbol)) is two tokens")
            }
        }
        return .object(object)
    }

    private func preTokenizer() throws(TokenizerError) -> JSON {
        func byteLevel(usesExpression: Bool) -> JSON {
            TokenizerFile.byteLevel(usesExpression: usesExpression, addsPrefixSpace: tokenizer.prefixSpace != .none)
        }
        switch (tokenizer.pattern, tokenizer.prefixSpace) {
        case (.gpt2, .none), (.gpt2, .texts): return byteLevel(usesExpression: true)
        case (.whole, _): return byteLevel(usesExpression: false)
        case (_, .texts):
            throw .unwritable(
                kind: "\(tokenizer.kind) with a space before each text and a pattern other than GPT-2's")
        case (.gpt2, .pretokens), (.cl100k, _), (.llama3, _), (.qwen2, _), (.o200k, _):
            guard let expression = tokenizer.pattern.expressions.first else { throw .unwritable(kind: tokenizer.kind) }
            let split: JSON = [
                "type": "Split", "pattern": ["Regex": .string(expression)], "behavior": "Isolated", "invert": false,
            ]
            return [
                "type": "Sequence", "pretokenizers": [split, byteLevel(usesExpression: false)],
            ]
        }
    }
}
