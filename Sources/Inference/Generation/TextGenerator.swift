import Interchange
import Models
import Tensors
import Tokenizers

/// A model with its tokenizer: text in, text out.
///
/// `Generator`, in the module of the models, works on ids alone. This type adds the text: it encodes the prompt, decodes the
/// tokens as they are generated, and ends at tokens that end a text and at stop strings. It runs on the caller's thread;
/// `InferenceEngine` does the same for several tasks.
public struct TextGenerator {
    public let model: any LanguageModel
    /// How prompts and texts become ids.
    public var encoding: TextEncoding
    /// Whether a text goes on after a token that ends it.
    public var ignoresEnds = false
    /// The ids that are never generated.
    let banned: [Int32]

    public var tokenizer: any Tokenizer { encoding.tokenizer }
    /// Which tokens begin and end a text.
    public var roles: TokenRoles { encoding.roles }

    /// - Parameters:
    ///   - model: the model.
    ///   - tokenizer: its tokenizer.
    ///   - roles: which tokens begin and end a text (`SavedModel.description`, `TrainingRun.roles`); nil for a model that was
    ///     trained without special tokens, and therefore must not generate them.
    public init(_ model: any LanguageModel, tokenizer: any Tokenizer, roles: TokenRoles? = nil) {
        self.model = model
        let roles = roles ?? TokenRoles(suppressed: tokenizer.specialTokenIDs)
        encoding = TextEncoding(tokenizer, roles: roles)
        banned = roles.neverGenerated(by: tokenizer, rows: model.vocabularySize)
    }

    /// A model that was read.
    /// - Throws: why it has no tokenizer that can be used.
    public init(_ saved: SavedModel) throws {
        self.init(try saved.languageModel, tokenizer: try saved.tokenizer, roles: saved.description.roles)
    }

    /// The ids of a prompt (`TextEncoding.ids(ofPrompt:replacing:)`).
    /// - Parameters:
    ///   - prompt: the text.
    ///   - unknown: the character that replaces characters outside the vocabulary; nil makes them an error.
    /// - Throws: `TokenizerError`.
    public func encode(prompt: String, replacing unknown: Unicode.Scalar? = nil) throws -> [Int32] {
        try encoding.ids(ofPrompt: prompt, replacing: unknown)
    }

    /// Generates one or several sequences side by side, and reports every token as it is generated.
    ///
    /// - Parameters:
    ///   - request: the prompt, how tokens are drawn, and where to stop.
    ///   - sequences: the number of sequences.
    ///   - onToken: called with every token: of each step, those of all sequences that have not ended. The last token of a
    ///     sequence has a `finishReason`.
    /// - Returns: the number of tokens of all sequences.
    /// - Throws: `GenerationError`, and what `onToken` throws.
    @discardableResult
    public func generate(
        _ request: GenerationRequest, sequences: Int = 1, onToken: (GeneratedToken) throws -> Void
    ) throws -> Int {
        var texts = try (0..<sequences).map { try TextGeneration(request, by: self, index: $0) }
        // The prompt is processed once for all sequences.
        let prompts = sequences > 1 ? PromptCache(capacity: request.prompt.count) : nil
        var count = 0
        while true {
            let running = texts.indices.filter { texts[$0].isRunning }
            if running.isEmpty { return count }
            let logits = model.nextLogits(of: running.map { texts[$0].sequence }, sharing: prompts)
            for (text, logits) in zip(running, logits) {
                count += 1
                try onToken(texts[text].next(logits))
            }
        }
    }

    /// Generates one or several sequences side by side, and reports their text as it is generated: whole characters, and
    /// never a part of a stop string.
    ///
    /// - Parameters:
    ///   - prompt: ids, at least one.
    ///   - length: the largest number of tokens of each sequence.
    ///   - settings: how tokens are drawn.
    ///   - sequences: the number of sequences.
    ///   - firstSequence: the number of the first sequence, which its random numbers depend on.
    ///   - stops: texts that end a sequence.
    ///   - onText: called with the number of a sequence (from 0) and the next part of its text, which is not empty.
    /// - Returns: the number of tokens of all sequences.
    /// - Throws: `GenerationError`, and what `onText` throws.
    @discardableResult
    public func generate(
        after prompt: [Int32], length: Int, settings: GenerationSettings, sequences: Int = 1, firstSequence: Int = 0,
        stops: [String] = [], onText: (_ sequence: Int, _ text: String) throws -> Void
    ) throws -> Int {
        let request = GenerationRequest(
            prompt: prompt, length: length, settings: settings, stops: stops, firstSequence: firstSequence)
        return try generate(request, sequences: sequences) { token in
            if !token.text.isEmpty { try onText(token.sequence, token.text) }
        }
    }

    /// The continuation of `prompt`, without the prompt itself.
    public func text(
        after prompt: String, length: Int, settings: GenerationSettings = GenerationSettings()
    ) throws -> String {
        var text = ""
        try generate(after: encode(prompt: prompt), length: length, settings: settings) { text += $1 }
        return text
    }
}
