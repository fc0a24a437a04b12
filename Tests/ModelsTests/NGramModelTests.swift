import Foundation
import Models
import Testing

@Suite("NGramModel")
struct NGramModelTests {
    // MARK: The equations

    /// "abac" over the ids a, b, c, d, order 2, by hand.
    ///
    /// Bigrams: ab, ba, ac, once each. Continuation counts: a 2 (after b, and at the beginning), b 1, c 1; in all 4.
    /// Neither order has all four counts of counts, so D1 = 1/2, D2 = 1.
    ///
    ///     gamma()  = (2 * 1/2 + 1 * 1) / 4 = 1/2        and 1/4 each from the uniform distribution
    ///     P(a) = (2 - 1) / 4 + 1/8 = 3/8,  P(b) = P(c) = (1 - 1/2) / 4 + 1/8 = 1/4,  P(d) = 1/8
    ///     gamma(a) = (2 * 1/2) / 2 = 1/2
    ///     P(b | a) = P(c | a) = (1 - 1/2) / 2 + 1/2 * 1/4 = 3/8,  P(a | a) = 1/2 * 3/8,  P(d | a) = 1/2 * 1/8
    ///     gamma(b) = 1/2:  P(a | b) = 1/2 + 1/2 * 3/8
    ///     c ends the text, and nothing follows it: P(w | c) = P(w)
    @Test(
        arguments: [
            ([], [3 / 8.0, 1 / 4.0, 1 / 4.0, 1 / 8.0]),
            ([0], [3 / 16.0, 3 / 8.0, 3 / 8.0, 1 / 16.0]),
            ([1], [11 / 16.0, 1 / 8.0, 1 / 8.0, 1 / 16.0]),
            ([2], [3 / 8.0, 1 / 4.0, 1 / 4.0, 1 / 8.0]),
            ([3], [3 / 8.0, 1 / 4.0, 1 / 4.0, 1 / 8.0]),
            ([2, 3, 3, 1], [11 / 16.0, 1 / 8.0, 1 / 8.0, 1 / 16.0]),
        ] as [([Int32], [Double])])
    func agreesWithTheEquationsByHand(history: [Int32], expected: [Double]) throws {
        let model = try NGramModel(order: 2, vocabularySize: 4, documents: [[0, 1, 0, 2]])
        var all = [Float](repeating: 0, count: 4)
        model.logProbabilities(after: history[...], into: &all)
        for token in 0..<4 {
            let probability = exp(model.logProbability(of: Int32(token), after: history[...]))
            #expect(abs(probability - expected[token]) < 1e-15)
            #expect(abs(exp(Double(all[token])) - expected[token]) < 1e-7)
        }
        #expect(model.ngramCounts == [3, 3])
        #expect(model.parameterCount == 6 + 2 * 3)
    }

    @Test func discountsFollowThePaper() {
        // Y = 4 / (4 + 2 * 2) = 1/2:  1 - 2 Y 2/4,  2 - 3 Y 1/2,  3 - 4 Y 1/1
        let modified = NGramDiscounts(.modified, countsOfCounts: (4, 2, 1, 1))
        #expect([modified.one, modified.two, modified.threeOrMore] == [0.5, 1.25, 1.0])
        // 6 / (6 + 2 * 2)
        let single = NGramDiscounts(.single, countsOfCounts: (6, 2, 0, 0))
        #expect([single.one, single.two, single.threeOrMore] == [0.6, 0.6, 0.6])
    }

    /// Whatever the counts of counts, each discount is above zero and at most the count it is taken off.
    @Test(arguments: NGramDiscounting.allCases)
    func discountsAreSoundForAllCountsOfCounts(discounting: NGramDiscounting) {
        let some = [0, 1, 2, 5, 1_000, 1_000_000]
        for n1 in some {
            for n2 in some {
                for n3 in some {
                    for n4 in some {
                        let discounts = NGramDiscounts(discounting, countsOfCounts: (n1, n2, n3, n4))
                        let sound =
                            discounts.one > 0 && discounts.one <= 1 && discounts.two > 0 && discounts.two <= 2
                            && discounts.threeOrMore > 0 && discounts.threeOrMore <= 3
                        #expect(sound, "\(discounts) of \((n1, n2, n3, n4))")
                    }
                }
            }
        }
    }

