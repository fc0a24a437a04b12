/// The number of discounts of an order of n-grams, in which the two smoothing methods of Chen and Goodman differ.
public enum NGramDiscounting: Int, Sendable, CaseIterable {
    /// One discount per order, whatever the count: D = n1 / (n1 + 2 n2). (Kneser and Ney 1995, interpolated.)
    case single = 1
    /// Three discounts per order, for the counts 1, 2, and 3 or more. (Chen and Goodman 1998, "modified".)
    case modified = 3
}

/// The amounts that an order of n-grams subtracts from its counts, to pass them on to the order below.
///
/// An n-gram that occurs once in one half of a text occurs, on average, less than once in the other half: the counts of
/// observed n-grams are too high, because they leave nothing for unobserved ones. The excess can be estimated from the
/// *counts of counts*: with n_r the number of n-grams of this order counted exactly r times (Chen and Goodman 1998, eq.
/// 26),
///
///     Y   = n1 / (n1 + 2 n2)
///     D1  = 1 - 2 Y n2 / n1         subtracted from a count of 1
///     D2  = 2 - 3 Y n3 / n2         subtracted from a count of 2
///     D3+ = 3 - 4 Y n4 / n3         subtracted from a count of 3 or more
///
/// In a tiny text, or among the few dozen single characters of a large one, some n_r are zero and the estimates are
/// meaningless. Then the order uses ``fallback(_:)``: unless n1, n2, n3 and n4 are all positive (n1 and n2 for a single
/// discount) and every D_k is above 0. So always 0 < D_k <= k, no count becomes negative, and every context passes
/// something on to the order below it.
public struct NGramDiscounts: Sendable, Equatable {
    /// D1, D2 and D3+, subtracted from the counts 1, 2, and 3 or more.
    public let one, two, threeOrMore: Double

    /// The discounts of an order whose counts of counts are too few for an estimate: half of each count.
    public static func fallback(_ discounting: NGramDiscounting) -> NGramDiscounts {
        switch discounting {
        case .single: NGramDiscounts(one: 0.5, two: 0.5, threeOrMore: 0.5)
        case .modified: NGramDiscounts(one: 0.5, two: 1, threeOrMore: 1.5)
        }
    }

    /// The discounts of an order with `countsOfCounts` n-grams that occur once, twice, three and four times.
    package init(_ discounting: NGramDiscounting, countsOfCounts: (Int, Int, Int, Int)) {
        let n1 = Double(countsOfCounts.0)
        let n2 = Double(countsOfCounts.1)
        let n3 = Double(countsOfCounts.2)
        let n4 = Double(countsOfCounts.3)
        self = .fallback(discounting)

        guard n1 > 0, n2 > 0 else { return }
        let Y = n1 / (n1 + 2 * n2)
        switch discounting {
        case .single:
            self.init(one: Y, two: Y, threeOrMore: Y)
        case .modified:
            guard n3 > 0, n4 > 0 else { return }
            let D1 = 1 - 2 * Y * n2 / n1
            let D2 = 2 - 3 * Y * n3 / n2
            let D3 = 3 - 4 * Y * n4 / n3
            guard D1 > 0, D2 > 0, D3 > 0 else { return }
            self.init(one: D1, two: D2, threeOrMore: D3)
        }
    }

    private init(one: Double, two: Double, threeOrMore: Double) {
        self.one = one
        self.two = two
        self.threeOrMore = threeOrMore
    }

    /// D(count), for a count of at least 1.
    subscript(count: Int32) -> Double {
        switch count {
        case 1: one
        case 2: two
        default: threeOrMore
        }
    }
}
