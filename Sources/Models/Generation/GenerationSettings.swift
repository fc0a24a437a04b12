/// How tokens are drawn from what a model says about the next one.
///
/// The settings are applied in the order they are listed here, which is also that of Hugging Face's `generate`.
/// `Sampler` has the equations.
public struct GenerationSettings: Sendable, Equatable {
    /// What the logits of tokens that are in the text already are divided by, where positive (negative ones are
    /// multiplied): above 1 the model repeats itself less. 1 changes nothing.
    public var repetitionPenalty: Double
    /// What all logits are divided by: below 1 the likely becomes likelier, above 1 the distribution flattens. 0 takes the
    /// most probable token always.
    public var temperature: Double
    /// Only this many of the most probable tokens are considered; nil for all.
    public var topK: Int?
    /// Only the most probable tokens that have this share of the probability together are considered; 1 for all.
    public var topP: Double
    /// Only tokens with at least this share of the probability of the most probable one are considered; 0 for all.
    public var minP: Double
    /// The same seed gives the same tokens.
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

    /// Throws the first setting that is outside its range.
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

/// Why nothing can be generated, in one line.
public enum GenerationError: Error, Equatable, CustomStringConvertible {
    /// A setting, what it was, and what it can be.
    case outOfRange(String, value: String, range: String)
    /// The prompt has no tokens.
    case emptyPrompt
    /// The prompt has an id that the model does not know.
    case unknownToken(Int32, vocabularySize: Int)
    /// No token has a probability: the logits are not numbers, or every token is banned.
    case noTokenPossible(position: Int)
    /// A text that is to end generation has no characters.
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
