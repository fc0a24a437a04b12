import Interchange
import TestSupport
import Testing

@Suite struct NumberEncodingTests {
    private static func round(_ numbers: [Float], _ encoding: NumberEncoding) -> [Float] {
        var bytes = [UInt8](repeating: 0, count: encoding.size(of: numbers.count))
        var decoded = [Float](repeating: 0, count: numbers.count)
        numbers.withUnsafeBufferPointer { numbers in
            bytes.withUnsafeMutableBytes { encoding.encode(numbers, into: $0) }
        }
        decoded.withUnsafeMutableBufferPointer { decoded in
            bytes.withUnsafeBytes { encoding.decode($0, into: decoded) }
        }
        return decoded
    }

    @Test("Every half-precision number comes back as itself")
    func halves() {
        let numbers = (UInt16.min...UInt16.max).map { (bits: UInt16) -> Float in
            let magnitude = Int(bits & 0x7FFF), fraction = Float(bits & 0x3FF)
            let sign: Float = bits & 0x8000 == 0 ? 1 : -1
            if magnitude > 0x7C00 { return .nan }
            if magnitude == 0x7C00 { return sign * .infinity }
            if magnitude < 0x400 { return sign * fraction * 0x1p-24 }
            return sign * Float(sign: .plus, exponent: (magnitude >> 10) - 15, significand: 1 + fraction / 1024)
        }
        for (expected, number) in zip(numbers, Self.round(numbers, .float16)) {
            #expect(expected.isNaN ? number.isNaN : expected.bitPattern == number.bitPattern)
        }
    }

    private static let halfCases: [(Float, Float)] = [
        (1.00048828125, 1), (1.00146484375, 1.001953125), (65519, 65504), (65520, .infinity), (-65520, -.infinity),
        (1e30, .infinity), (0x1p-25, 0), (0x1.8p-24, 0x1p-23), (0x1.000002p-25, 0x1p-24), (-0x1p-30, -0.0),
        (0x1.ff8p-15, 0x1.ff8p-15), (0x1.fffp-15, 0x1p-14), (0.1, 0.0999755859375),
    ]

    @Test(
        "Half precision rounds to the nearest, and to even between two",
        arguments: halfCases)
    func halfRounding(number: Float, expected: Float) {
        #expect(Self.round([number], .float16)[0].bitPattern == expected.bitPattern)
    }

    private static let bfloatCases: [(Float, Float)] = [
        (1.00390625, 1), (1.01171875, 1.015625), (.greatestFiniteMagnitude, .infinity), (-.infinity, -.infinity),
        (0x1p-149, 0), (0.1, 0.10009765625),
    ]

    @Test(
        "bfloat16 rounds to the nearest, and to even between two",
        arguments: bfloatCases)
    func bfloatRounding(number: Float, expected: Float) {
        #expect(Self.round([number], .bfloat16)[0].bitPattern == expected.bitPattern)
    }

    @Test("What is no number stays none", arguments: [NumberEncoding.float32, .float16, .bfloat16])
    func nan(encoding: NumberEncoding) {
        #expect(Self.round([.nan, Float(bitPattern: 0x7F80_0001)], encoding).allSatisfy { $0.isNaN })
    }

    @Test("In blocks no number is further off than half a step of its block")
    func blocks() {
        var generator = SeededGenerator(seed: 1)
        let numbers = (0..<320).map { i in Float.random(in: -1...1, using: &generator) * Float(1 << (i / 32)) }
        let decoded = Self.round(numbers, .q8_0)
        for block in 0..<10 {
            let largest = numbers[block * 32..<block * 32 + 32].map(\.magnitude).max() ?? 0
            for i in block * 32..<block * 32 + 32 {
                // Half a step, and what rounding the scale to 11 bits adds.
                #expect(abs(numbers[i] - decoded[i]) <= largest / 127 * (0.5 + 127 * 0x1p-11))
            }
        }
        #expect(Self.round([Float](repeating: 0, count: 32), .q8_0) == [Float](repeating: 0, count: 32))
        #expect(NumberEncoding.q8_0.size(of: 64) == 68)
    }
}
