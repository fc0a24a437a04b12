import Tokenizers

/// The split patterns by their names in llama.cpp.
enum LlamaSplitPattern {
    static let gpt2 = "gpt-2"

    /// The name of a pattern, which also determines whether pre-tokens that are tokens are not merged; nil if it has none.
    static func name(_ pattern: SplitPattern, ignoresMerges: Bool) -> String? {
        switch pattern {
        case .gpt2: gpt2
        case .llama3, .cl100k: ignoresMerges ? "llama-bpe" : "smaug-bpe"
        case .qwen2: "qwen2"
        case .o200k: "gpt-4o"
        case .whole: nil
        }
    }

    /// The pattern with this name, and whether pre-tokens that are tokens are not merged; nil if it is not supported.
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
