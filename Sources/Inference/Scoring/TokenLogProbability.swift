import Platform

/// A token and its log probability.
///
/// Log probabilities are those of the model, in nats: the log softmax of its logits x (V),
///
///     log p_i = x_i - log sum_j exp(x_j)
///
/// in double precision, before temperature, penalties, top-k and the other settings of sampling, as OpenAI's API reports
/// them. A logit that is not a number counts as -infinity.
public struct TokenLogProbability: Sendable, Equatable {
    public let id: Int32
    public let logProbability: Double

    public init(id: Int32, logProbability: Double) {
        self.id = id
        self.logProbability = logProbability
    }

    /// p, from 0 to 1.
    public var probability: Double { exp(logProbability) }
}

/// A token of a given text, and how probable a model considered it after the tokens before it.
public struct ScoredToken: Sendable, Equatable {
    public let id: Int32
    /// log p of the token, in nats (see `TokenLogProbability`).
    public let logProbability: Double
    /// The most probable tokens at this position, in descending order, as many as were requested.
    public let alternatives: [TokenLogProbability]
}

/// The log softmax of one row of logits, of which only some elements are needed.
package struct LogSoftmax {
    private let logits: UnsafeBufferPointer<Float>
    private let highest: Float
    /// log sum_j exp(x_j - highest)
    private let logSum: Double

    /// - Parameter logits: (V), valid for as long as this value is used.
    package init(_ logits: UnsafeBufferPointer<Float>) {
        self.logits = logits
        // A comparison with NaN is false, so NaN is never the highest.
        let highest = logits.reduce(-Float.infinity) { $1 > $0 ? $1 : $0 }
        self.highest = highest
        logSum = log(logits.reduce(0.0) { $0 + exp(Self.difference($1, highest)) })
    }

    /// log p of a token.
    package subscript(id: Int32) -> Double { Self.difference(logits[Int(id)], highest) - logSum }

    /// The `count` most probable tokens, in descending order and of equals the lowest id first: fewer where fewer have a
    /// probability above 0.
    package func top(_ count: Int) -> [TokenLogProbability] {
        var top: [Int32] = []
        guard count > 0 else { return [] }
        for (id, logit) in logits.enumerated() where logit > -.infinity {
            if top.count == count {
                guard let last = top.last, logit > logits[Int(last)] else { continue }
                top.removeLast()
            }
            // After all that are at least as probable.
            var (low, high) = (0, top.count)
            while low < high {
                let middle = (low + high) / 2
                if logits[Int(top[middle])] >= logit { low = middle + 1 } else { high = middle }
            }
            top.insert(Int32(id), at: low)
        }
        return top.map { TokenLogProbability(id: $0, logProbability: self[$0]) }
    }

    /// x - highest, also where both are infinite.
    private static func difference(_ x: Float, _ highest: Float) -> Double {
        if x == highest { return 0 }
        return x.isNaN ? -.infinity : Double(x) - Double(highest)
    }
}
