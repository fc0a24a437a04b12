import Models
import Tokenizers

/// The keys of a vocabulary.
private enum Key {
    static let model = "tokenizer.ggml.model"
    static let pattern = "tokenizer.ggml.pre"
    static let tokens = "tokenizer.ggml.tokens"
    static let kinds = "tokenizer.ggml.token_type"
    static let merges = "tokenizer.ggml.merges"
    static let beginning = "tokenizer.ggml.bos_token_id"
    static let end = "tokenizer.ggml.eos_token_id"
    static let addsBeginning = "tokenizer.ggml.add_bos_token"
    static let addsEnd = "tokenizer.ggml.add_eos_token"
    static let addsPrefixSpace = "tokenizer.ggml.add_space_prefix"
}

extension GGUFVocabulary {
    /// The keys of a GGUF file.
    var keys: [(String, GGUFWrittenValue)] {
        var keys: [(String, GGUFWrittenValue)] = [
            (Key.model, .string("gpt2")), (Key.pattern, .string(pattern)), (Key.tokens, .strings(tokens)),
            (Key.kinds, .int32s(kinds.map(\.rawValue))), (Key.merges, .strings(merges)),
        ]
        if let beginning { keys.append((Key.beginning, .uint32(Int(beginning)))) }
        if let endOfText { keys.append((Key.end, .uint32(Int(endOfText)))) }
        keys += [(Key.addsBeginning, .bool(addsBeginning)), (Key.addsEnd, .bool(addsEnd))]
        return addsPrefixSpace ? keys + [(Key.addsPrefixSpace, .bool(true))] : keys
    }

    /// The keys of a file without a vocabulary.
    static func absent(_ roles: TokenRoles) -> [(String, GGUFWrittenValue)] {
        [(Key.model, .string("none"))]
            + [(Key.beginning, roles.beginning), (Key.end, roles.ends.first)].compactMap { key, id in
                id.map { (key, .uint32(Int($0))) }
            }
    }

    /// Uses the tokens that begin and end a text according to the model.
    mutating func set(_ roles: TokenRoles, _ template: TokenTemplate) {
        endOfText = roles.ends.first ?? endOfText
        beginning = template.before.first ?? roles.beginning ?? endOfText
    }

    /// Adds a token `<|endoftext|>` if there is none: without it llama.cpp would use the token with the id 11, whatever it is.
    /// Then adds a placeholder for each further row of the model.
    /// - Parameter rows: the number of rows of the model.
    /// - Returns: whether the token is one more than the model has rows, so that its tables need another row.
    mutating func fill(rows: Int) -> Bool {
        let needsRow = reserveEndOfText() && tokens.count > rows
        while tokens.count < rows {
            tokens.append("[PAD\(tokens.count)]")
            kinds.append(.unused)
        }
        return needsRow
    }

    private mutating func reserveEndOfText() -> Bool {
        guard endOfText == nil else { return false }
        endOfText = Int32(tokens.count)
        if beginning == nil { beginning = endOfText }
        tokens.append(endOfTextSpelling)
        kinds.append(.control)
        return true
    }
}

extension GGUFModel {
    /// Reads the tokenizer of a file.
    /// - Throws: if it is invalid.
    package static func readTokenizer(_ file: GGUFFile) throws -> TokenizerState {
        guard let model = try file.string(Key.model) else {
            return .missing(file.failure("it has no \(Key.model) and can be used with token ids only"))
        }
        guard model != "none", model != "no_vocab" else {
            return .missing(file.failure("it has no vocabulary and can be used with token ids only"))
        }
        guard model == "gpt2" else {
            return .unsupported(
                .unsupported(
                    file: file.path,
                    reason: "its tokenizer model \(quoted(model)) is not supported; only \"gpt2\" is"))
        }
        guard let pattern = try file.string(Key.pattern) else {
            throw file.failure("\(Key.pattern) is missing, so the split pattern is not known")
        }
        var vocabulary = GGUFVocabulary(pattern: pattern)
        guard let tokens = try file.strings(Key.tokens) else { throw file.failure("it has no \(Key.tokens)") }
        vocabulary.tokens = tokens
        guard let merges = try file.strings(Key.merges) else {
            throw file.failure(
                "\(Key.merges) is missing, without which its tokens cannot be merged; convert the model again")
        }
        vocabulary.merges = merges
        let kinds = try file.integers(Key.kinds) ?? [Int](repeating: 1, count: tokens.count)
        guard kinds.count == tokens.count else {
            throw file.failure("it has \(tokens.count) tokens and \(kinds.count) \(Key.kinds)")
        }
        vocabulary.kinds = try kinds.enumerated().map { id, kind in
            guard let kind = Int32(exactly: kind).flatMap(GGUFVocabulary.Kind.init) else {
                throw file.failure("the token with id \(id) has the unknown type \(kind)")
            }
            return kind
        }
        func id(_ key: String) throws -> Int32? {
            try file.integer(key).flatMap { tokens.indices.contains($0) ? Int32($0) : nil }
        }
        vocabulary.beginning = try id(Key.beginning)
        vocabulary.endOfText = try id(Key.end)
        // By default llama.cpp adds it with the split patterns of Llama 3.
        let isLlama = ["llama-bpe", "llama3", "llama-v3", "falcon3"].contains(pattern)
        vocabulary.addsBeginning = try file.bool(Key.addsBeginning) ?? isLlama
        vocabulary.addsEnd = try file.bool(Key.addsEnd) ?? false
        vocabulary.addsPrefixSpace = try file.bool(Key.addsPrefixSpace) ?? false
        return try TokenizerState { [vocabulary] () throws(TokenizerError) in
            try vocabulary.tokenizer(file: file.path)
        }
    }
}
