import Platform

/// An n-gram language model of any order with interpolated Kneser-Ney smoothing.
///
/// It predicts the next token from the few before it, the *history* h, by counting which tokens follow h in a text. It
/// trains in less than a second, and is the baseline that a GPT should beat.
///
/// ### Why counts alone are not enough
///
/// Let c(h w) be the number of times that token w follows h. The obvious estimate, c(h w) / c(h), is overconfident: it
/// assigns probability zero to every token that never follows h, and the longer h is, the fewer tokens do. A short
/// history occurs often but says little; a long one says much but occurs rarely.
///
/// ### Interpolation
///
/// So histories of all lengths are used. A discount D is subtracted from each count, and the subtracted mass is
/// distributed according to the history h' one token shorter (Chen and Goodman 1998, section 3, "modified Kneser-Ney"):
///
///                  c(h w) - D(c(h w))
///     P(w | h)  =  ------------------  +  gamma(h) P(w | h')        (the first term 0 where c(h w) = 0)
///                    sum_v c(h v)
///
///                  D1 N1(h .) + D2 N2(h .) + D3+ N3+(h .)
///     gamma(h)  =  --------------------------------------
///                              sum_v c(h v)
///
/// N1(h .), N2(h .) and N3+(h .) are the numbers of different tokens that follow h once, twice, and three times or
/// more. So gamma(h) is exactly the subtracted mass, and the probabilities sum to one. It is also a measure of
/// uncertainty: a history that is followed by many different tokens, each rarely, gives most of its mass to the shorter
/// history. The order below single tokens is the uniform distribution, 1 / V for a vocabulary of V ids, so that no id
/// is impossible. A history that does not occur has P(w | h) = P(w | h').
///
/// The discounts differ for the counts 1, 2, and 3 or more, and from order to order: ``NGramDiscounts``.
///
/// ### Continuation counts
///
/// Shorter histories matter only where longer ones have no counts, and that changes what they should count. "Francisco"
/// is frequent, but only after "San". After a word that never occurred before, "Francisco" is very unlikely, however
/// frequent it is; after "San", the longer history predicts it. So below the top order the count of an n-gram is not
/// its number of occurrences, but the number of *different* tokens before it, its continuation count,
///
///     c(h w)  =  N1+(. h w), the number of different tokens that precede h w.
///
/// (Kneser and Ney derive it: with one discount per order, these are the counts for which the model's probabilities,
/// averaged over the histories of the text, equal the frequency of each token.) The beginning of a document counts as
/// one more different token, because no longer history exists there either. It also determines the probabilities of the
/// first few tokens of a text, whose histories are short.
///
/// - S. F. Chen and J. Goodman, *An Empirical Study of Smoothing Techniques for Language Modeling*, TR-10-98, Harvard
///   University, 1998.
/// - R. Kneser and H. Ney, *Improved backing-off for m-gram language modeling*, ICASSP 1995.
public final class NGramModel: Sendable {
    /// What an n-gram model is, but for its counts.
    public struct Configuration: Sendable, Hashable {
        /// n: the model predicts from the last n - 1 tokens.
        public var order: Int
        public var vocabularySize: Int

        public init(order: Int, vocabularySize: Int = ModelSpecification.unknownVocabularySize) {
            self.order = order
            self.vocabularySize = vocabularySize
        }
    }

    /// The highest order accepted. Useful orders are far below it.
    public static let maximumOrder = 1_000

    /// n: the model predicts the next token from the `order` - 1 tokens before it.
    public let order: Int

    /// V, the number of ids. Ids that do not occur in the text, such as a reserved end of text, have a probability too.
    public let vocabularySize: Int

    /// Whether an order has three discounts or one.
    public let discounting: NGramDiscounting

    /// The discounts of each order, that of single tokens first.
    public let discounts: [NGramDiscounts]

    let trie: NGramTrie

    /// sum_v c(h v) of each node that can be a history h; 0 if nothing follows it.
    private let followerTotals: [Int32]

    /// gamma(h) of each node that can be a history h; 1 if nothing follows it.
    private let backoffWeights: [Double]

