import Models
import Tensors

/// What a head does, in three numbers from 0 to 1: means of attention probabilities over positions.
///
/// - `previousToken`: the mean attention of positions 1 and later of the text to the position before them.
/// - `firstToken`: the mean attention of positions 1 and later of the text to position 0, where many heads attend that have
///   nothing to do.
/// - `induction` (Olsson et al., "In-context learning and induction heads", 2022): a head that continues what repeats. In a
///   sequence of random tokens that is repeated once, it is the mean attention from the second occurrence of each token to the
///   position after its first occurrence, where the token is that comes next. As in TransformerLens, the tokens are random, so
///   that nothing but the repetition can predict them; here they are also distinct, so that each has one first occurrence. It
///   is the mean over 4 sequences of 50 tokens, or of half the context or the whole vocabulary if that is shorter.
public struct HeadScores: Sendable, Equatable {
    public let kind: AttentionKind
    public let layer: Int
    public let head: Int
    /// nil for a text of one token, and for attention to another text.
    public let previousToken: Double?
    /// nil for a target of one token.
    public let firstToken: Double?
    /// nil for an encoder-decoder, and for a model whose context is shorter than four tokens.
    public let induction: Double?

    /// The scores of the heads of a layer.
    /// - Parameters:
    ///   - map: its attention to the text.
    ///   - induction: the induction score of each head, if it was measured.
    static func scores(
        _ map: AttentionMap, _ kind: AttentionKind, layer: Int, induction: [Double]?
    ) -> [HeadScores] {
        (0..<map.heads).map { head in
            HeadScores(
                kind: kind, layer: layer, head: head,
                previousToken: kind == .cross ? nil : map.mean(head, from: 1..<map.queries) { $0 - 1 },
                firstToken: map.mean(head, from: 1..<map.queries) { _ in 0 }, induction: induction?[head])
        }
    }
}

extension AttentionMap {
    /// The mean attention of some queries of a head to one key each; nil if there are no queries.
    fileprivate func mean(_ head: Int, from queries: Range<Int>, to key: (Int) -> Int) -> Double? {
        guard !queries.isEmpty else { return nil }
        return queries.reduce(0) { $0 + self[head, $1, key($1)] } / Double(queries.count)
    }

    /// The induction score of each head, if the text is a sequence of n tokens that is repeated once: the mean of the attention
    /// of position n + i to position i + 1, for i in 0 ..< n.
    package var inductionScores: [Double] {
        let n = queries / 2
        return (0..<heads).map { head in mean(head, from: n..<2 * n) { $0 - n + 1 } ?? 0 }
    }
}

/// Sequences of random tokens that are repeated once.
struct RepeatedTokens {
    /// The most tokens of a sequence before its repetition.
    static let longest = 50
    /// The number of sequences, over which scores are averaged.
    static let sequences = 4

    /// n different tokens, and the same tokens once more.
    let rows: [[Int32]]

    /// - Parameters:
    ///   - candidates: the ids that are drawn.
    ///   - contextLength: the longest sequence that the model reads; nil if there is no limit.
    ///   - seed: of the random numbers.
    /// - Returns: nil if there is room for fewer than two tokens, or fewer candidates.
    init?(_ candidates: [Int32], contextLength: Int?, seed: UInt64) {
        let n = min(Self.longest, (contextLength ?? .max) / 2, candidates.count)
        guard n >= 2 else { return nil }
        rows = (0..<Self.sequences).map { sequence in
            var random = Philox(seed, 0x696E_6475_6374, UInt64(sequence)), drawn = candidates
            // The first n of a shuffled list.
            for i in 0..<n { drawn.swapAt(i, Int.random(in: i..<drawn.count, using: &random)) }
            return Array(drawn.prefix(n)) + drawn.prefix(n)
        }
    }
}