    /// Against the definitions written once more with dictionaries and recursion, on texts of every degree of sparsity.
    @Test(arguments: NGramDiscounting.allCases, 1...6)
    func agreesWithTheReference(discounting: NGramDiscounting, order: Int) throws {
        var random = Random(seed: UInt64(order))
        var estimated = 0
        for (lengths, vocabularySize) in [
            ([5], 3), ([40], 4), ([0, 1, 30, 2, 60], 5), ([700], 3), ([300, 300, 1, 3], 7), ([120], 40),
        ] {
            let documents = lengths.map { random.text(length: $0, vocabularySize: vocabularySize) }
            // Two ids more than the texts have: never seen.
            let model = try NGramModel(
                order: order, vocabularySize: vocabularySize + 2, documents: documents, discounting: discounting)
            let reference = Reference(
                order: order, vocabularySize: vocabularySize + 2, documents: documents, discounting: discounting)
            #expect(model.parameterCount == reference.counts.count + order * discounting.rawValue)
            #expect(model.discounts == reference.discounts)
            estimated += model.discounts.count { $0 != .fallback(discounting) }

            let fresh = random.text(length: 60, vocabularySize: vocabularySize + 2)
            var sum = 0.0
            for position in fresh.indices {
                let expected = log(reference.probability(of: fresh[position], after: fresh[..<position]))
                let actual = model.logProbability(of: fresh[position], after: fresh[..<position])
                #expect(abs(actual - expected) < 1e-12)
                sum -= expected
            }
            expectDistribution(model, after: documents[0])
            expectDistribution(model, after: fresh)
            #expect(abs(model.negativeLogLikelihood(of: fresh[...], after: []) - sum) < 1e-10)
        }
        #expect(estimated > 0, "no order had discounts of its own: the texts test only the fallback")
    }

    // MARK: Probabilities

    @Test(
        arguments: [
            (1, 1, []), (1, 2, [[]]), (3, 2, [[0]]), (3, 2, [[0, 1]]), (7, 2, [[1, 1, 1, 1]]), (1, 5, [[0, 1, 2, 0]]),
            (4, 66, [[3, 4, 3], [], [65], [3, 4, 3, 4, 5]]), (9, 3, [[0, 1, 0, 1, 1, 0, 2, 0, 1, 0, 1, 0, 0, 1]]),
        ] as [(Int, Int, [[Int32]])])
    func probabilitiesSumToOne(order: Int, vocabularySize: Int, documents: [[Int32]]) throws {
        let model = try NGramModel(order: order, vocabularySize: vocabularySize, documents: documents)
        let histories: [[Int32]] = [
            [], [0], [0, 0], [1, 0, 1], [3, 4], [5, 3, 4], [65, 65, 65, 65], [-1, 9_999],
            [0, 1, 0, 1, 1, 0, 2, 0, 1, 0],
        ]
        for history in histories {
            expectDistribution(model, after: history)
        }
    }

    @Test func nothingCountedIsUniform() throws {
        let model = try NGramModel(order: 7, vocabularySize: 66, documents: [])
        #expect(abs(model.logProbability(of: 65, after: [1, 2, 3]) + log(66)) < 1e-15)
        #expect(model.parameterCount == 21)
    }

    @Test func idsOutsideTheVocabularyAreImpossible() throws {
        let model = try NGramModel(order: 2, vocabularySize: 2, documents: [[0, 1]])
        for token: Int32 in [-1, 2, .max, .min] {
            #expect(model.logProbability(of: token, after: [0]) == -.infinity)
        }
    }

    /// The gammas of 900 histories, each of them met a thousand times, multiply to less than a Double holds.
    @Test func lossIsNeverInfinite() throws {
        let monotony = [Int32](repeating: 0, count: 2_000)
        let model = try NGramModel(order: 900, vocabularySize: 2, documents: [monotony])
        #expect(model.logProbability(of: 1, after: monotony[...]).isFinite)
        #expect(model.logProbability(of: 0, after: monotony[...]) > -0.01)
    }

    @Test func documentsAreApart() throws {
        let apart = try NGramModel(order: 3, vocabularySize: 3, documents: [[0, 1], [2, 0], [2]])
        #expect(apart.ngramCounts == [3, 2, 0])
        let joined = try NGramModel(order: 3, vocabularySize: 3, documents: [[0, 1, 2, 0, 2]])
        #expect(joined.ngramCounts == [3, 4, 3])
    }

