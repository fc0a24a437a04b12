import Files
import Models
import StrictJSON
import Tokenizers

/// What the small files of a model say beside its architecture and its vocabulary: which tokens begin and end a text, how a
/// conversation is written, and members that only other programs use.
///
/// A model that is saved, exported or trained further keeps what was read. In a directory these are config.json,
/// generation_config.json, tokenizer_config.json, special_tokens_map.json, added_tokens.json, chat_template.jinja and the files of
/// `EmbeddingSettings`; a GGUF file has keys for some of it.
public struct ModelDescription: Sendable {
    /// The tokens that begin and end a text.
    public let roles: TokenRoles

    /// The template of conversations, in Jinja; nil if the model has none.
    public let chatTemplate: String?

    /// The members of the JSON files that were read, by the name of the file; nil if no directory was read.
    private(set) var members: [String: JSONObject]?

    /// Templates for other uses, such as `tool_use`, by their names.
    private var otherTemplates: [(name: String, source: String)] = []

    /// The files of sentence-transformers, as they were read.
    private var embeddingFiles: [File] = []

    /// Whether the model was trained from random weights, without special tokens in its texts.
    private var isTrainedHere = false

    static let generationFile = "generation_config.json"
    static let templateFile = "chat_template.jinja"
    static let otherTemplatesFolder = "additional_chat_templates"

    /// Files that are kept as they are.
    private static let keptFiles = [
        TokenizerFile.configurationName, "special_tokens_map.json", "added_tokens.json",
    ]

    /// The names of all files that a description is read from or written to.
    package static let fileNames =
        [ModelSpecification.configurationFile, generationFile, templateFile] + keptFiles + EmbeddingSettings.fileNames

    // MARK: Making

    /// The description of a model that no files describe.
    init(roles: TokenRoles = TokenRoles(), chatTemplate: String? = nil) {
        self.roles = roles
        self.chatTemplate = chatTemplate
    }

    /// The description of a model that is trained from random weights.
    /// - Parameters:
    ///   - tokenizer: the tokenizer of the model.
    ///   - endsTexts: whether the texts that it is trained on contain `endOfText`. Otherwise the model knows nothing about the
    ///     token and must not generate it.
    ///   - learned: the special tokens in the texts. The model must not generate any other.
    package init(for tokenizer: any Tokenizer, endsTexts: Bool, learning learned: Set<Int32> = []) {
        let end = endsTexts ? tokenizer.endOfText : nil
        self.init(
            roles: TokenRoles(
                beginning: end, ends: end.map { [$0] } ?? [],
                suppressed: tokenizer.specialTokenIDs.filter { $0 != end && !learned.contains($0) }))
        isTrainedHere = true
    }

    /// The description of an encoder or an encoder-decoder that is trained from random weights.
    /// - Parameters:
    ///   - tokenizer: the tokenizer of the model.
    ///   - model: the model. The token that ends its targets, if it has targets, ends a text.
    package init(for tokenizer: any Tokenizer, of model: ModelSpecification) {
        var roles = TokenRoles(padding: tokenizer.paddingID)
        if case .encoderDecoder(let configuration) = model {
            roles.ends = [configuration.endToken]
            roles.padding = configuration.paddingToken
        }
        self.init(roles: roles)
    }

    /// The description of a model that is trained on conversations, or further on other texts.
    /// - Parameters:
    ///   - description: that of the model whose training is continued; nil for random weights.
    ///   - chatTemplate: the template of the conversations; nil for texts.
    ///   - ends: the tokens that end what the assistant says, or a document. Generation stops at them.
    ///   - learned: the special tokens in the texts, which the model may generate from now on.
    package init(
        _ description: ModelDescription?, chatTemplate: String?, ends: [Int32], learning learned: Set<Int32>
    ) {
        let known = description?.roles ?? TokenRoles()
        var roles = known
        roles.ends += ends.filter { !known.ends.contains($0) }
        roles.suppressed.removeAll { ends.contains($0) || learned.contains($0) }
        // As of a model that is trained on documents from the beginning.
        if chatTemplate == nil, known.beginning == nil, known.ends.isEmpty { roles.beginning = ends.first }
        self.init(roles: roles, chatTemplate: chatTemplate ?? description?.chatTemplate)
        isTrainedHere = description?.isTrainedHere ?? false
        members = description?.members
        otherTemplates = description?.otherTemplates ?? []
        changeMembers(from: known)
    }