    /// Counts the n-grams of `documents`; no n-gram crosses from one document into the next.
    ///
    /// For a text of N tokens this needs O(`order` x N) time and memory: a fraction of a second and about 40 MB for
    /// order 7 and a million characters.
    ///
    /// - Parameters:
    ///   - order: the n of the n-grams, from 1 to ``maximumOrder``. For characters 7 is about right, for words 3 to 5.
    ///   - vocabularySize: the number of ids; every token must be in 0 ..< `vocabularySize`.
    ///   - documents: the tokens of each document. Without any tokens the model is uniform.
    ///   - discounting: by default the three discounts of the paper's "modified" smoothing.
    ///   - memoryLimit: the most bytes that the model may use, checked before it is allocated.
    /// - Throws: ``NGramError`` if an argument is out of range, or there are too many n-grams.
    public convenience init(
        order: Int = 7, vocabularySize: Int, documents: [[Int32]], discounting: NGramDiscounting = .modified,
        memoryLimit: Int = .max
    ) throws {
        try Self.validate(order: order, vocabularySize: vocabularySize)
        for (index, document) in documents.enumerated() {
            for (position, token) in document.enumerated() where token < 0 || Int(token) >= vocabularySize {
                throw NGramError.token(token, document: index, position: position, vocabularySize: vocabularySize)
            }
        }
        let trie = try NGramTrie(order: order, documents: documents, memoryLimit: memoryLimit)
        self.init(vocabularySize: vocabularySize, discounting: discounting, trie: trie)
    }

    /// The model of a valid `trie`. Everything else follows from its counts.
    init(vocabularySize: Int, discounting: NGramDiscounting, trie: NGramTrie) {
        let discounts = (1...trie.order).map { order in
            var countsOfCounts = (0, 0, 0, 0)
            for count in trie.counts[trie.nodes(ofOrder: order)] {
                switch count {
                case 1: countsOfCounts.0 += 1
                case 2: countsOfCounts.1 += 1
                case 3: countsOfCounts.2 += 1
                case 4: countsOfCounts.3 += 1
                default: break
                }
            }
            return NGramDiscounts(discounting, countsOfCounts: countsOfCounts)
        }

        var followerTotals = [Int32](repeating: 0, count: trie.contextCount)
        var backoffWeights = [Double](repeating: 1, count: trie.contextCount)
        for length in 0..<trie.order {
            let discount = discounts[length]  // of the n-grams one longer than their history
            for history in trie.levelStarts[length]..<trie.levelStarts[length + 1] {
                var total: Int32 = 0
                var taken = 0.0
                for follower in trie.children(of: history) {
                    total += trie.counts[follower]
                    taken += discount[trie.counts[follower]]
                }
                guard total > 0 else { continue }
                followerTotals[history] = total
                backoffWeights[history] = taken / Double(total)
            }
        }

        self.order = trie.order
        self.vocabularySize = vocabularySize
        self.discounting = discounting
        self.discounts = discounts
        self.trie = trie
        self.followerTotals = followerTotals
        self.backoffWeights = backoffWeights
    }

    /// The number of learned numbers: a count for each different n-gram of order 1 to ``order``, and the discounts. (A
    /// count needs 12 bytes, with its token and first child.)
    public var parameterCount: Int {
        ngramCounts.reduce(0, +) + order * discounting.rawValue
    }

    /// The number of different n-grams in the text for each order, single tokens first.
    public var ngramCounts: [Int] {
        (1...order).map { trie.nodes(ofOrder: $0).count }
    }

    static func validate(order: Int, vocabularySize: Int) throws {
        guard (1...maximumOrder).contains(order) else { throw NGramError.order(order) }
        guard (1...Int(Int32.max)).contains(vocabularySize) else { throw NGramError.vocabularySize(vocabularySize) }
    }
}

// MARK: - Probabilities

