import Tensors

/// A text cut into consecutive windows of a model's context length.
///
/// Window i has the inputs tokens[iT ..< iT + T], and the targets are shifted by one. So every token but the first is a
/// target exactly once. The last window may be shorter.
public struct EvaluationWindows: Sendable {
    /// The length of windows for a model without a context.
    public static let defaultLength = 256

    public let tokenCount: Int
    public let length: Int
    /// The indices of the windows to score, ascending.
    public let chosen: [Int]
    /// Whether each token of the text is a target; nil if all are. In a conversation only what the assistant says is.
    package var isTarget: [Bool]?

    /// All windows of a text.
    public init(tokenCount: Int, length: Int) {
        self.init(tokenCount: tokenCount, length: length, atMost: .max)
    }

    /// Evenly spaced windows of a text, at most `limit` of them, the same for the same arguments.
    public init(tokenCount: Int, length: Int, atMost limit: Int) {
        self.tokenCount = tokenCount
        self.length = length
        let all = Self.count(tokenCount: tokenCount, length: length)
        let count = min(all, max(1, limit))
        chosen = (0..<count).map { count == all ? $0 : ($0 * all + all / 2) / count }
    }

    /// All windows of a text, of the length that `LanguageModel.evaluate` uses if it is given no windows: the context of the
    /// model. For a model without one the length affects only how often an evaluation can be stopped.
    package init(tokenCount: Int, for model: any LanguageModel) {
        let length = model.contextLength ?? (model.neural == nil ? 2048 : Self.defaultLength)
        self.init(tokenCount: tokenCount, length: length)
    }

    private init(tokenCount: Int, length: Int, chosen: [Int]) {
        self.tokenCount = tokenCount
        self.length = length
        self.chosen = chosen
    }

    /// The same windows in parts of about 2048 tokens. Their evaluations, added in this order, are the evaluation of all,
    /// to the same bits: each part is one batch of `LanguageModel.evaluate`.
    package var parts: [EvaluationWindows] {
        groups(of: max(1, 2048 / length)).map {
            EvaluationWindows(tokenCount: tokenCount, length: length, chosen: $0)
        }
    }

    /// Whether every window is scored.
    public var isComplete: Bool { chosen.count == Self.count(tokenCount: tokenCount, length: length) }

    /// The number of windows of a length in a text.
    package static func count(tokenCount: Int, length: Int) -> Int { max(0, (tokenCount - 1 + length - 1) / length) }

    /// The positions of the inputs of a window; the positions of its targets are one greater.
    func inputs(of window: Int) -> Range<Int> { window * length..<min((window + 1) * length, tokenCount - 1) }

    /// Batches of at most `size` windows of equal length, with the targets of each.
    package func batches<Tokens: RandomAccessCollection<Int32>>(
        _ tokens: Tokens, size: Int
    ) -> some Sequence<(inputs: TokenBatch, targets: [Int32])> where Tokens.Index == Int {
        groups(of: size).lazy.map { group in
            let ranges = group.map(inputs)
            let inputs = TokenBatch(
                batch: group.count, length: ranges[0].count, ids: ranges.flatMap { tokens[$0] })
            // The loss ignores targets below 0.
            let targets = ranges.flatMap { range in
                (range.lowerBound + 1..<range.upperBound + 1).map { isTarget?[$0] == false ? -1 : tokens[$0] }
            }
            return (inputs, targets)
        }
    }

    /// The numbers of the windows of each batch: at most `size` windows of equal length.
    private func groups(of size: Int) -> [[Int]] {
        let whole = chosen.filter { ($0 + 1) * length <= tokenCount - 1 }
        let partial = chosen.filter { ($0 + 1) * length > tokenCount - 1 }
        let groups = stride(from: 0, to: whole.count, by: size).map { Array(whole[$0..<min($0 + size, whole.count)]) }
        return groups + partial.map { [$0] }
    }
}