    /// Updates the members of the roles that differ from `known`, the roles that were read.
    private mutating func changeMembers(from known: TokenRoles) {
        // The first file in which transformers looks for them.
        let file = members?[Self.generationFile] == nil ? ModelSpecification.configurationFile : Self.generationFile
        let changed = Dictionary(uniqueKeysWithValues: roleMembers)
        if roles.ends != known.ends { members?[file]?["eos_token_id"] = changed["eos_token_id"] }
        if roles.beginning != known.beginning { members?[file]?["bos_token_id"] = changed["bos_token_id"] }
        guard roles.suppressed != known.suppressed else { return }
        for name in [Self.generationFile, ModelSpecification.configurationFile]
        where members?[name]?["suppress_tokens"] != nil {
            members?[name]?["suppress_tokens"] =
                roles.suppressed.isEmpty ? nil : .array(roles.suppressed.map { .int(Int($0)) })
        }
    }

    // MARK: Reading

    /// Reads the files of a directory.
    /// - Parameters:
    ///   - directory: the directory. Every file may be missing, except for config.json.
    ///   - tokenizer: the tokenizer, which knows the ids of tokens that are given by their texts; nil if there is none.
    /// - Throws: the file and what is wrong with it.
    package init(directory: String, tokenizer: (any Tokenizer)?) throws {
        var members: [String: JSONObject] = [:]
        for name in [ModelSpecification.configurationFile, Self.generationFile] + Self.keptFiles {
            let path = "\(directory)/\(name)"
            guard try Files.find(path) else { continue }
            let json: JSON
            do { json = try JSON(parsing: try TextFile.bytes(path)) } catch let error as JSONError {
                throw ModelError(path: path, reason: "not JSON: \(error)")
            }
            guard let object = json.objectValue else {
                throw ModelError(path: path, reason: "it contains \(json.kind), not an object")
            }
            members[name] = object
        }
        let sources = try [Self.generationFile, ModelSpecification.configurationFile].compactMap { name in
            try members[name].map { try ConfigurationFields(.object($0), "\(directory)/\(name)") }
        }
        let configuration = members[TokenizerFile.configurationName]
        /// The ids of the first file that has the key, even if it says that there are none; otherwise that of the token in the
        /// configuration of the tokenizer.
        func ids(_ key: String, orToken token: String) throws -> [Int32] {
            for source in sources where source.contains(key) { return try source.tokenIDs(key) }
            return Self.id(of: configuration?[token], tokenizer).map { [$0] } ?? []
        }
        let ends = try ids("eos_token_id", orToken: "eos_token")
        let banned = try sources.first { $0.contains("bad_words_ids") }?.tokenSequences("bad_words_ids") ?? []
        // A token that ends a text cannot be banned by itself.
        let bannedTokens = banned.filter { $0.count == 1 }.map { $0[0] }.filter { !ends.contains($0) }
        let suppressed = try sources.first { $0.contains("suppress_tokens") }?.tokenIDs("suppress_tokens") ?? []
        roles = TokenRoles(
            beginning: try ids("bos_token_id", orToken: "bos_token").first, ends: ends,
            padding: try ids("pad_token_id", orToken: "pad_token").first,
            suppressed: suppressed + bannedTokens.filter { !suppressed.contains($0) },
            bannedSequences: banned.filter { $0.count > 1 })
        let path = "\(directory)/\(Self.templateFile)"
        chatTemplate =
            try Files.find(path)
            ? TextFile.read(path, allowingEmpty: true) : Self.chatTemplate(in: configuration?["chat_template"])
        self.members = members
        for name in EmbeddingSettings.fileNames where try Files.find("\(directory)/\(name)") {
            embeddingFiles.append(
                File(name: name, text: try TextFile.read("\(directory)/\(name)", allowingEmpty: true)))
        }
        let folder = "\(directory)/\(Self.otherTemplatesFolder)"
        guard Files.isDirectory(folder) else { return }
        for file in try Files.contents(ofDirectory: folder).sorted() where file.hasSuffix(".jinja") {
            otherTemplates.append(
                (String(file.dropLast(6)), try TextFile.read("\(folder)/\(file)", allowingEmpty: true)))
        }
    }

    /// The id of a token, which is given by its text or as an object with `content`.
    static func id(of token: JSON?, _ tokenizer: (any Tokenizer)?) -> Int32? {
        guard let text = token?.stringValue ?? token?["content"]?.stringValue else { return nil }
        return tokenizer?.specialTokens.first { $0.text.utf8.elementsEqual(text.utf8) }?.id
    }

    /// The texts of special tokens by the names that chat templates know them by, such as `bos_token`.
    package func tokenTexts(_ tokenizer: any Tokenizer) -> [String: String] {
        var texts: [String: String] = [:]
        for (name, id) in [
            ("bos_token", roles.beginning), ("eos_token", roles.ends.first), ("pad_token", roles.padding),
        ] {
            if let id { texts[name] = tokenizer.specialToken(id)?.text }
        }
        for (name, text) in tokenizer.bertRoles { texts[name] = text }
        for (name, value) in members?[TokenizerFile.configurationName] ?? JSONObject() where name.hasSuffix("_token") {
            if let text = value.stringValue ?? value["content"]?.stringValue { texts[name] = text }
        }
        return texts
    }

