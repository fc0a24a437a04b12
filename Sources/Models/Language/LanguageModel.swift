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
    ///   - history: what preceded it. A model that counts predicts from it, and from all of the text before a window.
    ///   - windows: which consecutive windows to score, at most as long as the context; nil for all.
    ///   - shouldStop: called between batches, some thousands of tokens each; when it returns true, the evaluation is given
    ///     up and the result is nil.
    func evaluate(
        _ tokens: [Int32], after history: ArraySlice<Int32>, windows: EvaluationWindows?, shouldStop: () -> Bool
    ) -> Evaluation?
}

extension LanguageModel {
    /// The tokens of a window in an evaluation: the context, or `EvaluationWindows.defaultLength` without one.
    package var evaluationLength: Int { contextLength ?? EvaluationWindows.defaultLength }

    /// The most tokens of a prompt that are processed at once. A model without a context accepts a prompt of any length, but
    /// memory limits what it can process in one step.
    package var promptChunkLength: Int { contextLength ?? 1024 }

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

/// A sum of losses, in nats, of groups of tokens.
public struct Evaluation: Sendable, Equatable {
    /// In nats.
    public private(set) var total: Double
    /// Tokens that were predicted.
    public private(set) var count: Int

    /// The groups, and the sums over them from which the spread of their means follows: of the squares of their losses, of
    /// the products of loss and size, and of the squares of their sizes.
    private var groups: Int
    private var squares: (losses: Double, products: Double, sizes: Double)

    /// One group of tokens, or none.
    public init(total: Double, count: Int) {
        self.total = total
        self.count = count
        let size = Double(count)
        groups = count > 0 ? 1 : 0
        squares = (total * total, total * size, size * size)
    }

    /// Adds the groups of another evaluation.
    public static func += (sum: inout Evaluation, other: Evaluation) {
        sum.total += other.total
        sum.count += other.count
        sum.groups += other.groups
        sum.squares.losses += other.squares.losses
        sum.squares.products += other.squares.products
        sum.squares.sizes += other.squares.sizes
    }

    public static func == (one: Evaluation, other: Evaluation) -> Bool {
        one.total == other.total && one.count == other.count
    }

    /// Nats per token, the loss as it is quoted.
    public var loss: Double { count > 0 ? total / Double(count) : .nan }

    /// The standard error of the loss, estimated from the variance of the means of groups of windows, which are a sample of a
    /// longer text; nil for fewer than two groups.
    ///
    /// The groups are stretches of neighbouring windows, whose losses are alike, so their spread is an honest one where
    /// that of single tokens would be too small. (The ratio estimator of survey sampling: Cochran 1977, 6.4.)
    public var standardError: Double? {
        guard groups > 1 else { return nil }
        let spread = squares.losses - 2 * loss * squares.products + loss * loss * squares.sizes
        return (max(0, spread) * Double(groups) / Double(groups - 1)).squareRoot() / Double(count)
    }
}
