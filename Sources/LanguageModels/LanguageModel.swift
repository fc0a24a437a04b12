import Tensors

/// A model that gives the next token a probability, given those before it.
///
/// Everything that trains, tests or samples a model does so through this protocol (and `NeuralLanguageModel` where
/// gradients are needed), so counting n-grams and a transformer are compared on equal terms. A model knows tokens as
/// numbers; what they stand for is the tokenizer's business.
public protocol LanguageModel: AnyObject {
    /// What kind of model it is, as `model_type` in its config.json.
    var modelType: String { get }
    /// V: ids are 0 ..< V.
    var vocabularySize: Int { get }
    /// The longest sequence it can take, or nil if there is no limit.
    var contextLength: Int? { get }
    /// Numbers that training sets; tied weights count once.
    var parameterCount: Int { get }

    /// Begins `sequences` sequences of tokens side by side, with nothing in them.
    func startDecoding(sequences: Int) -> any DecodingSession

    /// The sum of -log p over tokens[1...], in nats, and their number.
    ///
    /// - Parameters:
    ///   - tokens: the text. Its first token is not predicted.
    ///   - history: what preceded it. A model without a context limit predicts from it.
    ///   - windows: for models with a context, which consecutive windows of that length to score; nil for all.
    ///   - shouldStop: asked between batches; the evaluation is given up, with nil, when it returns true.
    func evaluate(
        _ tokens: [Int32], after history: ArraySlice<Int32>, windows: EvaluationWindows?, shouldStop: () -> Bool
    ) -> Evaluation?
}

extension LanguageModel {
    /// The loss over all of a text.
    public func evaluate(_ tokens: [Int32]) -> Evaluation {
        evaluate(tokens, after: [], windows: nil) { false } ?? Evaluation(total: 0, count: 0)
    }
}

/// Sequences that grow token by token: what generation holds on to between steps.
public protocol DecodingSession: AnyObject {
    /// How many tokens each sequence has.
    var length: Int { get }

    /// Adds tokens to the end of each sequence, and returns the logits of the next token of each: (B, V).
    /// - Precondition: the batch is that of the session, and the context has room.
    func append(_ tokens: TokenBatch) -> Tensor

    /// Forgets all tokens.
    func clear()
}

/// A sum of losses.
public struct Evaluation: Sendable, Equatable {
    /// In nats.
    public var total: Double
    /// Tokens that were predicted.
    public var count: Int

    public init(total: Double, count: Int) {
        self.total = total
        self.count = count
    }

    /// Nats per token, the loss as it is quoted.
    public var loss: Double { count > 0 ? total / Double(count) : .nan }
}
