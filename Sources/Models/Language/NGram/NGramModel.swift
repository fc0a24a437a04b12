import Platform

/// A language model that only counts: interpolated Kneser-Ney, of any order.
///
/// It guesses the next token from the few before it, the *history* h, by having counted what came after them in a text.
/// It trains in less than a second and learns nothing that it did not see; a GPT that does not beat it has lost to
/// counting.
///
/// ### Why counts alone do not do
///
/// Let c(h w) be how often token w came after h. The obvious estimate, c(h w) / c(h), is overconfident: it gives
/// probability zero to whatever did not come after h, and the longer h is, the less did. A short history has seen
/// plenty but knows little; a long one knows much but has seen nothing.
///
/// ### Interpolation
///
/// So use all of them. Take a little, the discount D, off each count, and hand what was taken to the same question
/// asked of a history h' one token shorter (Chen and Goodman 1998, section 3, "modified Kneser-Ney"):
///
///                  c(h w) - D(c(h w))
///     P(w | h)  =  ------------------  +  gamma(h) P(w | h')        (the first term 0 where c(h w) = 0)
///                    sum_v c(h v)
///
///                  D1 N1(h .) + D2 N2(h .) + D3+ N3+(h .)
///     gamma(h)  =  --------------------------------------
///                              sum_v c(h v)
///
/// N1(h .), N2(h .) and N3+(h .) are the numbers of different tokens that came after h once, twice, and three times or
/// more. So gamma(h) is exactly what the discounts took off, and the probabilities sum to one. It is also a measure of
/// doubt: a history followed by many things, each seldom, passes most of the decision on. "th" is sure of itself;
/// ". " is not. Below the single token lies the uniform distribution, 1 / V for a vocabulary of V ids, so that no id
/// is impossible, and a history never seen at all has P(w | h) = P(w | h').
///
/// The discounts differ for the counts 1, 2, and 3 or more, and from order to order: ``NGramDiscounts``.
///
/// ### Continuation counts
///
/// The shorter histories are asked only when the longer ones do not know, and that changes what they should count.
/// "Francisco" is frequent, but only ever after "San". After a word never seen before, "Francisco" is most unlikely,
/// however frequent; after "San" the longer history already knows. So below the top order the count of an n-gram is not
/// how often it occurs but in how many *different* places it would be news: its continuation count,
///
///     c(h w)  =  N1+(. h w), the number of different tokens that precede h w.
///
/// (Kneser and Ney derive it: with one discount an order, these are the counts with which the model's probabilities,
/// averaged over the histories of the text, give back how often each token occurs in it.) The beginning of a document
/// counts as one more different token, since no longer history helps there either; that is also what answers for the
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

    /// The highest order accepted. Far below it no text has anything left to count.
    public static let maximumOrder = 1_000

    /// n: the model looks at `order` - 1 tokens to guess the next.
    public let order: Int

    /// V: how many ids there are. Ids that the text lacks, a reserved end of text among them, have their share, too.
    public let vocabularySize: Int

    /// Whether an order has three discounts or one.
    public let discounting: NGramDiscounting

    /// The discounts of each order, that of single tokens first.
    public let discounts: [NGramDiscounts]

    let trie: NGramTrie

    /// sum_v c(h v) of each node that can be a history h; 0 where nothing came after it.
    private let followerTotals: [Int32]

    /// gamma(h) of each node that can be a history h; 1 where nothing came after it.
    private let backoffWeights: [Double]

    /// Counts `documents`; n-grams do not run from one into the next.
    ///
    /// On a text of N tokens this takes O(`order` x N) time and memory: a fraction of a second and some 40 MB for order
    /// 7 and a million characters.
    ///
    /// - Parameters:
    ///   - order: the n of the n-grams, from 1 to ``maximumOrder``. For characters 7 is about right, for words 3 to 5.
    ///   - vocabularySize: how many ids there are; every token must be in 0 ..< `vocabularySize`.
    ///   - documents: their tokens. Empty documents, or none, are a text, too: the model is then uniform.
    ///   - discounting: the paper's "modified" three discounts, unless you want to see what they gain.
    ///   - memoryLimit: how many bytes the model may take. It is refused before it is allocated if it takes more.
    /// - Throws: ``NGramError`` where an argument is out of its range, or the n-grams too many to number or to hold.
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

    /// The model of the n-grams of a sound `trie`. Everything else follows from its counts.
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

    /// How many numbers the model learnt: a count for each different n-gram of order 1 to ``order``, and the discounts.
    /// (Each count takes 12 bytes to store, being found through a token and a first child.)
    public var parameterCount: Int {
        ngramCounts.reduce(0, +) + order * discounting.rawValue
    }

    /// How many different n-grams the text has of each order, single tokens first.
    public var ngramCounts: [Int] {
        (1...order).map { trie.nodes(ofOrder: $0).count }
    }

    static func validate(order: Int, vocabularySize: Int) throws {
        guard (1...maximumOrder).contains(order) else { throw NGramError.order(order) }
        guard (1...Int(Int32.max)).contains(vocabularySize) else { throw NGramError.vocabularySize(vocabularySize) }
    }
}

// MARK: - Asking

extension NGramModel {
    /// The natural logarithms of P(w | history) for every id w.
    ///
    /// - Parameters:
    ///   - history: what precedes; only its last `order` - 1 tokens matter, and it may be shorter or empty.
    ///   - logProbabilities: (V) where they are written; it must have ``vocabularySize`` elements.
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

    /// The natural logarithm of P(token | history), without the rest of the distribution.
    ///
    /// - Parameters:
    ///   - token: an id; one outside the vocabulary has probability zero.
    ///   - history: what precedes; only its last `order` - 1 tokens matter, and it may be shorter or empty.
    public func logProbability(of token: Int32, after history: ArraySlice<Int32>) -> Double {
        logProbability(of: token, after: Histories(of: history, in: trie, order: order))
    }

    /// The sum of -log P over `tokens`, in nats, each predicted from all that precedes it.
    ///
    /// - Parameters:
    ///   - tokens: what is predicted. Divide the sum by their number for the mean.
    ///   - history: what precedes the first of them.
    public func negativeLogLikelihood(of tokens: ArraySlice<Int32>, after history: ArraySlice<Int32>) -> Double {
        var histories = Histories(of: history, in: trie, order: order)
        var sum = 0.0
        for token in tokens {
            sum -= logProbability(of: token, after: histories)
            histories.append(token, in: trie, order: order)
        }
        return sum
    }

    /// The equation of the type's documentation, from the longest history to the empty one. What a history takes of the
    /// decision is multiplied by the gammas of all the longer ones, their `weight`.
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
    /// It counts as the smallest there is, so that no loss is infinite.
    private static func logarithm(_ probability: Double) -> Double {
        log(max(probability, .leastNormalMagnitude))
    }

    /// What the model remembers of a text so far: its last `order` - 1 tokens as nodes of the trie.
    private struct Histories {
        /// `nodes[k]` is the node of the last k tokens, from the root, no token, to the longest that ever occurred.
        /// Where a history occurred, so did each shorter one.
        private(set) var nodes = [0]

        init(of history: ArraySlice<Int32>, in trie: NGramTrie, order: Int) {
            nodes.reserveCapacity(order)
            for token in history.suffix(order - 1) {
                append(token, in: trie, order: order)
            }
        }

        /// The last k + 1 tokens are those that were the last k, and `token`.
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
