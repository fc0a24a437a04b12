/// How numbers are stored where they take less room than 32 bits, or just those.
package enum NumberEncoding: String, StoredNumberType, CaseIterable {
    case float32 = "F32"
    case float16 = "F16"
    /// A float's upper half.
    case bfloat16 = "BF16"
    /// Blocks of 32 numbers: a scale d as a half-precision number, and for each number x an 8-bit integer q, so that x is
    /// about d q. d is the largest magnitude of the block over 127, so the error is at most d / 2, and a number takes 8.5 bits.
    case q8_0 = "Q8_0"

    /// How many numbers are encoded together: only rows of whole blocks can be.
    package var blockLength: Int { self == .q8_0 ? 32 : 1 }

    /// How many bytes a block takes.
    package var blockSize: Int {
        switch self {
        case .float32: 4
        case .float16, .bfloat16: 2
        case .q8_0: 34
        }
    }

    /// The bytes of so many numbers, in whole blocks.
    package func size(of count: Int) -> Int { count / blockLength * blockSize }

    package func byteCount(shape: [Int]) -> Int? {
        guard let count = Interchange.byteCount(of: shape, elementSize: 1),
            case let (size, overflow) = (count / blockLength).multipliedReportingOverflow(by: blockSize), !overflow
        else { return nil }
        return size
    }

    /// Encodes numbers, rounding each to the nearest that there is.
    package func encode(_ numbers: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawBufferPointer) {
        precondition(bytes.count == size(of: numbers.count), "\(bytes.count) bytes for \(numbers.count) numbers")
        switch self {
        case .float32: bytes.copyMemory(from: UnsafeRawBufferPointer(numbers))  // little-endian, as we are
        case .float16: Self.encode(numbers, into: bytes, half(_:))
        case .bfloat16: Self.encode(numbers, into: bytes, bfloat(_:))
        case .q8_0:
            for block in 0..<numbers.count / blockLength {
                let start = block * blockLength
                Self.encodeBlock(
                    UnsafeBufferPointer(rebasing: numbers[start..<start + blockLength]),
                    into: UnsafeMutableRawBufferPointer(rebasing: bytes[block * blockSize..<(block + 1) * blockSize]))
            }
        }
    }

    /// Decodes numbers into memory of exactly as many.
    package func decode(_ bytes: UnsafeRawBufferPointer, into numbers: UnsafeMutableBufferPointer<Float>) {
        precondition(bytes.count == size(of: numbers.count), "\(bytes.count) bytes for \(numbers.count) numbers")
        guard let source = bytes.baseAddress, let target = numbers.baseAddress else { return }
        switch self {
        case .float32: UnsafeMutableRawBufferPointer(numbers).copyMemory(from: bytes)
        case .float16: Self.decode(source, into: target, count: numbers.count) { widened(half: $0) }
        case .bfloat16:
            Self.decode(source, into: target, count: numbers.count) { Float(bitPattern: UInt32($0) << 16) }
        case .q8_0:
            for block in 0..<numbers.count / 32 {
                let start = source + block * 34
                let scale = widened(half: start.loadUnaligned(as: UInt16.self))
                let integers = (start + 2).assumingMemoryBound(to: Int8.self), floats = target + block * 32
                for i in 0..<32 { floats[i] = scale * Float(integers[i]) }
            }
        }
    }

    @inline(__always)
    private static func encode(
        _ numbers: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawBufferPointer, _ bits: (Float) -> UInt16
    ) {
        for i in numbers.indices { bytes.storeBytes(of: bits(numbers[i]), toByteOffset: 2 * i, as: UInt16.self) }
    }

    @inline(__always)
    private static func decode(
        _ source: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>, count: Int, _ value: (UInt16) -> Float
    ) {
        for i in 0..<count { target[i] = value((source + 2 * i).loadUnaligned(as: UInt16.self)) }
    }

    private static func encodeBlock(
        _ numbers: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawBufferPointer
    ) {
        var largest: Float = 0
        for x in numbers { largest = max(largest, x.magnitude) }
        let scale = largest / 127
        bytes.storeBytes(of: half(scale), as: UInt16.self)
        // Integers are of the scale as computed: what its rounding to 11 bits adds is less than their own.
        let inverse = scale > 0 ? 1 / scale : 0
        for i in numbers.indices {
            let rounded = (numbers[i] * inverse).rounded(.toNearestOrAwayFromZero)
            // Not a number stays none: it becomes 0 here, and its block's scale is none.
            bytes[2 + i] = UInt8(bitPattern: Int8(exactly: max(-127, min(127, rounded))) ?? 0)
        }
    }
}

/// The nearest number of half precision, of two equally near the even one; what is beyond the greatest becomes infinite.
@inline(__always)
package func half(_ x: Float) -> UInt16 {
    let sign = UInt16(truncatingIfNeeded: x.bitPattern >> 16) & 0x8000
    let magnitude = x.bitPattern & 0x7FFF_FFFF
    if magnitude > 0x7F80_0000 { return sign | 0x7E00 }
    if magnitude >= 0x4780_0000 { return sign | 0x7C00 }  // 65536 and more
    if magnitude < 0x3880_0000 {
        // Below 2^-14 the fraction counts steps of 2^-24.
        return sign | UInt16((Float(bitPattern: magnitude) * 0x1p24).rounded(.toNearestOrEven))
    }
    // A carry out of the fraction raises the exponent, as it should.
    let rounded = magnitude &+ 0x0FFF &+ (magnitude >> 13 & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded &- 112 << 23) >> 13)
}

/// The nearest bfloat16, of two equally near the even one.
@inline(__always)
func bfloat(_ x: Float) -> UInt16 {
    let bits = x.bitPattern
    if bits & 0x7FFF_FFFF > 0x7F80_0000 { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
}

/// The value of a half-precision number, without a branch: as `float(half:)`, for many of them.
///
/// The exponent and fraction moved to a float's place make a number too small by 2^112, also where they are below the
/// smallest normal one.
@inline(__always)
private func widened(half bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let moved = UInt32(bits & 0x7FFF) << 13
    let isFinite = bits & 0x7C00 != 0x7C00
    let finite = (Float(bitPattern: moved) * 0x1p112).bitPattern
    return Float(bitPattern: sign | (isFinite ? finite : moved | 0x7F80_0000))
}
