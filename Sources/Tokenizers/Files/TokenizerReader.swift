import StrictJSON

/// Reads the tokenizer that a `tokenizer.json` describes.
struct TokenizerReader {
    /// The name of the file in errors.
    let file: String
    let root: JSON

    func tokenizer() throws(TokenizerError) -> any Tokenizer {
        guard root.objectValue != nil else {
            throw failure("it is not a tokenizer.json: expected an object, found \(root.kind)")
        }
        guard let model = root["model"], model.objectValue != nil else {
            throw failure("it is not a tokenizer.json: it has no model")
        }
        if model["type"] == "WordPiece" { return try wordPieceTokenizer(model) }
        try checkModel(model)
        if root["pre_tokenizer"].map({ !$0.isNull }) ?? false {
            if isByteVocabulary(model) { return ByteTokenizer() }
            return try bytePairTokenizer(model)
        }

        guard let merges = model["merges"]?.arrayValue else { throw failure("its model has no list of merges") }
        guard merges.isEmpty else {
            throw unsupported(
                "it has \(merges.count) merges and no pre_tokenizer; only byte-level merges are supported")
        }
        if let unknown = try unknownToken(model) {
            throw unsupported(
                "its model has unk_token \(quoted(unknown)) for characters without a token, which is not supported")
        }
        try refuse("normalizer")
        try check("decoder", isOneOf: ["Fuse"])
        return try characterTokenizer(symbols(of: model), template())
    }

    // MARK: The parts of the file

    private func checkModel(_ model: JSON) throws(TokenizerError) {
        // Older files, such as GPT-2's, do not say the type of a model with merges.
        let isUntyped = model["type"] == nil && model["merges"]?.arrayValue != nil
        guard let type = isUntyped ? "BPE" : model["type"]?.stringValue else {
            throw unsupported("its model has no type")
        }
        guard type == "BPE" else {
            throw unsupported(
                "its model is \(quoted(type)); only character, byte, byte pair (BPE) and WordPiece vocabularies are supported"
            )
        }
        for feature in ["continuing_subword_prefix", "end_of_word_suffix"] {
            guard let value = model[feature], !value.isNull, value != "" else { continue }
            throw unsupported("its model has \(feature) \(value.serialized()), which is not supported")
        }
        if let dropout = model["dropout"], !dropout.isNull {
            guard let share = dropout.doubleValue, 0...1 ~= share else {
                throw failure("its model has dropout \(dropout.shown), not a number from 0 to 1")
            }
            if share > 0 {
                throw unsupported("its model has dropout \(share), so the ids of a text are random; set it to null")
            }
        }
        if try flag("byte_fallback", of: model, called: "its model", default: false) {
            throw unsupported("its model has byte_fallback, which is not supported")
        }
    }

    /// The token that the model has for unknown text; `nil` if there is none.
    func unknownToken(_ model: JSON) throws(TokenizerError) -> String? {
        guard let value = model["unk_token"], !value.isNull else { return nil }
        guard let token = value.stringValue else { throw failure("its unk_token is \(value.kind)") }
        return token.isEmpty ? nil : token
    }

    /// The boolean member `key` of an object. A value of another type is an error: if the default replaced it, ids could change
    /// without notice.
    func flag(
        _ key: String, of object: JSON, called name: String, default assumed: Bool
    ) throws(TokenizerError) -> Bool {
        guard let value = object[key] else { return assumed }
        guard let flag = value.boolValue else { throw failure("\(name) has \(key) \(value.shown), not true or false") }
        return flag
    }

    /// The type of the component `key`; `nil` if it is null or absent.
    private func component(_ key: String) throws(TokenizerError) -> String? {
        guard let value = root[key], !value.isNull else { return nil }
        guard let type = value["type"]?.stringValue else { throw failure("its \(key) has no type") }
        return type
    }

    private func refuse(_ key: String) throws(TokenizerError) { try check(key, isOneOf: []) }

    /// Throws unless the component `key` is absent or of one of the `types`.
    func check(_ key: String, isOneOf types: [String]) throws(TokenizerError) {
        if let type = try component(key), !types.contains(type) {
            throw unsupported("its \(key) is \(quoted(type)), which is not supported")
        }
    }

    /// A vocabulary in the order of its ids.
    private struct Symbols {
        var strings: [String]
        /// The special tokens, whose ids follow.
        var special: [SpecialToken]
    }

    /// Reads a vocabulary whose ids have no gaps, and the special tokens at its end.
    private func symbols(of model: JSON) throws(TokenizerError) -> Symbols {
        let listed = try tokenSymbols(model)
        let count = listed.byID.count
        if let greatest = listed.byID.max(by: { $0.key < $1.key }), greatest.key >= count {
            throw failure(
                "the id of \(quoted(greatest.value)) is \(greatest.key), but \(count) tokens have ids below \(count)")
        }
        let special = try addedTokens(listed)
        for token in special where !token.isControl {
            throw unsupported("the added token \(quoted(token.text)) is not marked special, which is not supported")
        }
        // There are as many ids as tokens, all different and below their number: every id is used.
        let ids = Set(special.map(\.id))
        let strings = (0..<Int32(count)).filter { !ids.contains($0) }.compactMap { listed.byID[$0] }
        for token in special where token.id < strings.count {
            throw unsupported(
                "the added token \(quoted(token.text)) has the id \(token.id), but it must follow the "
                    + "\(strings.count) tokens of the model")
        }
        return Symbols(strings: strings, special: special)
    }

    // MARK: The kinds

    private func characterTokenizer(
        _ symbols: Symbols, _ template: TokenTemplate
    ) throws(TokenizerError) -> CharacterTokenizer {
        try checkTruncationAndPadding()
        var alphabet: [Unicode.Scalar] = []
        alphabet.reserveCapacity(symbols.strings.count)
        for (id, symbol) in symbols.strings.enumerated() {
            let scalars = symbol.unicodeScalars
            guard let scalar = scalars.first, scalars.count == 1 else {
                throw unsupported(
                    "the token \(quoted(symbol)) with id \(id) is not one character, and there are no merges for it")
            }
            alphabet.append(scalar)
        }
        // The keys of an object are distinct, and so are these characters.
        do {
            return try CharacterTokenizer(distinct: alphabet, specialTokens: symbols.special, template: template)
        } catch .vocabulary(let reason) {
            throw unsupported(reason)
        }
    }

    /// Whether the vocabulary is that of a `ByteTokenizer`, as `TokenizerFile` writes it: the bytes, `<|endoftext|>`, no merges.
    private func isByteVocabulary(_ model: JSON) -> Bool {
        guard model["merges"]?.arrayValue?.isEmpty == true, let vocabulary = model["vocab"]?.objectValue,
            vocabulary.count <= 257, root["normalizer"]?.isNull ?? true, root["post_processor"]?.isNull ?? true,
            model["unk_token"]?.isNull ?? true,
            root["pre_tokenizer"]?["type"] == "ByteLevel", root["decoder"]?["type"] == "ByteLevel",
            root["pre_tokenizer"]?["add_prefix_space"]?.boolValue == false,
            root["pre_tokenizer"]?["use_regex"]?.boolValue == false,
            let symbols = try? symbols(of: model), symbols.special.map(\.text) == [endOfTextSpelling]
        else { return false }
        return symbols.strings.elementsEqual(ByteSymbols.scalars) { JSON.string($0) == .string(String($1)) }
    }

    // MARK: Errors

    func failure(_ reason: String) -> TokenizerError { .unreadable(file: file, reason: reason) }

    func unsupported(_ reason: String) -> TokenizerError { .unsupported(file: file, reason: reason) }
}
