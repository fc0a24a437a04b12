/// The encodings that OpenAI has published with tiktoken: the addresses of their files, and what the files do not contain.
public enum PublishedEncoding: String, Sendable, CaseIterable {
    /// GPT-2.
    case gpt2
    /// The base models of GPT-3, with the tokens of GPT-2.
    case r50kBase = "r50k_base"
    /// Codex.
    case p50kBase = "p50k_base"
    /// The edit models of GPT-3 and Codex.
    case p50kEdit = "p50k_edit"
    /// GPT-3.5 and GPT-4.
    case cl100kBase = "cl100k_base"
    /// GPT-4o.
    case o200kBase = "o200k_base"
    /// gpt-oss.
    case o200kHarmony = "o200k_harmony"

    /// Its name in tiktoken, such as "cl100k_base".
    public var name: String { rawValue }

    /// The encoding called `name`, in which `_base` may be omitted, as in "cl100k"; `nil` if there is none.
    public init?(name: String) {
        guard let encoding = Self(rawValue: name) ?? Self(rawValue: name + "_base") else { return nil }
        self = encoding
    }

    /// A published file of a vocabulary.
    public struct File: Sendable, Hashable {
        /// Its name in a folder of vocabularies.
        public let name: String
        /// Its address.
        public let url: String
        /// The SHA-256 of its contents, in lower-case hexadecimal digits.
        public let sha256: String
    }

    /// The files of the vocabulary, in the order that `tokenizer(files:)` expects.
    public var files: [File] {
        func ranks(_ name: String, _ sha256: String) -> [File] {
            [
                File(
                    name: name + ".tiktoken",
                    url: "https://openaipublic.blob.core.windows.net/encodings/\(name).tiktoken", sha256: sha256)
            ]
        }
        func gpt2(_ name: String, _ sha256: String) -> File {
            File(
                name: "gpt2." + name, url: "https://openaipublic.blob.core.windows.net/gpt-2/encodings/main/\(name)",
                sha256: sha256)
        }
        switch self {
        case .gpt2:
            return [
                gpt2("vocab.bpe", "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"),
                gpt2("encoder.json", "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783"),
            ]
        case .r50kBase:
            return ranks("r50k_base", "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930")
        case .p50kBase, .p50kEdit:
            return ranks("p50k_base", "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069")
        case .cl100kBase:
            return ranks("cl100k_base", "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7")
        case .o200kBase, .o200kHarmony:
            return ranks("o200k_base", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d")
        }
    }

    /// How it splits texts into pre-tokens.
    public var pattern: SplitPattern {
        switch self {
        case .gpt2, .r50kBase, .p50kBase, .p50kEdit: .gpt2
        case .cl100kBase: .cl100k
        case .o200kBase, .o200kHarmony: .o200k
        }
    }

    /// Its special tokens.
    public var specialTokens: [SpecialToken] {
        let named: [(String, Int32)]
        switch self {
        case .gpt2, .r50kBase, .p50kBase: named = [("<|endoftext|>", 50256)]
        case .p50kEdit:
            named = [
                ("<|endoftext|>", 50256), ("<|fim_prefix|>", 50281), ("<|fim_middle|>", 50282),
                ("<|fim_suffix|>", 50283),
            ]
        case .cl100kBase:
            named = [
                ("<|endoftext|>", 100_257), ("<|fim_prefix|>", 100_258), ("<|fim_middle|>", 100_259),
                ("<|fim_suffix|>", 100_260), ("<|endofprompt|>", 100_276),
            ]
        case .o200kBase: named = [("<|endoftext|>", 199_999), ("<|endofprompt|>", 200_018)]
        case .o200kHarmony:
            // Named tokens, and numbered ones for reserved ids; 200018 has both, and decodes to the name.
            let own: [(String, Int32)] = [
                ("<|startoftext|>", 199_998), ("<|endoftext|>", 199_999), ("<|return|>", 200_002),
                ("<|constrain|>", 200_003), ("<|channel|>", 200_005), ("<|start|>", 200_006), ("<|end|>", 200_007),
                ("<|message|>", 200_008), ("<|call|>", 200_012), ("<|endofprompt|>", 200_018),
            ]
            let reserved = [200_000, 200_001, 200_004, 200_009, 200_010, 200_011] + Array(200_013...201_087)
            named = own + reserved.map { ("<|reserved_\($0)|>", Int32($0)) }
        }
        return named.map { SpecialToken($0.0, id: $0.1) }
    }

    /// The tokenizer of this encoding.
    /// - Parameter contents: the contents of `files`.
    /// - Throws: `TokenizerError` if the contents are invalid or their number is wrong.
    public func tokenizer(files contents: [[UInt8]]) throws(TokenizerError) -> BPETokenizer {
        let files = files
        guard contents.count == files.count else {
            throw .vocabulary("\(name) has \(files.count) files, not \(contents.count)")
        }
        let vocabulary =
            self == .gpt2
            ? try BPEVocabulary(gpt2Merges: contents[0], ids: contents[1], files: (files[0].name, files[1].name))
            : try BPEVocabulary(tiktoken: contents[0], file: files[0].name)
        return try BPETokenizer(vocabulary, pattern: pattern, specialTokens: specialTokens, name: name)
    }
}
