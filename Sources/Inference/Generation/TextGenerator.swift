import Models
import Tensors
import Tokenizers

/// A model with its tokenizer: text in, text out.
///
/// `Generator`, in the module of the models, works on ids alone. This type adds the text: it encodes the prompt, decodes the
/// tokens as they are generated, and ends at stop strings. It runs on the caller's thread; `InferenceEngine` does the same
/// for several tasks.
public struct TextGenerator {
    public let model: any LanguageModel
    public let tokenizer: any Tokenizer
    /// Whether the model may end a text with `<|endoftext|>`. Otherwise the token is never drawn: a model that was not
    /// trained with it assigns it an arbitrary probability.
    public var allowsEndOfText: Bool

    public init(_ model: any LanguageModel, tokenizer: any Tokenizer, allowsEndOfText: Bool = false) {
        self.model = model
        self.tokenizer = tokenizer
        self.allowsEndOfText = allowsEndOfText
    }

    /// The ids of a prompt. An empty prompt becomes a newline, so that the text begins as a new line does; if the vocabulary
    /// has no newline, it becomes token 0.
    /// - Parameters:
    ///   - prompt: the text. Special tokens that it spells are encoded as ordinary text.
    ///   - unknown: the character that replaces characters outside the vocabulary; nil makes them an error.
    /// - Throws: `TokenizerError.unknownCharacter`.
    public func encode(prompt: String, replacing unknown: Unicode.Scalar? = nil) throws -> [Int32] {
        try Self.encode(prompt: prompt, with: tokenizer, replacing: unknown)
    }

    static func encode(
        prompt: String, with tokenizer: any Tokenizer, replacing unknown: Unicode.Scalar?
    ) throws -> [Int32] {
        if prompt.isEmpty {
            let newline = (try? tokenizer.encode("\n")) ?? []
            return newline.isEmpty ? [0] : newline
        }
        return try tokenizer.encodeOrdinary(prompt, replacing: unknown, concurrently: Execution.parallelLoop)
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
        var generation = try TextGeneration(request, by: self, sequences: sequences)
        var count = 0
        while true {
            let tokens = try generation.next()
            if tokens.isEmpty { return count }
            count += tokens.count
            for token in tokens { try onToken(token) }
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
