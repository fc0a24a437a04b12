/// How the next token is sampled from a model's logits.
///
/// The settings are applied in the order in which they are listed, as in Hugging Face's `generate`. `Sampler` has the
/// equations.
public struct GenerationSettings: Sendable, Equatable {
    /// What is added to the logits of some tokens, by their ids: -100 excludes a token, 100 enforces it. Ids outside the
    /// vocabulary have no effect.
    public var logitBias: [Int32: Double] = [:]
    /// Positive logits of tokens that are already in the text are divided by this, negative ones are multiplied: above
    /// 1 the model repeats itself less. 1 has no effect.
    public var repetitionPenalty: Double
    /// All logits are divided by this: below 1 the distribution becomes sharper, above 1 flatter. 0 is greedy: always
    /// the most probable token.
    public var temperature: Double
    /// The number of most probable tokens to sample from; nil for all.
    public var topK: Int?
    /// Nucleus sampling: only the most probable tokens whose total probability reaches this are sampled; 1 for all.
    public var topP: Double
    /// Only tokens with at least this share of the highest probability are sampled; 0 for all.
    public var minP: Double
    /// The seed of the random numbers: the same seed gives the same tokens.
    public var seed: UInt64

    public init(
        temperature: Double = 0.8, topK: Int? = nil, topP: Double = 1, minP: Double = 0, repetitionPenalty: Double = 1,
        seed: UInt64 = 0
    ) {
        self.repetitionPenalty = repetitionPenalty
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.seed = seed
    }

    /// Always the most probable token.
    public static let greedy = GenerationSettings(temperature: 0)

    /// Throws an error for the first setting that is out of range.
    public func validate() throws(GenerationError) {
        func check(_ name: String, _ value: Double, _ range: String, _ isSound: Bool) throws(GenerationError) {
            if !(value.isFinite && isSound) {
                throw .outOfRange(name, value: value.isNaN ? "nan" : "\(value)", range: range)
            }
        }
        try check("repetition penalty", repetitionPenalty, "a number above 0", repetitionPenalty > 0)
        try check("temperature", temperature, "0 or more, and finite", temperature >= 0)
        if let topK, topK < 1 { throw .outOfRange("top-k", value: "\(topK)", range: "1 or more") }
        try check("top-p", topP, "above 0 and at most 1", topP > 0 && topP <= 1)
        try check("min-p", minP, "from 0 to 1", minP >= 0 && minP <= 1)
    }
}

/// Why no text can be generated; the description is one line.
public enum GenerationError: Error, Equatable, CustomStringConvertible {
    /// The name of a setting, its value and its range.
    case outOfRange(String, value: String, range: String)
    /// The prompt has no tokens.
    case emptyPrompt
    /// The prompt has an id outside the vocabulary of the model.
    case unknownToken(Int32, vocabularySize: Int)
    /// No token can be sampled: all logits are NaN or -inf, or every token is banned.
    case noTokenPossible(position: Int)
    /// A stop string is empty.
    case emptyStopString

    public var description: String {
        switch self {
        case .outOfRange(let name, let value, let range): "the \(name) is \(value); it must be \(range)"
        case .emptyPrompt: "the prompt is empty; generation needs at least one token"
        case .unknownToken(let id, let vocabularySize):
            "the prompt has the token id \(id), and the ids of the model are 0 to \(vocabularySize - 1); "
                + "encode the prompt with the model's own tokenizer"
        case .noTokenPossible(let position):
            "no token has a probability at position \(position): the weights of the model are not finite numbers; "
                + "train it again, or restore it from a copy"
        case .emptyStopString: "a stop string is empty; give it at least one character"
        }
    }
}
