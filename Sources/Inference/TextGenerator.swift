import Models
import Tensors
import Tokenizers

/// A model and its tokenizer together: text in, text out.
///
/// Generation itself knows only ids (`Generator`, beside the models, which know nothing of text). This is the layer
/// above, where models and tokenizers first meet; training uses it for its samples, the command for `gpt generate`.
public struct TextGenerator {
    public let model: any LanguageModel
    public let tokenizer: any Tokenizer
    /// Whether the model may end a text with `<|endoftext|>`. Only one that was trained on it knows what it means.
    public var allowsEndOfText: Bool

    public init(_ model: any LanguageModel, tokenizer: any Tokenizer, allowsEndOfText: Bool = false) {
        self.model = model
        self.tokenizer = tokenizer
        self.allowsEndOfText = allowsEndOfText
    }

    /// The ids of a prompt, with `unknown` in place of the characters that the tokenizer does not know. An empty prompt
    /// is a newline, as at the beginning of a line; without one in the vocabulary, token 0.
    public func encode(prompt: String, replacing unknown: Unicode.Scalar? = nil) throws -> [Int32] {
        if prompt.isEmpty {
            let newline = (try? tokenizer.encode("\n")) ?? []
            return newline.isEmpty ? [0] : newline
        }
        return try tokenizer.encodeOrdinary(prompt, replacing: unknown, concurrently: Execution.parallelLoop)
    }

    /// Continues `prompt`, and hands the text on as it comes: always whole characters, never a part of a stop string.
    ///
    /// - Parameters:
    ///   - prompt: ids, at least one.
    ///   - length: how many tokens are made for each sequence, at most.
    ///   - settings: how tokens are drawn.
    ///   - sequences: how many continuations are made, side by side.
    ///   - firstSequence: the number of the first of them, which its random numbers depend on.
    ///   - stops: the texts before which a sequence ends.
    ///   - onText: called with the sequence (from 0) and a piece of its text.
    /// - Returns: how many tokens were made, of all sequences.
    /// - Throws: `GenerationError`, and what `onText` throws.
    @discardableResult
    public func generate(
        after prompt: [Int32], length: Int, settings: GenerationSettings, sequences: Int = 1, firstSequence: Int = 0,
        stops: [String] = [], onText: (_ sequence: Int, _ text: String) throws -> Void
    ) throws -> Int {
        let endOfText = tokenizer.endOfText
        let generator = try Generator(
            model, prompt: prompt, sequences: sequences, firstSequence: firstSequence, settings: settings,
            banned: tokenizer.specialTokenIDs.filter { $0 != endOfText || !allowsEndOfText })
        var filters = Array(repeating: try StopFilter(stops), count: sequences)
        var decoders = Array(repeating: StreamingDecoder(tokenizer), count: sequences)
        var isRunning = Array(repeating: true, count: sequences)

        func show(_ sequence: Int, _ text: String) throws {
            if !text.isEmpty { try onText(sequence, text) }
        }

        var made = 0
        for _ in 0..<max(0, length) {
            guard isRunning.contains(true) else { break }
            let tokens = try generator.next()
            for sequence in 0..<sequences where isRunning[sequence] {
                made += 1
                if tokens[sequence] == endOfText {
                    isRunning[sequence] = false
                    continue
                }
                try show(sequence, filters[sequence].append(decoders[sequence].append(tokens[sequence])))
                if filters[sequence].isStopped { isRunning[sequence] = false }
            }
        }
        for sequence in 0..<sequences {
            try show(sequence, filters[sequence].append(decoders[sequence].finish()))
            try show(sequence, filters[sequence].finish())
        }
        return made
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