extension NGramModel {
    /// The natural logarithms of P(w | history) for every id w.
    ///
    /// - Parameters:
    ///   - history: the preceding tokens; only the last `order` - 1 matter, and there may be fewer or none.
    ///   - logProbabilities: the destination (V); it must have ``vocabularySize`` elements.
    public func logProbabilities(after history: ArraySlice<Int32>, into logProbabilities: inout [Float]) {
        precondition(logProbabilities.count == vocabularySize, "one log probability for each id of the vocabulary")
        var probabilities = [Double](repeating: 0, count: vocabularySize)
        var weight = 1.0
        let histories = Histories(of: history, in: trie, order: order)
        for (length, node) in histories.nodes.enumerated().reversed() where followerTotals[node] > 0 {
            let share = weight / Double(followerTotals[node])
            for follower in trie.children(of: node) {
                let count = trie.counts[follower]
                probabilities[Int(trie.tokens[follower])] += share * (Double(count) - discounts[length][count])
            }
            weight *= backoffWeights[node]
        }
        let uniform = weight / Double(vocabularySize)
        for id in 0..<vocabularySize {
            logProbabilities[id] = Float(Self.logarithm(probabilities[id] + uniform))
        }
    }

    /// The natural logarithm of P(token | history), without computing the rest of the distribution.
    ///
    /// - Parameters:
    ///   - token: an id; one outside the vocabulary has probability zero.
    ///   - history: the preceding tokens; only the last `order` - 1 matter, and there may be fewer or none.
    public func logProbability(of token: Int32, after history: ArraySlice<Int32>) -> Double {
        logProbability(of: token, after: Histories(of: history, in: trie, order: order))
    }

    /// The sum of -log P over `tokens`, in nats, each predicted from all tokens before it.
    ///
    /// - Parameters:
    ///   - tokens: the tokens to predict. Divide the sum by their number for the mean.
    ///   - history: the tokens before the first of them.
    public func negativeLogLikelihood(of tokens: ArraySlice<Int32>, after history: ArraySlice<Int32>) -> Double {
        var histories = Histories(of: history, in: trie, order: order)
        var sum = 0.0
        for token in tokens {
            sum -= logProbability(of: token, after: histories)
            histories.append(token, in: trie, order: order)
        }
        return sum
    }

    /// The equation of the type's documentation, from the longest history to the empty one. The term of a history is
    /// multiplied by the gammas of all longer ones, their `weight`.
    private func logProbability(of token: Int32, after histories: Histories) -> Double {
        guard token >= 0, Int(token) < vocabularySize else { return -.infinity }
        var probability = 0.0
        var weight = 1.0
        for (length, node) in histories.nodes.enumerated().reversed() where followerTotals[node] > 0 {
            if let follower = trie.child(of: node, token: token) {
                let count = trie.counts[follower]
                let share = weight / Double(followerTotals[node])
                probability += share * (Double(count) - discounts[length][count])
            }
            weight *= backoffWeights[node]
        }
        return Self.logarithm(probability + weight / Double(vocabularySize))
    }

    /// No probability is zero, but after hundreds of tokens repeated a million times one can be too small for a Double.
    /// It then becomes the smallest normal number, so that no loss is infinite.
    private static func logarithm(_ probability: Double) -> Double {
        log(max(probability, .leastNormalMagnitude))
    }

    /// The last `order` - 1 tokens of a text as nodes of the trie.
    private struct Histories {
        /// `nodes[k]` is the node of the last k tokens, from the root (no token) to the longest suffix that occurs in
        /// the text of the model. If a history occurs, so does each shorter one.
        private(set) var nodes = [0]

        init(of history: ArraySlice<Int32>, in trie: NGramTrie, order: Int) {
            nodes.reserveCapacity(order)
            for token in history.suffix(order - 1) {
                append(token, in: trie, order: order)
            }
        }

        /// The new last k + 1 tokens are the previous last k, and `token`.
        mutating func append(_ token: Int32, in trie: NGramTrie, order: Int) {
            if nodes.count < order { nodes.append(0) }
            var length = 0
            var shorter = nodes[0]
            while length + 1 < nodes.count, let longer = trie.child(of: shorter, token: token) {
                length += 1
                (shorter, nodes[length]) = (nodes[length], longer)
            }
            nodes.removeLast(nodes.count - 1 - length)
        }
    }
}
