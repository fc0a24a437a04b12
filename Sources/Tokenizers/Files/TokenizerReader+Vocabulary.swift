import StrictJSON

/// What the kinds of tokenizers with added tokens have in common: vocabulary and added tokens.
extension TokenizerReader {
    /// The tokens of a model as they are spelled, by id, and the ids by token.
    struct TokenSymbols {
        var byID: [Int32: String] = [:]
        var ids: [UTF8Key: Int32] = [:]
    }

    /// The vocabulary of a model.
    func tokenSymbols(_ model: JSON) throws(TokenizerError) -> TokenSymbols {
        guard let listed = model["vocab"]?.objectValue else { throw failure("its model has no vocab") }
        if listed.isEmpty { throw failure("its vocabulary is empty") }
        var symbols = TokenSymbols()
        symbols.byID.reserveCapacity(listed.count)
        symbols.ids.reserveCapacity(listed.count)
        for (symbol, value) in listed {
            guard let id = value.intValue else { throw failure("the id of \(quoted(symbol)) is \(value.kind)") }
            guard id >= 0, id < BPEVocabulary.greatestIDCount else {
                throw unsupported("the id of \(quoted(symbol)) is \(id), which is not supported")
            }
            if let other = symbols.byID.updateValue(symbol, forKey: Int32(id)) {
                throw failure("\(quoted(other)) and \(quoted(symbol)) have the same id \(id)")
            }
            symbols.ids[UTF8Key(symbol)] = Int32(id)
        }
        return symbols
    }

    // MARK: Added tokens

    /// The tokens that are added to those of the model, or found before it.
    func addedTokens(_ symbols: TokenSymbols) throws(TokenizerError) -> [SpecialToken] {
        guard let value = root["added_tokens"], !value.isNull else { return [] }
        guard let listed = value.arrayValue else { throw failure("its added_tokens are \(value.kind)") }
        var tokens: [SpecialToken] = []
        var greatest: Int?
        var seen = Set<UTF8Key>()
        for entry in listed {
            guard let content = entry["content"]?.stringValue, !content.isEmpty else {
                throw failure("an added token has no content")
            }
            guard let id = entry["id"]?.intValue else { throw failure("the added token \(quoted(content)) has no id") }
            guard seen.insert(UTF8Key(content)).inserted else { throw failure("\(quoted(content)) is added twice") }
            // Hugging Face's libraries number added tokens themselves, and ignore the id in the file.
            let given: Int
            if let listed = symbols.ids[UTF8Key(content)] {
                given = Int(listed)
            } else {
                given = max(symbols.ids.count, (greatest ?? -1) + 1)
            }
            guard id == given, id < BPEVocabulary.greatestIDCount else {
                throw failure("the added token \(quoted(content)) has the id \(id), not \(given)")
            }
            greatest = max(greatest ?? -1, id)
            func flag(_ key: String) throws(TokenizerError) -> Bool {
                try self.flag(key, of: entry, called: "the added token \(quoted(content))", default: false)
            }
            var token = SpecialToken(content, id: Int32(id))
            token.isControl = try flag("special")
            token.stripsLeft = try flag("lstrip")
            token.stripsRight = try flag("rstrip")
            token.isWholeWord = try flag("single_word")
            token.isNormalized = try flag("normalized")
            tokens.append(token)
        }
        return tokens
    }

    /// Throws if truncation or padding is not an object. transformers encodes without both, unless a call asks for them.
    func checkTruncationAndPadding() throws(TokenizerError) {
        for key in ["truncation", "padding"] {
            if let value = root[key], !value.isNull, value.objectValue == nil {
                throw failure("its \(key) is \(value.kind), not an object")
            }
        }
    }
}