    /// The text says "ab" a hundred times and "b" after nothing else; "c" comes once after each of three. In a place
    /// that the model does not know, c is the better guess, though b is thirty times as frequent.
    @Test func newPlacesAskForVariety() throws {
        let a: Int32 = 0
        let b: Int32 = 1
        let c: Int32 = 2
        let text: [Int32] = Array(repeating: [a, b], count: 100).joined() + [3, c, 4, c, 5, c]
        let model = try NGramModel(order: 2, vocabularySize: 8, documents: [text])
        #expect(model.logProbability(of: c, after: [7]) > model.logProbability(of: b, after: [7]))
        #expect(model.logProbability(of: b, after: [a]) > log(0.95))
    }

    @Test func onlyTheLastTokensOfTheHistoryMatter() throws {
        var random = Random(seed: 5)
        let text = random.text(length: 400, vocabularySize: 3)
        let model = try NGramModel(order: 4, vocabularySize: 3, documents: [text])
        for end in 3..<100 {
            let long = model.logProbability(of: text[end], after: text[..<end])
            #expect(long == model.logProbability(of: text[end], after: text[(end - 3)..<end]))
        }
        // In one go or token by token, the history running on.
        let whole = model.negativeLogLikelihood(of: text[100...], after: text[..<100])
        let parts =
            model.negativeLogLikelihood(of: text[100..<151], after: text[..<100])
            + model.negativeLogLikelihood(of: text[151...], after: text[..<151])
        #expect(abs(whole - parts) < 1e-9)
    }

    // MARK: Arguments

    @Test func argumentsAreChecked() {
        func error(order: Int = 2, vocabularySize: Int = 3, _ documents: [[Int32]] = [[0, 1, 2]]) -> NGramError? {
            #expect(throws: NGramError.self) {
                try NGramModel(order: order, vocabularySize: vocabularySize, documents: documents)
            }
        }
        #expect(error(order: 0) == .order(0))
        #expect(error(order: .min) == .order(.min))
        #expect(error(order: .max) == .order(.max))
        #expect(error(vocabularySize: 0) == .vocabularySize(0))
        #expect(error(vocabularySize: .max) == .vocabularySize(.max))
        #expect(error([[0], [1, 3]]) == .token(3, document: 1, position: 1, vocabularySize: 3))
        #expect(error([[-1]]) == .token(-1, document: 0, position: 0, vocabularySize: 3))
        #expect(error(order: 0)?.description.contains("\n") == false)

