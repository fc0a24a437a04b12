import Tensors

/// Windows of a text for evaluation. A window has T tokens, the context length of the model, and begins S tokens after the
/// previous window.
///
/// Window i has the inputs tokens[iS ..< iS + T], and the targets are shifted by one. Of each window but the first only the last
/// S targets are scored, so every token but the first is a target exactly once. The last window may be shorter.
///
/// With S = T, the default, the windows do not overlap, and the first tokens of each are predicted from few before them. With a
/// smaller S (sliding windows) each token is predicted from at least T - S tokens, and the evaluation takes T / S times as long.
public struct EvaluationWindows: Sendable {
    /// The length of windows for a model without a context.
    public static let defaultLength = 256

    public let tokenCount: Int
    public let length: Int
    /// S, the number of tokens between the beginnings of two windows: 1 to `length`.
    public let stride: Int
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
        self.init(tokenCount: tokenCount, length: length, stride: length, atMost: limit)
    }

    private init(tokenCount: Int, length: Int, stride: Int, atMost limit: Int = .max) {
        self.tokenCount = tokenCount
        self.length = length
        self.stride = stride
        let all = Self.count(tokenCount: tokenCount, length: length, stride: stride)
        let count = min(all, max(1, limit))
        chosen = (0..<count).map { count == all ? $0 : ($0 * all + all / 2) / count }
    }

    /// All windows of a text, of the length that `LanguageModel.evaluate` uses if it is given no windows: the context of the
    /// model. For a model without one the length affects only how often an evaluation can be stopped.
    /// - Parameters:
    ///   - tokenCount: the number of tokens of the text.
    ///   - model: the model.
    ///   - stride: the number of tokens between the beginnings of two windows, at most the context; nil for windows that do not
    ///     overlap.
    package init(tokenCount: Int, for model: any LanguageModel, stride: Int? = nil) {
        let length = model.contextLength ?? (model.neural == nil ? 2048 : Self.defaultLength)
        self.init(tokenCount: tokenCount, length: length, stride: stride.map { max(1, min($0, length)) } ?? length)
    }

    private init(_ all: EvaluationWindows, chosen: [Int]) {
        tokenCount = all.tokenCount
        length = all.length
        stride = all.stride
        self.chosen = chosen
    }

    /// The same windows in parts of about 2048 tokens. Their evaluations, added in this order, are the evaluation of all,
    /// to the same bits: each part is one batch of `LanguageModel.evaluate`.
    package var parts: [EvaluationWindows] {
        groups(of: max(1, 2048 / length)).map { EvaluationWindows(self, chosen: $0) }
    }

    /// Whether every window is scored.
    public var isComplete: Bool {
        chosen.count == Self.count(tokenCount: tokenCount, length: length, stride: stride)
    }

    /// The number of windows of a length in a text.
    package static func count(tokenCount: Int, length: Int) -> Int {
        count(tokenCount: tokenCount, length: length, stride: length)
    }

    private static func count(tokenCount: Int, length: Int, stride: Int) -> Int {
        let targets = tokenCount - 1
        guard targets > length else { return targets > 0 ? 1 : 0 }
        return 1 + (targets - length + stride - 1) / stride
    }

    /// The positions of the inputs of a window; the positions of its targets are one greater.
    func inputs(of window: Int) -> Range<Int> { window * stride..<min(window * stride + length, tokenCount - 1) }

    /// Whether the token at a position is scored in a window: if it is a target, and was not in the window before.
    private func isScored(_ position: Int, in window: Int) -> Bool {
        (window == 0 || position > (window - 1) * stride + length) && isTarget?[position] != false
    }

    /// Batches of at most `size` windows of equal length, with the targets of each.
    package func batches<Tokens: RandomAccessCollection<Int32>>(
        _ tokens: Tokens, size: Int
    ) -> some Sequence<(inputs: TokenBatch, targets: [Int32])> where Tokens.Index == Int {
        groups(of: size).lazy.map { group in
            let ranges = group.map(inputs)
            let inputs = TokenBatch(
                batch: group.count, length: ranges[0].count, ids: ranges.flatMap { tokens[$0] })
            // The loss ignores targets below 0.
            let targets = zip(group, ranges).flatMap { window, range in
                (range.lowerBound + 1..<range.upperBound + 1).map { isScored($0, in: window) ? tokens[$0] : -1 }
            }
            return (inputs, targets)
        }
    }

    /// The numbers of the windows of each batch: at most `size` windows of equal length.
    private func groups(of size: Int) -> [[Int]] {
        let whole = chosen.filter { $0 * stride + length <= tokenCount - 1 }
        let partial = chosen.filter { $0 * stride + length > tokenCount - 1 }
        let groups = Swift.stride(from: 0, to: whole.count, by: size).map {
            Array(whole[$0..<min($0 + size, whole.count)])
        }
        return groups + partial.map { [$0] }
    }
}