    /// The template in tokenizer_config.json: a text, or a list of templates with names.
    private static func chatTemplate(in value: JSON?) -> String? {
        if let text = value?.stringValue { return text }
        let named = value?.arrayValue ?? []
        return (named.first { $0["name"]?.stringValue == "default" } ?? named.first)?["template"]?.stringValue
    }

    // MARK: Writing

    /// A file as it is written.
    struct File {
        /// Its path in the directory of the model.
        let name: String
        let text: String
    }

    /// The files of a directory, except for those of the weights and the vocabulary.
    /// - Parameters:
    ///   - model: the model.
    ///   - tokenizer: its tokenizer; nil if there is none.
    ///   - dtype: transformers' name for the number format of the weights.
    func files(for model: ModelSpecification, tokenizer: (any Tokenizer)?, dtype: String) -> [File] {
        func file(_ name: String, _ object: JSONObject) -> File {
            File(name: name, text: JSON.object(object).serialized(pretty: true))
        }
        var files = [file(ModelSpecification.configurationFile, configuration(of: model, dtype: dtype))]
        if var members {
            if let list = namedTemplates {
                members[TokenizerFile.configurationName, default: JSONObject()]["chat_template"] = list
            }
            for name in Self.keptFiles {
                if let object = members[name] { files.append(file(name, object)) }
            }
        } else if let tokenizer {
            let text = TokenizerFile.configuration(
                for: tokenizer, specialTokens: isTrainedHere ? nil : tokenTexts(tokenizer),
                contextLength: model.contextLength, chatTemplate: chatTemplate, inputNames: model.inputNames)
            files.append(File(name: TokenizerFile.configurationName, text: text))
        }
        if let object = members == nil ? generation(by: model) : members?[Self.generationFile] {
            files.append(file(Self.generationFile, object))
        }
        // A template within tokenizer_config.json is kept there.
        if let chatTemplate, let members, otherTemplates.isEmpty,
            Self.chatTemplate(in: members[TokenizerFile.configurationName]?["chat_template"]) != chatTemplate
        {
            files.append(File(name: Self.templateFile, text: chatTemplate))
        }
        return files + embeddingFiles
    }

    /// All templates as a list in tokenizer_config.json, where transformers reads them as well as in files; nil if there are none
    /// for other uses.
    private var namedTemplates: JSON? {
        if otherTemplates.isEmpty { return nil }
        let all = (chatTemplate.map { [("default", $0)] } ?? []) + otherTemplates.map { ($0.name, $0.source) }
        return .array(all.map { ["name": .string($0), "template": .string($1)] })
    }

    /// Members of config.json that the computation does not depend on. A file that was read keeps its own, or lacks them.
    private static let keptMembers: Set<String> = [
        "attention_dropout", "attn_pdrop", "embd_pdrop", "resid_pdrop", "initializer_range", "use_cache",
        "pad_token_id", "hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout",
    ]

    /// The contents of config.json: what was read, with the members that describe the model as it is.
    func configuration(of model: ModelSpecification, dtype: String) -> JSONObject {
        let known = members?[ModelSpecification.configurationFile]
        var object = known ?? JSONObject()
        for (key, value) in model.json(dtype: dtype) where known == nil || !Self.keptMembers.contains(key) {
            object[key] = value
        }
        if object["torch_dtype"] != nil { object["torch_dtype"] = .string(dtype) }
        if known == nil {
            // Where they are left out, transformers 4 assumes 50256. Some models have tokens of their own.
            for (key, value) in roleMembers where object[key] == nil { object[key] = value }
        }
        return object
    }

    private var roleMembers: [(String, JSON)] {
        func id(_ id: Int32?) -> JSON { id.map { .int(Int($0)) } ?? .null }
        let ends = roles.ends.map { JSON.int(Int($0)) }
        return [
            ("bos_token_id", id(roles.beginning)),
            ("eos_token_id", ends.count > 1 ? .array(ends) : ends.first ?? .null),
        ] + (roles.padding.map { [("pad_token_id", id($0))] } ?? [])
    }

    /// How a model generates text; nil for one that generates none.
    private func generation(by model: ModelSpecification) -> JSONObject? {
        var object: JSONObject, suppressed = roles.suppressed
        switch model {
        case .encoder: return nil
        case .encoderDecoder(let configuration):
            object = JSONObject(configuration.generation)
            suppressed.removeAll { $0 == configuration.endToken }
        case .ngram, .bigram, .attention, .transformer:
            object = JSONObject(roleMembers + [("do_sample", true), ("temperature", 1.0)])
        }
        if !suppressed.isEmpty { object["suppress_tokens"] = .array(suppressed.map { .int(Int($0)) }) }
        return object
    }
}