        // a, b, ab and the root, and what the model adds to the three of them that are histories.
        let tight = 12 * 4 + 12 * 3
        #expect(throws: Never.self) {
            try NGramModel(order: 2, vocabularySize: 2, documents: [[0, 1]], memoryLimit: tight)
        }
        #expect(throws: NGramError.memory(order: 2, bytes: tight, limit: tight - 1)) {
            try NGramModel(order: 2, vocabularySize: 2, documents: [[0, 1]], memoryLimit: tight - 1)
        }
    }

    // MARK: Arrays

    @Test(arguments: NGramDiscounting.allCases, [1, 2, 5, 300])
    func arraysMakeTheIdenticalModel(discounting: NGramDiscounting, order: Int) throws {
        var random = Random(seed: 7)
        for lengths in [[], [0], [1], [200, 3, 40]] {
            let documents = lengths.map { random.text(length: $0, vocabularySize: 4) }
            let model = try NGramModel(
                order: order, vocabularySize: 5, documents: documents, discounting: discounting)
            let again = try NGramModel(order: order, vocabularySize: 5, arrays: dictionary(model))
            #expect(dictionary(again) == dictionary(model))
            #expect(again.discounts == model.discounts)
            #expect(again.parameterCount == model.parameterCount)
            let fresh = random.text(length: 50, vocabularySize: 5)
            let loss = model.negativeLogLikelihood(of: fresh[...], after: [])
            #expect(again.negativeLogLikelihood(of: fresh[...], after: []) == loss)
        }
    }

    struct Damage: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let message: String
        var order = 2
        var vocabularySize = 3
        var change: @Sendable (inout [String: [Int32]]) -> Void = { _ in }
    }

    /// Of "abac", order 2:  tokens -1 a b c b c a,  counts 0 2 1 1 1 1 1,  first_child 1 4 6 7 7.
    @Test(arguments: [
        Damage(testDescription: "no tokens", message: "tokens is missing") { $0["tokens"] = nil },
        Damage(testDescription: "no counts", message: "counts is missing") { $0["counts"] = nil },
        Damage(testDescription: "no children", message: "first_child is missing") { $0["first_child"] = nil },
        Damage(testDescription: "no discounting", message: "per_order is missing") { $0["discounts_per_order"] = nil },
        Damage(testDescription: "two discounts", message: "neither 1 nor 3") { $0["discounts_per_order"] = [2] },
        Damage(testDescription: "discounting of two orders", message: "neither 1 nor 3") {
            $0["discounts_per_order"] = [3, 3]
        },
        Damage(testDescription: "empty arrays", message: "do not begin") {
            ($0["tokens"], $0["counts"], $0["first_child"]) = ([], [], [])
        },
        Damage(testDescription: "unequal arrays", message: "has 7 elements and counts has 6") {
            $0["counts"]?.removeLast()
        },
        Damage(testDescription: "no root", message: "do not begin") { $0["tokens"]?[0] = 0 },
        Damage(testDescription: "a counted root", message: "do not begin") { $0["counts"]?[0] = 1 },
        Damage(testDescription: "no children at all", message: "does not run") { $0["first_child"] = [] },
        Damage(testDescription: "only a first child", message: "does not run") { $0["first_child"] = [1] },
        Damage(testDescription: "children from 0", message: "does not run") { $0["first_child"]?[0] = 0 },
        Damage(testDescription: "children past the end", message: "does not run") { $0["first_child"]?[4] = 8 },
        Damage(testDescription: "decreasing children", message: "decreases at index 2") { $0["first_child"]?[1] = 7 },
        Damage(testDescription: "negative child", message: "decreases at index 1") { $0["first_child"]?[1] = -4 },
        Damage(testDescription: "children of the top order", message: "too many") { $0["first_child"]?.append(7) },
        Damage(testDescription: "the order too high", message: "too few", order: 3),
        Damage(testDescription: "the order too low", message: "too many", order: 1),
        Damage(testDescription: "an impossible order", message: "out of range", order: .max),
        Damage(testDescription: "the vocabulary too small", message: "outside the vocabulary of 2", vocabularySize: 2),
        Damage(testDescription: "an impossible vocabulary", message: "out of range", vocabularySize: -1),
        Damage(testDescription: "an id past the vocabulary", message: "tokens[3] is 3, outside") {
            $0["tokens"]?[3] = 3
        },
        Damage(testDescription: "a negative id", message: "tokens[6] is -1, outside") { $0["tokens"]?[6] = -1 },
        Damage(testDescription: "unsorted tokens", message: "not above") { $0["tokens"]?.swapAt(4, 5) },
        Damage(testDescription: "a token twice", message: "not above") { $0["tokens"]?[5] = 1 },
        Damage(testDescription: "a count of 0", message: "counts[5] is 0") { $0["counts"]?[5] = 0 },
        Damage(testDescription: "a negative count", message: "counts[1] is -2") { $0["counts"]?[1] = -2 },
        Damage(testDescription: "counts past a text", message: "more than a text") {
            $0["counts"]?.replaceSubrange(4...5, with: [.max, .max])
        },
        Damage(testDescription: "too high a continuation count", message: "but 1 different tokens") {
            $0["counts"]?[1] = 3
        },
        Damage(testDescription: "an n-gram without its suffix", message: "without the shorter one") {
            // No single c, but the bigram ac.
            ($0["tokens"], $0["counts"], $0["first_child"]) = ([-1, 0, 1, 1, 2, 0], [0, 2, 1, 1, 1, 1], [1, 3, 5, 6])
        },
    ])
    func damagedArraysAreRefused(damage: Damage) throws {
        let model = try NGramModel(order: 2, vocabularySize: 3, documents: [[0, 1, 0, 2]])
        var arrays = dictionary(model)
        #expect(arrays["tokens"] == [-1, 0, 1, 2, 1, 2, 0])
        #expect(arrays["counts"] == [0, 2, 1, 1, 1, 1, 1])
        #expect(arrays["first_child"] == [1, 4, 6, 7, 7])
        damage.change(&arrays)
        let error = #expect(throws: NGramError.self) {
            try NGramModel(order: damage.order, vocabularySize: damage.vocabularySize, arrays: arrays)
        }
        let description = try #require(error).description
        #expect(description.contains(damage.message), "\(description)")
        #expect(!description.contains("\n"))
    }

    /// Any change to any number is either refused or leaves a model that is one.
    @Test func noChangeOfANumberMakesAnUnsoundModel() throws {
        var random = Random(seed: 11)
        let text = random.text(length: 30, vocabularySize: 3)
        let sound = dictionary(try NGramModel(order: 3, vocabularySize: 3, documents: [text]))
        var refused = 0
        for name in sound.keys.sorted() {
            for index in try #require(sound[name]).indices {
                for change: Int32 in [-1, 1, 2, .min, .max] {
                    var arrays = sound
                    arrays[name]?[index] &+= change
                    do {
                        let model = try NGramModel(order: 3, vocabularySize: 3, arrays: arrays)
                        expectDistribution(model, after: [0, 1])
                    } catch {
                        #expect(error is NGramError)
                        refused += 1
                    }
                }
            }
        }
        #expect(refused > 100)
    }

    // MARK: Helpers

    private func dictionary(_ model: NGramModel) -> [String: [Int32]] {
        Dictionary(uniqueKeysWithValues: model.arrays.map { ($0.name, $0.values) })
    }

    private func expectDistribution(
        _ model: NGramModel, after history: [Int32], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var all = [Float](repeating: 0, count: model.vocabularySize)
        model.logProbabilities(after: history[...], into: &all)
        var sum = 0.0
        for token in 0..<model.vocabularySize {
            let one = model.logProbability(of: Int32(token), after: history[...])
            #expect(Float(one) == all[token], sourceLocation: sourceLocation)
            #expect(one.isFinite, sourceLocation: sourceLocation)
            sum += exp(one)
        }
        #expect(abs(sum - 1) < 1e-12, "after \(history)", sourceLocation: sourceLocation)
    }
}

