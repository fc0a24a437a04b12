import StrictJSON

/// Finds out which tokenizer a `tokenizer.json` describes.
struct TokenizerReader {
    /// What errors call the file.
    let file: String
    let root: JSON

    func tokenizer() throws(TokenizerError) -> any Tokenizer {
        guard root.objectValue != nil else { throw failure("expected an object, found \(root.kind)") }
        guard let model = root["model"], model.objectValue != nil else { throw failure("it has no model") }
        try checkModel(model)
        try refuse("normalizer")

        let symbols = try symbols(of: model)
        switch try component("pre_tokenizer") {
        case nil:
            try check("post_processor", isOneOf: [])
            try check("decoder", isOneOf: ["Fuse"])
            return try characterTokenizer(symbols)
        case "ByteLevel":
            // As a post-processor it only moves the offsets that tokens report.
            try check("post_processor", isOneOf: ["ByteLevel"])
            try check("decoder", isOneOf: ["ByteLevel"])
            return try byteTokenizer(symbols)
        case let other?:
            throw failure("its pre_tokenizer is \(quoted(other)), which is not supported")
        }
    }

    // MARK: The parts of the file

    private func checkModel(_ model: JSON) throws(TokenizerError) {
        guard let type = model["type"]?.stringValue else { throw failure("its model has no type") }
        guard type == "BPE" else {
            throw failure("its model is \(quoted(type)); only character and byte vocabularies are supported")
        }
        guard let merges = model["merges"]?.arrayValue else { throw failure("its model has no list of merges") }
        guard merges.isEmpty else {
            throw failure(
                "its model is a trained BPE with \(merges.count) merges; only character and byte vocabularies are supported"
            )
        }
        for feature in ["dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"] {
            guard let value = model[feature], !value.isNull, value != "" else { continue }
            throw failure("its model has \(feature) \(value.serialized()), which is not supported")
        }
        if model["byte_fallback"]?.boolValue == true {
            throw failure("its model has byte_fallback, which is not supported")
        }
    }

    /// The type of the component called `key`; `nil` where it is null or absent.
    private func component(_ key: String) throws(TokenizerError) -> String? {
        guard let value = root[key], !value.isNull else { return nil }
        guard let type = value["type"]?.stringValue else { throw failure("its \(key) has no type") }
        return type
    }

    private func refuse(_ key: String) throws(TokenizerError) { try check(key, isOneOf: []) }

    /// Throws unless the component called `key` is absent or of one of the `types`.
    private func check(_ key: String, isOneOf types: [String]) throws(TokenizerError) {
        if let type = try component(key), !types.contains(type) {
            throw failure("its \(key) is \(quoted(type)), which is not supported")
        }
    }

    /// A vocabulary in the order of its ids.
    private struct Symbols {
        var strings: [String]
        var reservesEndOfText: Bool
    }

    /// Reads the vocabulary and takes the reserved token off its end.
    private func symbols(of model: JSON) throws(TokenizerError) -> Symbols {
        guard let vocabulary = model["vocab"]?.objectValue else { throw failure("its model has no vocab") }
        var strings = [String?](repeating: nil, count: vocabulary.count)
        for (symbol, value) in vocabulary {
            guard let id = value.intValue else { throw failure("the id of \(quoted(symbol)) is \(value.kind)") }
            guard strings.indices.contains(id) else {
                throw failure(
                    "the id of \(quoted(symbol)) is \(id), but \(vocabulary.count) tokens have ids below \(vocabulary.count)"
                )
            }
            if let other = strings[id] {
                throw failure("\(quoted(other)) and \(quoted(symbol)) have the same id \(id)")
            }
            strings[id] = symbol
        }
        // As many ids as tokens, all different and below their number: there is no hole.
        var symbols = Symbols(strings: strings.compactMap { $0 }, reservesEndOfText: false)

        if let id = try addedToken() {
            symbols.reservesEndOfText = true
            if let listed = vocabulary[endOfTextSpelling] {
                guard listed.intValue == id else { throw failure("\(endOfTextSpelling) has two ids") }
                guard id == vocabulary.count - 1 else { throw failure("\(endOfTextSpelling) is not the last id") }
                symbols.strings.removeLast()
            } else if id != vocabulary.count {
                throw failure(
                    "\(endOfTextSpelling) has the id \(id), which does not follow the \(vocabulary.count) others")
            }
        }
        return symbols
    }

    /// The id of the only added token there may be.
    private func addedToken() throws(TokenizerError) -> Int? {
        guard let value = root["added_tokens"], !value.isNull else { return nil }
        guard let tokens = value.arrayValue else { throw failure("its added_tokens are \(value.kind)") }
        guard let token = tokens.first else { return nil }
        for token in tokens {
            guard let content = token["content"]?.stringValue else { throw failure("an added token has no content") }
            guard content == endOfTextSpelling else {
                throw failure("it has an added token \(quoted(content)); only \(endOfTextSpelling) is supported")
            }
        }
        guard tokens.count == 1 else { throw failure("\(endOfTextSpelling) is added twice") }
        guard token["special"]?.boolValue == true else { throw failure("\(endOfTextSpelling) is not marked special") }
        guard let id = token["id"]?.intValue else { throw failure("\(endOfTextSpelling) has no id") }
        return id
    }

    // MARK: The kinds

    private func characterTokenizer(_ symbols: Symbols) throws(TokenizerError) -> CharacterTokenizer {
        var alphabet: [Unicode.Scalar] = []
        alphabet.reserveCapacity(symbols.strings.count)
        for (id, symbol) in symbols.strings.enumerated() {
            let scalars = symbol.unicodeScalars
            guard let scalar = scalars.first, scalars.count == 1 else {
                throw failure("the token \(quoted(symbol)) with id \(id) is not one character, and no merges make it")
            }
            alphabet.append(scalar)
        }
        // Keys of an object are distinct, so these are.
        return CharacterTokenizer(distinct: alphabet, reservingEndOfText: symbols.reservesEndOfText)
    }

    private func byteTokenizer(_ symbols: Symbols) throws(TokenizerError) -> ByteTokenizer {
        let preTokenizer = root["pre_tokenizer"]
        if preTokenizer?["add_prefix_space"]?.boolValue != false {
            throw failure("its pre_tokenizer has add_prefix_space, which is not supported")
        }
        if preTokenizer?["use_regex"]?.boolValue != false {
            throw failure("its pre_tokenizer has use_regex, which is not supported")
        }
        guard symbols.reservesEndOfText else { throw failure("it reserves no \(endOfTextSpelling)") }
        for (id, scalar) in ByteSymbols.scalars.enumerated() where id < symbols.strings.count {
            guard JSON.string(symbols.strings[id]) == .string(String(scalar)) else {
                throw failure(
                    "the token \(quoted(symbols.strings[id])) with id \(id) is not that byte's \(quoted(String(scalar)))"
                )
            }
        }
        guard symbols.strings.count == ByteSymbols.scalars.count else {
            throw failure(
                "a byte vocabulary has 256 tokens and \(endOfTextSpelling), this one \(symbols.strings.count)")
        }
        return ByteTokenizer()
    }

    // MARK: Errors

    private func failure(_ reason: String) -> TokenizerError { .unreadable(file: file, reason: reason) }
}
