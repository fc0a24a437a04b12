import Files
import StrictJSON
import Tokenizers

/// How the hidden vectors of a text become its embedding: what the files of sentence-transformers beside a model say.
public struct EmbeddingSettings: Sendable, Equatable {
    /// How the hidden vectors h of T tokens become one vector e, under their names in sentence-transformers. With several,
    /// the vectors are concatenated in this order.
    public enum Pooling: String, Sendable, CaseIterable {
        /// The vector of the first token: e = h[0].
        case cls
        /// The largest number of each column: e[i] = max over t of h[t][i].
        case max
        /// The mean: e = sum of h[t] / T.
        case mean
        /// e = sum of h[t] / sqrt(T).
        case meanSqrtLength = "mean_sqrt_len_tokens"
        /// The mean with weights that grow with the position: e = sum of (t + 1) h[t] / sum of (t + 1).
        case weightedMean = "weightedmean"
        /// The vector of the last token.
        case lastToken = "lasttoken"

        /// Its switch in the configuration of pooling.
        var key: String {
            switch self {
            case .cls, .max, .mean, .weightedMean: "pooling_mode_\(rawValue)_token\(self == .cls ? "" : "s")"
            case .meanSqrtLength, .lastToken: "pooling_mode_\(rawValue)"
            }
        }
    }

    /// One or several.
    public var pooling: [Pooling]
    /// Whether an embedding is divided by its Euclidean norm.
    public var normalizes: Bool
    /// The maximum number of tokens of a text, with those of the template; nil for the model's context.
    public var maximumLength: Int?
    /// Whether texts become lower case before they are encoded, whatever the tokenizer does.
    public var lowercases: Bool
    /// The text that precedes every text.
    public var prompt: String

    /// - Parameters:
    ///   - pooling: one or several, in any order.
    ///   - normalizes: whether an embedding is divided by its Euclidean norm.
    ///   - maximumLength: the maximum number of tokens of a text.
    ///   - lowercases: whether texts become lower case.
    ///   - prompt: the text that precedes every text.
    public init(
        pooling: [Pooling] = [.mean], normalizes: Bool = false, maximumLength: Int? = nil, lowercases: Bool = false,
        prompt: String = ""
    ) {
        self.pooling = Pooling.allCases.filter(pooling.contains)
        self.normalizes = normalizes
        self.maximumLength = maximumLength
        self.lowercases = lowercases
        self.prompt = prompt
    }
}

// The files: modules.json lists the steps, and the others have the settings of the first two.
extension EmbeddingSettings {
    private static let modulesFile = "modules.json"
    private static let transformerFile = "sentence_bert_config.json"
    private static let promptsFile = "config_sentence_transformers.json"
    private static let poolingFolder = "1_Pooling"
    private static let poolingFile = "\(poolingFolder)/config.json"

    /// The names of all files.
    static let fileNames = [modulesFile, transformerFile, promptsFile, poolingFile]

    /// Reads the files of a model's directory; nil if it has none.
    /// - Throws: the file and what is wrong with it, or the step that is not supported.
    package init?(directory: String) throws {
        let path = "\(directory)/\(Self.modulesFile)"
        guard try Files.find(path) else { return nil }
        self.init(pooling: [])
        guard let modules = try Self.json(path).arrayValue else {
            throw ModelError(path: path, reason: "it is not a list of modules")
        }
        for (number, module) in modules.enumerated() {
            let fields = try ConfigurationFields(module, path)
            let type = try fields.string("type") ?? ""
            // The modules have other packages in later versions, and keep their names.
            switch type.split(separator: ".").last.map(String.init) {
            case "Transformer" where number == 0: try readTransformer(directory)
            case "Pooling" where number == 1: try readPooling(directory, fields)
            case "Normalize" where number == 2: normalizes = true
            default:
                throw fields.failure(
                    "module \(number) is \(quoted(type)); only Transformer, Pooling and Normalize are supported, in this order"
                )
            }
        }
        if pooling.isEmpty { throw ModelError(path: path, reason: "it has no module that pools the vectors of tokens") }
    }

    private mutating func readTransformer(_ directory: String) throws {
        if let fields = try Self.fields("\(directory)/\(Self.transformerFile)") {
            maximumLength = try fields.optionalSize("max_seq_length", limit: 1 << 24)
            lowercases = try fields.bool("do_lower_case") ?? false
        }
        if maximumLength == nil, let fields = try Self.fields("\(directory)/\(TokenizerFile.configurationName)"),
            let length = try fields.optionalNumber("model_max_length"), length >= 1, length < Double(1 << 24)
        {
            // transformers writes a huge number for no limit.
            maximumLength = Int(length)
        }
        guard let fields = try Self.fields("\(directory)/\(Self.promptsFile)"),
            let name = try fields.optionalString("default_prompt_name")
        else { return }
        guard let text = try fields.optionalObject("prompts")?.string(name) else {
            throw fields.failure("it has no prompt \(quoted(name)), which default_prompt_name requires")
        }
        prompt = text
    }

    private mutating func readPooling(_ directory: String, _ module: ConfigurationFields) throws {
        let folder = try module.string("path") ?? ""
        guard folder == Self.poolingFolder else {
            throw module.failure("the path of module 1 is \(quoted(folder)); only \(Self.poolingFolder) is supported")
        }
        let path = "\(directory)/\(Self.poolingFile)"
        guard let fields = try Self.fields(path) else { throw ModelError(path: path, reason: "there is no such file") }
        let supported = Pooling.allCases.map(\.key)
        for key in fields.keys where key.hasPrefix("pooling_mode_") && !supported.contains(key) {
            if try fields.bool(key) == true {
                throw fields.failure("\(key) is not supported; \(supported.joined(separator: ", ")) are")
            }
        }
        if let name = try fields.optionalString("pooling_mode") {
            guard let mode = Pooling(rawValue: name) else {
                let known = Pooling.allCases.map(\.rawValue).joined(separator: ", ")
                throw fields.failure("its pooling_mode is \(quoted(name)); \(known) are supported")
            }
            pooling = [mode]
        } else {
            // Without a switch, the mean.
            pooling = try Pooling.allCases.filter { try fields.bool($0.key) ?? ($0 == .mean) }
        }
        if pooling.isEmpty { throw fields.failure("it has no mode of pooling") }
        if !prompt.isEmpty, try fields.bool("include_prompt") == false {
            throw fields.failure("include_prompt = false is not supported for a model with a prompt")
        }
    }

    private static func json(_ path: String) throws -> JSON {
        do { return try JSON(parsing: try TextFile.bytes(path)) } catch let error as JSONError {
            throw ModelError(path: path, reason: "not JSON: \(error)")
        }
    }

    private static func fields(_ path: String) throws -> ConfigurationFields? {
        try Files.find(path) ? ConfigurationFields(json(path), path) : nil
    }
}
