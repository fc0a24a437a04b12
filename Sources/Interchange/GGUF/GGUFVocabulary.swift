import StrictJSON
import Tokenizers

/// A vocabulary in the one form that llama.cpp has for those of bytes, of byte pairs and of characters: tokens written in
/// the visible characters of bytes, and merges that make the longer ones.
///
/// A character of several bytes is merged from them, from left to right: the merges of all characters can make nothing else,
/// for each begins with a byte that no character goes on with, and goes on with those that none begins with.
package struct GGUFVocabulary: Sendable, Equatable {
    /// What a token is, by the numbers of GGUF.
    package enum Kind: Int32, Sendable {
        case normal = 1
        case unknown
        /// Means something, and is left out of texts: `<|endoftext|>`.
        case control
        /// Spelled as it stands, and found before merging.
        case userDefined
        /// No token; keeps the place of an id.
        case unused
        case byte
    }

    package var tokens: [String] = []
    package var kinds: [Kind] = []
    /// Each two tokens with a space between, the first made first.
    package var merges: [String] = []
    /// What llama.cpp calls the pattern that cuts texts.
    package var pattern: String
    package var endOfText: Int32?
    /// The token before a whole text, and whether it is put there; as for the one after it, which is `endOfText`.
    package var beginning: Int32?
    package var addsBeginning = false
    package var addsEnd = false
    /// What will not be as here, in a line each.
    package var remarks: [String] = []

    /// An empty one, to be filled from a file.
    package init(pattern: String) { self.pattern = pattern }

    /// Throws for a tokenizer that llama.cpp has no form for.
    package init(_ tokenizer: any Tokenizer) throws(TokenizerError) {
        self.init(pattern: LlamaPattern.gpt2)
        switch tokenizer.form {
        case .bytePairs(let tokenizer):
            try self.init(tokenizer)
            return
        case .characters(let tokenizer):
            for character in tokenizer.alphabet { append(ByteSymbols.symbols(of: String(character).utf8), .normal) }
            merges = Self.merges(making: tokenizer.alphabet)
        case .bytes:
            for scalar in ByteSymbols.scalars { append(String(scalar), .normal) }
        case .other: throw .unwritable(kind: tokenizer.kind)
        }
        endOfText = tokenizer.endOfText
        beginning = endOfText
        if endOfText != nil { append(endOfTextSpelling, .control) }
    }

    private mutating func append(_ token: String, _ kind: Kind) {
        tokens.append(token)
        kinds.append(kind)
    }

    /// What builds each character from its bytes.
    private static func merges(making alphabet: [Unicode.Scalar]) -> [String] {
        var merges: [String] = []
        var known = Set<UTF8Key>()
        for character in alphabet {
            let symbols = String(character).utf8.map { String(ByteSymbols.scalars[Int($0)]) }
            for end in 1..<max(1, symbols.count) {
                let merge = symbols[..<end].joined() + " " + symbols[end]
                if known.insert(UTF8Key(merge)).inserted { merges.append(merge) }
            }
        }
        return merges
    }

    private init(_ tokenizer: BPETokenizer) throws(TokenizerError) {
        let vocabulary = tokenizer.vocabulary
        guard let name = LlamaPattern.name(tokenizer.pattern, ignoresMerges: tokenizer.ignoresMerges) else {
            throw .unwritable(kind: tokenizer.kind)
        }
        pattern = name
        var known = Set<UTF8Key>()
        for id in 0..<Int32(tokenizer.vocabularySize) {
            if let special = tokenizer.specialToken(id) {
                append(special.text, special.isControl ? .control : .userDefined)
            } else if vocabulary.bytes(of: id).isEmpty {
                append("[PAD\(id)]", .unused)
            } else {
                append(tokenizer.symbols(of: id), .normal)
            }
            guard known.insert(UTF8Key(tokens[Int(id)])).inserted else {
                throw .unwritable(kind: "\(tokenizer.kind) in which \(quoted(tokens[Int(id)])) is two tokens")
            }
        }
        let pairs = vocabulary.merges
        merges = pairs.map {
            ByteSymbols.symbols(of: vocabulary.bytes(of: $0.left)) + " "
                + ByteSymbols.symbols(of: vocabulary.bytes(of: $0.right))
        }
        endOfText = tokenizer.endOfText
        beginning = tokenizer.template.before.first ?? endOfText
        addsBeginning = !tokenizer.template.before.isEmpty
        addsEnd = !tokenizer.template.after.isEmpty
        if tokenizer.pattern == .cl100k {
            remarks.append(
                "llama.cpp splits line breaks and spaces at the end of a text slightly differently from \(tokenizer.kind)."
            )
        }
        if tokenizer.pattern == .o200k {
            remarks.append("llama.cpp splits non-ASCII letters slightly differently from \(tokenizer.kind).")
        }
        if tokenizer.normalization == .nfc {
            remarks.append("The tokenizer normalizes texts to NFC; llama.cpp does not.")
        }
    }

    // MARK: Reading

    /// The tokenizer that this is a form of; `file` is what errors call the file.
    package func tokenizer(file: String) throws(TokenizerError) -> any Tokenizer {
        func failure(_ reason: String) -> TokenizerError { .unreadable(file: file, reason: reason) }
        func unsupported(_ reason: String) -> TokenizerError { .unsupported(file: file, reason: reason) }

        guard let cut = LlamaPattern.pattern(pattern) else {
            throw unsupported("its split pattern \(quoted(pattern)) is not supported")
        }
        if let tokenizer = characters() { return tokenizer }
        if let tokenizer = bytes() { return tokenizer }

        var ids: [UTF8Key: Int32] = [:]
        var spelled = [[UInt8]](repeating: [], count: tokens.count)
        var special: [SpecialToken] = []
        for (id, (token, kind)) in zip(tokens, kinds).enumerated() {
            guard ids.updateValue(Int32(id), forKey: UTF8Key(token)) == nil else {
                throw failure("the token \(quoted(token)) occurs twice")
            }
            switch kind {
            case .normal:
                guard let bytes = ByteSymbols.bytes(of: Array(token.utf8)[...]), !bytes.isEmpty else {
                    throw failure("the token \(quoted(token)) with id \(id) is not in byte-level encoding")
                }
                spelled[id] = bytes
            case .byte: throw unsupported("its tokenizer has byte fallback tokens, which are not supported")
            case .unknown, .control, .userDefined, .unused:
                guard !token.isEmpty else { throw failure("the special token with id \(id) is empty") }
                var token = SpecialToken(token, id: Int32(id))
                token.isControl = kind != .userDefined
                special.append(token)
            }
        }
        var list: [Merge] = []
        list.reserveCapacity(merges.count)
        for (rank, merge) in merges.enumerated() {
            let parts = merge.utf8.split(separator: 0x20, omittingEmptySubsequences: false).map { String($0) ?? "" }
            guard parts.count == 2, let left = ids[UTF8Key(parts[0])], let right = ids[UTF8Key(parts[1])],
                let result = ids[UTF8Key(parts[0] + parts[1])]
            else { throw failure("its merge \(rank), \(quoted(merge)), does not join two tokens into a third") }
            list.append(Merge(left: left, right: right, result: result))
        }
        var template = TokenTemplate()
        if addsBeginning, let beginning { template.before = [beginning] }
        if addsEnd, let endOfText { template.after = [endOfText] }
        do {
            return try BPETokenizer(
                BPEVocabulary(tokens: spelled, merges: list), pattern: cut.pattern, specialTokens: special,
                template: template,
                ignoresMerges: cut.ignoresMerges)
        } catch .vocabulary(let reason) {
            throw unsupported(reason)
        }
    }

    /// The tokens without a last `<|endoftext|>`, if that is the only one that is not normal, and whether it is there.
    private func plainTokens() -> (tokens: ArraySlice<String>, reservesEndOfText: Bool)? {
        let isReserved = kinds.last == .control && UTF8Key(tokens.last ?? "") == UTF8Key(endOfTextSpelling)
        let plain = isReserved ? tokens.dropLast() : tokens[...]
        return kinds.prefix(plain.count).allSatisfy { $0 == .normal } ? (plain, isReserved) : nil
    }

    private func characters() -> CharacterTokenizer? {
        guard let (plain, reservesEndOfText) = plainTokens() else { return nil }
        var alphabet: [Unicode.Scalar] = []
        for token in plain {
            guard let bytes = ByteSymbols.bytes(of: Array(token.utf8)[...]),
                let scalars = String(validating: bytes, as: UTF8.self)?.unicodeScalars, scalars.count == 1,
                let scalar = scalars.first
            else { return nil }
            alphabet.append(scalar)
        }
        guard Set(alphabet).count == alphabet.count,
            Set(Self.merges(making: alphabet).map(UTF8Key.init)) == Set(merges.map(UTF8Key.init))
        else { return nil }
        return CharacterTokenizer(distinct: alphabet, reservingEndOfText: reservesEndOfText)
    }

    private func bytes() -> ByteTokenizer? {
        guard merges.isEmpty, let (plain, reservesEndOfText) = plainTokens(), reservesEndOfText,
            plain.elementsEqual(ByteSymbols.scalars, by: { UTF8Key($0) == UTF8Key(String($1)) })
        else { return nil }
        return ByteTokenizer()
    }
}

/// Patterns by the names that llama.cpp has for them.
private enum LlamaPattern {
    static let gpt2 = "gpt-2"

    /// The name of a pattern, with which it also knows whether a piece that is a token is taken before merging.
    static func name(_ pattern: SplitPattern, ignoresMerges: Bool) -> String? {
        switch pattern {
        case .gpt2: gpt2
        case .llama3, .cl100k: ignoresMerges ? "llama-bpe" : "smaug-bpe"
        case .qwen2: "qwen2"
        case .o200k: "gpt-4o"
        case .whole: nil
        }
    }

    static func pattern(_ name: String) -> (pattern: SplitPattern, ignoresMerges: Bool)? {
        switch name {
        case gpt2, "mpt", "olmo", "phi-2": (.gpt2, false)
        case "llama-bpe", "llama3", "llama-v3", "falcon3", "glm4": (.llama3, true)
        case "smaug-bpe", "dbrx", "chatglm-bpe": (.llama3, false)
        case "qwen2", "deepseek-r1-qwen", "stablelm2", "megrez": (.qwen2, false)
        case "gpt-4o", "llama4": (.o200k, false)
        default: nil
        }
    }
}
