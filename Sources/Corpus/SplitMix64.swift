/// Random numbers that are the same on every machine (SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014): they decide which rows are for validation, and the pairs of dates.
struct SplitMix64 {
    private var state: UInt64

    /// - Parameters:
    ///   - seed: what a person gives.
    ///   - purpose: what the numbers are for, so that equal seeds do not give equal numbers for different purposes.
    init(seed: UInt64, purpose: UInt64) {
        state = purpose
        state = next() ^ seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }

    /// A number in 0 ..< bound. Its bias is below bound / 2^64.
    mutating func number(below bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }

    /// The numbers in 0 ..< count in random order (Fisher and Yates).
    mutating func permutation(_ count: Int) -> [Int] {
        var numbers = Array(0..<count)
        for last in stride(from: count - 1, to: 0, by: -1) { numbers.swapAt(last, number(below: last + 1)) }
        return numbers
    }
}
