import Tensors

/// A model that predicts the probabilities of the next token from the tokens before it.
///
/// Training, evaluation and generation use this protocol (and `NeuralLanguageModel` if gradients are needed), so an
/// n-gram model and a transformer are compared on equal terms. A model knows tokens as ids; the tokenizer maps them to
/// text.
public protocol LanguageModel: Model {
    /// Starts decoding an empty sequence.
    func startDecoding() -> any DecodingSession

    /// Appends a token to each of several sequences, which may differ in length, and returns the logits of the next token
    /// of each: (B, V). The bits of a row depend on its sequence alone.
    /// - Precondition: this model started the sessions, each is given once, and the context of each has room.
    func append(_ tokens: [Int32], to sessions: [any DecodingSession]) -> Tensor

    /// The sum of -log p over tokens[1...], in nats, and their number.
    ///
    /// - Parameters:
    ///   - tokens: the text, with indices from 0. Its first token is not predicted.
    ///   - history: the tokens before the text. An n-gram model uses them, and the whole text before a window.
    ///   - windows: the windows to score, at most as long as the context; nil for all.
    ///   - shouldStop: called between batches of some thousands of tokens; if it returns true, the evaluation ends and
    ///     the result is nil.
    func evaluate<Tokens: RandomAccessCollection<Int32>>(
        _ tokens: Tokens, after history: ArraySlice<Int32>, windows: EvaluationWindows?, shouldStop: () -> Bool
    ) -> Evaluation? where Tokens.Index == Int
}

extension LanguageModel {
    /// The tokens of a window in an evaluation: the context, or `EvaluationWindows.defaultLength` without one.
    package var evaluationLength: Int { contextLength ?? EvaluationWindows.defaultLength }

    /// The most tokens of a prompt that are processed at once. A model without a context accepts a prompt of any
    /// length, but memory limits what it can process in one step.
    package var promptChunkLength: Int { contextLength ?? ModelSpecification.promptChunkLength }

    public func append(_ tokens: [Int32], to sessions: [any DecodingSession]) -> Tensor {
        precondition(tokens.count == sessions.count, "\(tokens.count) tokens for \(sessions.count) sequences")
        let rows = zip(sessions, tokens).flatMap { $0.append([$1]).values }
        return Tensor([sessions.count, vocabularySize], rows)
    }

    /// The loss over a whole text.
    public func evaluate(_ tokens: [Int32]) -> Evaluation {
        evaluate(tokens, after: [], windows: nil) { false } ?? Evaluation(total: 0, count: 0)
    }
}

/// A sequence that grows token by token: the state of a model in generation.
public protocol DecodingSession: AnyObject {
    /// The number of tokens of the sequence.
    var length: Int { get }

    /// Appends tokens to the sequence, and returns the logits of the next token: (V).
    /// - Precondition: there is a token, and the context has room.
    func append(_ tokens: [Int32]) -> Tensor

    /// A session with the first tokens of this one; nil if the session cannot be copied.
    func copy(length: Int) -> (any DecodingSession)?

    /// Removes all tokens.
    func clear()
}

/// The sum of the losses of groups of tokens.
public struct Evaluation: Sendable, Equatable {
    /// The sum, in nats.
    public private(set) var total: Double
    /// The number of predicted tokens.
    public private(set) var count: Int

    /// The number of groups, and the sums from which the variance of their means follows: of the squares of their
    /// losses, the products of loss and size, and the squares of their sizes.
    private var groups: Int
    private var squares: (losses: Double, products: Double, sizes: Double)

    /// One group of tokens; none if `count` is 0.
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

    /// The mean loss, in nats per token.
    public var loss: Double { count > 0 ? total / Double(count) : .nan }

    /// The standard error of the loss, estimated from the variance of the means of groups of windows, which are a
    /// sample of a longer text; nil for fewer than two groups.
    ///
    /// A group consists of neighbouring windows, whose losses are correlated. So the variance between groups is
    /// realistic, while the variance between single tokens would be too small. (The ratio estimator of survey sampling:
    /// Cochran 1977, 6.4.)
    public var standardError: Double? {
        guard groups > 1 else { return nil }
        let spread = squares.losses - 2 * loss * squares.products + loss * loss * squares.sizes
        return (max(0, spread) * Double(groups) / Double(groups - 1)).squareRoot() / Double(count)
    }
}

extension DecodingSession {
    public func copy(length: Int) -> (any DecodingSession)? { nil }
}