// MARK: - The reference

/// Kneser-Ney as its definitions read, with a dictionary of all n-grams. Slow, and nothing to get wrong.
private struct Reference {
    let order: Int
    let vocabularySize: Int
    var counts: [[Int32]: Int] = [:]
    var discounts: [NGramDiscounts] = []

    init(order: Int, vocabularySize: Int, documents: [[Int32]], discounting: NGramDiscounting) {
        self.order = order
        self.vocabularySize = vocabularySize
        var preceding: [[Int32]: Set<Int32>] = [:]
        for document in documents {
            for start in document.indices {
                for length in 1...order where start + length <= document.count {
                    let ngram = Array(document[start..<(start + length)])
                    if length == order {
                        counts[ngram, default: 0] += 1
                    } else {
                        preceding[ngram, default: []].insert(start > 0 ? document[start - 1] : -1)
                    }
                }
            }
        }
        for (ngram, before) in preceding { counts[ngram] = before.count }
        for length in 1...order {
            func n(_ r: Int) -> Int { counts.count { $0.key.count == length && $0.value == r } }
            discounts.append(NGramDiscounts(discounting, countsOfCounts: (n(1), n(2), n(3), n(4))))
        }
    }

    func probability(of token: Int32, after history: ArraySlice<Int32>) -> Double {
        interpolated(token, Array(history.suffix(order - 1)))
    }

    private func interpolated(_ token: Int32, _ history: [Int32]) -> Double {
        let shorter =
            history.isEmpty ? 1 / Double(vocabularySize) : interpolated(token, Array(history.dropFirst()))
        let followers = (0..<Int32(vocabularySize)).compactMap { counts[history + [$0]] }
        guard !followers.isEmpty else { return shorter }
        let total = Double(followers.reduce(0, +))
        let taken = followers.reduce(0) { $0 + discount(history.count, $1) }
        let kept = counts[history + [token]].map { Double($0) - discount(history.count, $0) } ?? 0
        return kept / total + taken / total * shorter
    }

    private func discount(_ historyLength: Int, _ count: Int) -> Double {
        let discounts = discounts[historyLength]
        return count == 1 ? discounts.one : count == 2 ? discounts.two : discounts.threeOrMore
    }
}

/// Texts in which some tokens are more frequent than others, the same for each seed.
private struct Random {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }

    mutating func text(length: Int, vocabularySize: Int) -> [Int32] {
        (0..<length).map { _ in Int32(min(below(vocabularySize), below(vocabularySize))) }
    }
}
