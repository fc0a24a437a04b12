import Files
import StrictJSON
import Tokenizers

/// The tokenizer of a model that was read. If the tokenizer file is damaged, reading the model throws instead.
package enum TokenizerState: Sendable {
    /// The tokenizer can be used.
    case usable(any Tokenizer)
    /// The model has none, so its input can be ids, but not text.
    case missing(ModelError)
    /// The model has a tokenizer of a kind that is not supported. The model itself is valid.
    case unsupported(TokenizerError)

    /// The tokenizer.
    /// - Throws: why there is none that can be used.
    package func get() throws -> any Tokenizer {
        switch self {
        case .usable(let tokenizer): return tokenizer
        case .missing(let reason): throw reason
        case .unsupported(let reason): throw reason
        }
    }

    /// Reads the tokenizer of a model's directory.
    /// - Parameters:
    ///   - directory: the directory.
    ///   - record: the recorded contents of its tokenizer.json, if there is a record.
    /// - Throws: if the file is damaged, or differs from the record.
    init(directory: String, _ record: DescriptionRecord?) throws {
        let path = "\(directory)/\(TokenizerFile.name)"
        let bytes = try Files.find(path) ? TextFile.bytes(path) : nil
        try record?.verify(TokenizerFile.name, bytes, in: directory)
        guard let bytes else {
            if let files = try TokenizerFile.separateFiles(in: directory) {
                try self.init(files.tokenizer)
                return
            }
            self = .missing(
                ModelError(
                    path: directory,
                    reason:
                        "it has no \(TokenizerFile.name) and can be used with token ids only; add the file to use it with text"
                ))
            return
        }
        let template = try Self.template(directory)
        try self.init { () throws(TokenizerError) in
            let tokenizer = try TokenizerFile.tokenizer(from: bytes, file: path)
            guard let template, case .bytePairs(let bytePairs) = tokenizer.form else { return tokenizer }
            return try bytePairs.replacing(template: template(tokenizer))
        }
    }

    /// The template that `add_bos_token` and `add_eos_token` of tokenizer_config.json describe. As in transformers 5, it replaces
    /// the one of tokenizer.json; nil if the file has neither member.
    private static func template(_ directory: String) throws -> ((any Tokenizer) -> TokenTemplate)? {
        let path = "\(directory)/\(TokenizerFile.configurationName)"
        guard try Files.find(path) else { return nil }
        let json: JSON
        do { json = try JSON(parsing: try TextFile.bytes(path)) } catch let error as JSONError {
            throw ModelError(path: path, reason: "not JSON: \(error)")
        }
        let fields = try ConfigurationFields(json, path)
        let adds = try (beginning: fields.bool("add_bos_token"), end: fields.bool("add_eos_token"))
        if adds.beginning == nil, adds.end == nil { return nil }
        return { tokenizer in
            func ids(_ isAdded: Bool?, _ token: String) -> [Int32] {
                guard isAdded == true, let id = ModelDescription.id(of: json[token], tokenizer) else { return [] }
                return [id]
            }
            return TokenTemplate(
                before: ids(adds.beginning, "bos_token"), after: ids(adds.end, "eos_token"))
        }
    }

    /// Reads a tokenizer, whose kind may be unsupported.
    init(_ read: () throws(TokenizerError) -> any Tokenizer) throws(TokenizerError) {
        do { self = .usable(try read()) } catch {
            guard case .unsupported = error else { throw error }
            self = .unsupported(error)
        }
    }
}
