import Platform

/// Random numbers as a function of a key and a counter: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random
/// numbers: as easy as 1, 2, 3", 2011).
///
/// There is no state to save or to share. The key is derived from the purpose of the numbers (the seed, the step, the
/// site). So a resumed run, or a run with another number of threads, draws the same numbers.
public struct Philox: RandomNumberGenerator, Sendable {
    private let key: UInt64
    private var counter: UInt64 = 0
    private var words: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    private var used = 4

    /// - Parameter purpose: for example the seed, the step and the micro-batch. Different purposes give independent
    ///   sequences.
    public init(_ purpose: UInt64...) { self.init(key: Self.key(purpose)) }

    package init(key: UInt64) { self.key = key }

    /// Mixes several numbers into one key, each with a call of the whole function.
    package static func key(_ purpose: [UInt64]) -> UInt64 {
        purpose.reduce(0x5357_4946_5447_5054) { key, number in
            let words = block(counter: (number, UInt64(purpose.count)), key: key)
            return UInt64(words.0) << 32 | UInt64(words.1)
        }
    }

    /// Four words at one counter.
    package static func block(counter: (low: UInt64, high: UInt64), key: UInt64) -> (UInt32, UInt32, UInt32, UInt32) {
        var c0 = UInt32(truncatingIfNeeded: counter.low), c1 = UInt32(truncatingIfNeeded: counter.low >> 32)
        var c2 = UInt32(truncatingIfNeeded: counter.high), c3 = UInt32(truncatingIfNeeded: counter.high >> 32)
        var k0 = UInt32(truncatingIfNeeded: key), k1 = UInt32(truncatingIfNeeded: key >> 32)
        for _ in 0..<10 {
            let a = c0.multipliedFullWidth(by: 0xD251_1F53), b = c2.multipliedFullWidth(by: 0xCD9E_8D57)
            (c0, c1, c2, c3) = (b.high ^ c1 ^ k0, b.low, a.high ^ c3 ^ k1, a.low)
            k0 &+= 0x9E37_79B9
            k1 &+= 0xBB67_AE85
        }
        return (c0, c1, c2, c3)
    }

    private mutating func nextWord() -> UInt32 {
        if used == 4 {
            words = Self.block(counter: (counter, 0), key: key)
            counter += 1
            used = 0
        }
        defer { used += 1 }
        switch used {
        case 0: return words.0
        case 1: return words.1
        case 2: return words.2
        default: return words.3
        }
    }

    public mutating func next() -> UInt64 {
        let low = nextWord()
        return UInt64(nextWord()) << 32 | UInt64(low)
    }

    /// A uniform random number in 0 ..< 1, a multiple of 2^-53.
    public mutating func nextUniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A standard normal random number (Box and Muller, 1958).
    public mutating func nextNormal() -> Double {
        let radius = (-2 * log(1 - nextUniform())).squareRoot()
        return radius * cos(2 * .pi * nextUniform())
    }
}

extension Tensor {
    /// Normal random numbers with mean 0 and the given standard deviation.
    public static func normal(_ shape: Shape, deviation: Double, using random: inout Philox) -> Tensor {
        Tensor(shape, (0..<shape.count).map { _ in Float(deviation * random.nextNormal()) })
    }
}
