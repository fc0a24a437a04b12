import Models
import Tokenizers

/// The description of a model in a GGUF file.
extension ModelDescription {
    private enum Key {
        static let beginning = "tokenizer.ggml.bos_token_id"
        /// The ends of a text, of a turn and of a message. llama.cpp stops at each of them.
        static let ends = ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"]
        static let padding = "tokenizer.ggml.padding_token_id"
        static let chatTemplate = "tokenizer.chat_template"
        /// The format has no key for tokens that are never generated; other programs ignore this one. Without it, the end of
        /// text, which llama.cpp needs even where a model was not trained with it, would begin and end texts.
        static let suppressed = "swift_gpt.suppress_tokens"
    }

    /// Reads the keys of a file.
    init(_ file: GGUFFile) throws {
        func id(_ key: String) throws -> Int32? { try file.integer(key).flatMap { Int32(exactly: $0) } }
        let suppressed = try (file.integers(Key.suppressed) ?? []).compactMap { Int32(exactly: $0) }
        var ends: [Int32] = []
        for key in Key.ends {
            if let end = try id(key), !ends.contains(end), !suppressed.contains(end) { ends.append(end) }
        }
        let beginning = try id(Key.beginning).flatMap { suppressed.contains($0) ? nil : $0 }
        self.init(
            roles: TokenRoles(
                beginning: beginning, ends: ends, padding: try id(Key.padding), suppressed: suppressed),
            chatTemplate: try file.string(Key.chatTemplate))
    }

    /// The number of tokens that end a text that a file stores.
    static var storedEnds: Int { Key.ends.count }

    /// The keys of a file, except for those of the vocabulary.
    var keys: [(String, GGUFWrittenValue)] {
        var keys = zip(Key.ends, roles.ends).dropFirst().map { ($0, GGUFWrittenValue.uint32(Int($1))) }
        if let padding = roles.padding { keys.append((Key.padding, .uint32(Int(padding)))) }
        if !roles.suppressed.isEmpty { keys.append((Key.suppressed, .int32s(roles.suppressed))) }
        if let chatTemplate { keys.append((Key.chatTemplate, .string(chatTemplate))) }
        return keys
    }

    /// What a file cannot express, each in one line.
    var remarks: [String] {
        roles.ends.count > Key.ends.count
            ? [
                "llama.cpp reads \(Key.ends.count) tokens that end a text from the file; the model has \(roles.ends.count)."
            ] : []
    }
}

/// What a file stores of the tokens that begin and end a text.
extension TokenRoles {
    /// The id that a token `<|endoftext|>` gets in a file; nil if the model or its tokenizer has an end of text.
    func endReservedInGGUF(by tokenizer: any Tokenizer) -> Int32? {
        ends.isEmpty && tokenizer.endOfText == nil ? Int32(tokenizer.vocabularySize) : nil
    }

    /// The roles that a file stores. llama.cpp needs a token that ends a text, which also begins one if the model says nothing
    /// else.
    /// - Parameter tokenizer: the tokenizer of the model; nil if it has none.
    func storedInGGUF(with tokenizer: (any Tokenizer)?) -> TokenRoles {
        let end = ends.first ?? tokenizer.flatMap { $0.endOfText ?? endReservedInGGUF(by: $0) }
        var stored = self
        stored.ends = []
        for id in ends.isEmpty ? end.map({ [$0] }) ?? [] : Array(ends.prefix(ModelDescription.storedEnds))
        where !stored.ends.contains(id) && !suppressed.contains(id) { stored.ends.append(id) }
        let first = tokenizer?.template.before.first ?? beginning ?? (tokenizer == nil ? nil : end)
        stored.beginning = first.flatMap { suppressed.contains($0) ? nil : $0 }
        return stored
    }
}

extension SpecialToken {
    /// The token as a file stores it: without the white space and the words around it.
    var storedInGGUF: SpecialToken {
        var token = SpecialToken(text, id: id)
        token.isControl = isControl
        return token
    }
}
