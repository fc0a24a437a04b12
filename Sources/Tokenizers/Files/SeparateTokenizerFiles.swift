import StrictJSON

/// A tokenizer in a form that is older than `tokenizer.json`: `vocab.json` and `merges.txt` of byte pairs, or `vocab.txt` of
/// WordPiece. The files `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json` are optional.
///
/// They are read as by transformers' `GPT2Tokenizer`, `Qwen2Tokenizer` and `BertTokenizer`: put together to the `tokenizer.json`
/// of the same tokenizer, which is read in their place. These files do not contain the split pattern: it follows from the class
/// of the tokenizer, or from the type of the model.
package struct SeparateTokenizerFiles {
    /// The files that there must be: all of one of these lists.
    package static let requiredNames = [[vocabularyName, mergesName], [wordPieceName]]
    /// The files that there may be.
    package static let optionalNames = [TokenizerFile.configurationName, specialTokensName, addedTokensName]

    private static let vocabularyName = "vocab.json"
    private static let mergesName = "merges.txt"
    static let wordPieceName = "vocab.txt"
    private static let specialTokensName = "special_tokens_map.json"
    private static let addedTokensName = "added_tokens.json"

    let directory: String
    let contents: [String: [UInt8]]
    let modelType: String?

    /// The files of a tokenizer.
    /// - Parameters:
    ///   - contents: the contents of the files by name.
    ///   - directory: their directory, for errors.
    ///   - modelType: the `model_type` of the model's `config.json`, if there is one.
    package init(_ contents: [String: [UInt8]], directory: String, modelType: String?) {
        self.contents = contents
        self.directory = directory
        self.modelType = modelType
    }

    /// The tokenizer.
    /// - Throws: `TokenizerError.unreadable` if a file is invalid, `TokenizerError.unsupported` if the class of the tokenizer or
    ///   another feature that affects ids is not supported.
    package func tokenizer() throws(TokenizerError) -> any Tokenizer {
        let configuration = try object(TokenizerFile.configurationName) ?? JSONObject()
        if contents[Self.wordPieceName] != nil { return try wordPieceTokenizer(configuration) }
        let isQwen = try isQwen(configuration)
        guard let vocabulary = try object(Self.vocabularyName) else {
            throw failure(Self.vocabularyName, "it is missing")
        }
        // transformers would add a default that the vocabulary lacks, with an id that the model lacks as well.
        let hasEnd = vocabulary[endOfTextSpelling] != nil
        let roles = isQwen ? ["eos_token", "unk_token", "pad_token"] : ["bos_token", "eos_token", "unk_token"]
        let named = try namedTokens(configuration, defaults: hasEnd ? roles.map { ($0, endOfTextSpelling) } : [])
        let added = try added(configuration, named, vocabulary)
        let prefix = try flag("add_prefix_space", configuration)
        let root: JSON = [
            "normalizer": isQwen ? ["type": "NFC"] : nil,
            "pre_tokenizer": preTokenizer(isQwen: isQwen, prefix: prefix),
            "post_processor": try template(configuration, named, added),
            "decoder": ["type": "ByteLevel"],
            "added_tokens": .array(added),
            "model": ["type": "BPE", "vocab": .object(vocabulary), "merges": .array(try merges())],
        ]
        let file = "\(directory)/\(Self.vocabularyName) with \(Self.mergesName)"
        return try TokenizerReader(file: file, root: root).tokenizer()
    }

    // MARK: The parts

    private func isQwen(_ configuration: JSONObject) throws(TokenizerError) -> Bool {
        if let value = configuration["tokenizer_class"], !value.isNull {
            switch value.stringValue {
            case "GPT2Tokenizer", "GPT2TokenizerFast": return false
            case "Qwen2Tokenizer", "Qwen2TokenizerFast": return true
            default:
                throw .unsupported(
                    file: "\(directory)/\(TokenizerFile.configurationName)",
                    reason:
                        "its tokenizer_class is \(value.shown); without a \(TokenizerFile.name), only GPT2Tokenizer and "
                        + "Qwen2Tokenizer are supported")
            }
        }
        switch modelType {
        case "gpt2": return false
        case "qwen2", "qwen2_moe", "qwen3", "qwen3_moe": return true
        default:
            throw .unsupported(
                file: "\(directory)/\(Self.vocabularyName)",
                reason:
                    "its split pattern is not known; add a \(TokenizerFile.name), or a \(TokenizerFile.configurationName) "
                    + "with the tokenizer_class GPT2Tokenizer or Qwen2Tokenizer")
        }
    }

    private func preTokenizer(isQwen: Bool, prefix: Bool) -> JSON {
        guard isQwen else { return TokenizerFile.byteLevel(usesExpression: true, addsPrefixSpace: prefix) }
        return [
            "type": "Sequence",
            "pretokenizers": [
                [
                    "type": "Split", "pattern": ["Regex": .string(SplitPattern.qwen2.expressions[0])],
                    "behavior": "Isolated", "invert": false,
                ], TokenizerFile.byteLevel(usesExpression: false, addsPrefixSpace: prefix),
            ],
        ]
    }

    /// The merges: the lines of the file, of which the first may be a comment.
    private func merges() throws(TokenizerError) -> [JSON] {
        guard let bytes = contents[Self.mergesName] else { throw failure(Self.mergesName, "it is missing") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw failure(Self.mergesName, "it is not valid UTF-8")
        }
        var merges: [JSON] = []
        for (number, line) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        {
            if line.isEmpty || line.starts(with: "#version".utf8) { continue }
            guard line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).count == 2 else {
                throw failure(Self.mergesName, "line \(number + 1): expected two tokens with a space between them")
            }
            merges.append(.string(String(Substring(line))))
        }
        return merges
    }

    // MARK: Added tokens

    /// A token with a role, such as `eos_token`.
    struct NamedToken {
        let role: String
        let token: JSONObject
        var content: JSON? { token["content"] }
    }

    private static let roles = [
        "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
    ]

    /// The tokens with roles, then those without: of `tokenizer_config.json`, or of `special_tokens_map.json`, or the defaults of
    /// the class.
    func namedTokens(
        _ configuration: JSONObject, defaults: [(role: String, text: String)]
    ) throws(TokenizerError) -> [NamedToken] {
        var values: [(String, JSON)] = defaults.map { ($0.role, .string($0.text)) }
        var sources = [configuration]
        if configuration["added_tokens_decoder"] == nil, let map = try object(Self.specialTokensName) {
            sources.append(map)
        }
        for source in sources {
            for (key, value) in source
            where key.hasSuffix("_token") && (value.objectValue != nil || value.stringValue != nil || value.isNull) {
                values.removeAll { $0.0 == key }
                if !value.isNull { values.append((key, value)) }
            }
            for key in ["additional_special_tokens", "extra_special_tokens"] {
                guard let listed = source[key], !listed.isNull else { continue }
                if let object = listed.objectValue {
                    values += object.map { ($0.key, $0.value) }
                } else if let tokens = listed.arrayValue {
                    values += tokens.map { (key, $0) }
                } else {
                    throw failure(TokenizerFile.configurationName, "its \(key) are \(listed.kind)")
                }
            }
        }
        let ordered =
            Self.roles.flatMap { role in values.filter { $0.0 == role } }
            + values.filter { !Self.roles.contains($0.0) }
        var named: [NamedToken] = []
        for (role, value) in ordered { named.append(NamedToken(role: role, token: try special(value, called: role))) }
        return named
    }

    /// A special token, which is given by its text or by an object.
    private func special(_ value: JSON, called name: String) throws(TokenizerError) -> JSONObject {
        if value.stringValue != nil { return JSONObject([("content", value), ("special", true)]) }
        guard var token = value.objectValue, token["content"]?.stringValue != nil else {
            throw failure(TokenizerFile.configurationName, "its \(name) is \(value.shown), not a token")
        }
        token["special"] = true
        return token
    }

    /// The tokens of `added_tokens_decoder` or `added_tokens.json` in the order of their ids, then all other special tokens, which
    /// get the next ids unless they are in the vocabulary.
    func added(
        _ configuration: JSONObject, _ named: [NamedToken], _ vocabulary: JSONObject
    ) throws(TokenizerError) -> [JSON] {
        var tokens: [JSON] = []
        var next = vocabulary.count
        var known = Set<UTF8Key>()
        func append(_ token: JSONObject, id: Int) {
            guard let content = token["content"]?.stringValue, known.insert(UTF8Key(content)).inserted else { return }
            var token = token
            token["id"] = .int(id)
            tokens.append(.object(token))
            // Any other id is an error, which the reader of the tokenizer.json reports.
            if 0..<BPEVocabulary.greatestIDCount ~= id { next = max(next, id + 1) }
        }
        let special = Set(named.compactMap { $0.content?.stringValue.map(UTF8Key.init) })
        for (id, listed) in try listedTokens(configuration) {
            var token = listed
            if let content = token["content"]?.stringValue, special.contains(UTF8Key(content)) {
                token["special"] = true
            }
            if token["normalized"] == nil { token["normalized"] = .bool(token["special"]?.boolValue != true) }
            append(token, id: id)
        }
        for token in named {
            let id = token.content?.stringValue.flatMap { vocabulary[$0]?.intValue } ?? next
            append(token.token, id: id)
        }
        return tokens
    }

    /// The tokens of `added_tokens_decoder`, or those of `added_tokens.json` without it, in the order of their ids.
    private func listedTokens(_ configuration: JSONObject) throws(TokenizerError) -> [(id: Int, token: JSONObject)] {
        var tokens: [(id: Int, token: JSONObject)] = []
        if let listed = configuration["added_tokens_decoder"] {
            guard let listed = listed.objectValue else {
                throw failure(TokenizerFile.configurationName, "its added_tokens_decoder is \(listed.kind)")
            }
            for (key, value) in listed {
                guard let id = Int(key), let token = value.objectValue else {
                    throw failure(
                        TokenizerFile.configurationName,
                        "its added_tokens_decoder has \(quoted(key)) with \(value.kind), not an id with a token")
                }
                tokens.append((id, token))
            }
        } else if let listed = try object(Self.addedTokensName) {
            for (content, value) in listed {
                guard let id = value.intValue else {
                    throw failure(Self.addedTokensName, "the id of \(quoted(content)) is \(value.kind)")
                }
                tokens.append((id, JSONObject([("content", .string(content))])))
            }
        }
        return tokens.sorted { $0.id < $1.id }
    }

    /// The post-processor that adds the tokens before and after a text.
    private func template(
        _ configuration: JSONObject, _ named: [NamedToken], _ added: [JSON]
    ) throws(TokenizerError) -> JSON {
        var ids = JSONObject()
        func elements(_ role: String, if key: String) throws(TokenizerError) -> [JSON] {
            guard try flag(key, configuration), let content = named.first(where: { $0.role == role })?.content,
                let text = content.stringValue, let id = added.first(where: { $0["content"] == content })?["id"]
            else { return [] }
            ids[text] = ["ids": [id]]
            return [["SpecialToken": ["id": content]]]
        }
        let before = try elements("bos_token", if: "add_bos_token")
        let after = try elements("eos_token", if: "add_eos_token")
        return [
            "type": "TemplateProcessing", "single": .array(before + [["Sequence": ["id": "A"]]] + after),
            "special_tokens": .object(ids),
        ]
    }

    // MARK: Files

    func object(_ name: String) throws(TokenizerError) -> JSONObject? {
        guard let bytes = contents[name] else { return nil }
        let json: JSON
        do { json = try JSON(parsing: bytes) } catch { throw failure(name, error.description) }
        guard let object = json.objectValue else { throw failure(name, "expected an object, found \(json.kind)") }
        return object
    }

    func flag(
        _ key: String, _ configuration: JSONObject, default assumed: Bool = false
    ) throws(TokenizerError) -> Bool {
        guard let value = configuration[key], !value.isNull else { return assumed }
        guard let flag = value.boolValue else {
            throw failure(TokenizerFile.configurationName, "its \(key) is \(value.shown), not true or false")
        }
        return flag
    }

    func failure(_ file: String, _ reason: String) -> TokenizerError {
        .unreadable(file: "\(directory)/\(file)", reason: reason)
    }
}
