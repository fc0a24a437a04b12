/// How the numbers of a weight are stored: in 32 bits or fewer.
package enum NumberEncoding: String, StoredNumberType, CaseIterable {
    /// IEEE 754 single precision.
    case float32 = "F32"
    /// IEEE 754 half precision.
    case float16 = "F16"
    /// The upper half of a float.
    case bfloat16 = "BF16"
    /// Blocks of 32 numbers: a scale d in half precision, and for each number x an 8-bit integer q, with x ≈ d q. d is the
    /// largest magnitude of the block divided by 127, so the error is at most d / 2. A number takes 8.5 bits.
    case q8_0 = "Q8_0"

    /// How many numbers are encoded together. A row must consist of whole blocks.
    package var blockLength: Int { self == .q8_0 ? 32 : 1 }

    /// The number of bytes of a block.
    package var blockSize: Int {
        switch self {
        case .float32: 4
        case .float16, .bfloat16: 2
        case .q8_0: 34
        }
    }

    /// The number of bytes of `count` numbers, in whole blocks.
    package func size(of count: Int) -> Int { count / blockLength * blockSize }

    package func byteCount(shape: [Int]) -> Int? {
        guard let count = Interchange.byteCount(of: shape, elementSize: 1),
            case let (size, overflow) = (count / blockLength).multipliedReportingOverflow(by: blockSize), !overflow
        else { return nil }
        return size
    }

    /// Encodes numbers, each rounded to the nearest that can be represented.
    package func encode(_ numbers: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawBufferPointer) {
        precondition(bytes.count == size(of: numbers.count), "\(bytes.count) bytes for \(numbers.count) numbers")
        switch self {
        case .float32: bytes.copyMemory(from: UnsafeRawBufferPointer(numbers))  // both little-endian
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

    /// Decodes numbers into memory for exactly as many.
    package func decode(_ bytes: UnsafeRawBufferPointer, into numbers: UnsafeMutableBufferPointer<Float>) {
        precondition(bytes.count == size(of: numbers.count), "\(bytes.count) bytes for \(numbers.count) numbers")
        guard let source = bytes.baseAddress, let target = numbers.baseAddress else { return }
        switch self {
        case .float32: UnsafeMutableRawBufferPointer(numbers).copyMemory(from: bytes)
        case .float16: Self.decode(source, into: target, count: numbers.count, float(half:))
        case .bfloat16: Self.decode(source, into: target, count: numbers.count, float(bfloat:))
        case .q8_0:
            for block in 0..<numbers.count / 32 {
                let start = source + block * 34
                let scale = float(half: start.loadUnaligned(as: UInt16.self))
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
        // The integers are computed with the exact scale: rounding it to 11 bits adds less error than rounding to integers.
        let inverse = scale > 0 ? 1 / scale : 0
        for i in numbers.indices {
            let rounded = (numbers[i] * inverse).rounded(.toNearestOrAwayFromZero)
            // A NaN becomes 0 here, but the scale of its block is NaN too.
            bytes[2 + i] = UInt8(bitPattern: Int8(exactly: max(-127, min(127, rounded))) ?? 0)
        }
    }
}
