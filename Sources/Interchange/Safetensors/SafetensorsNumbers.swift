extension SafetensorsFile {
    /// The numbers of a tensor as single precision, in row-major order.
    ///
    /// F32 is taken bit for bit, F16 and BF16 are widened exactly, F64 is rounded. Throws for integers: to take a
    /// quantised weight for its value would be wrong in silence.
    package func floats(_ name: String) throws -> [Float] {
        let count = try entry(name).count
        return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            try copyFloats(name, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            initialized = count
        }
    }

    /// Like `floats`, into memory of exactly as many numbers, which need not be initialised.
    package func copyFloats(_ name: String, into target: UnsafeMutableBufferPointer<Float>) throws {
        let entry = try entry(name)
        guard target.count == entry.count else {
            throw failure("the tensor \(quoted(name)) has \(entry.count) numbers where \(target.count) are needed")
        }
        try withBytes(name) { bytes in
            switch entry.dtype {
            case .float32: UnsafeMutableRawBufferPointer(target).copyMemory(from: bytes)  // little-endian, as we are
            case .float64: convert(bytes, into: target) { (bits: UInt64) in Float(Double(bitPattern: bits)) }
            case .bfloat16: convert(bytes, into: target) { (bits: UInt16) in Float(bitPattern: UInt32(bits) << 16) }
            case .float16: convert(bytes, into: target, float(half:))
            default:
                throw failure("the tensor \(quoted(name)) has the dtype \(entry.dtype.rawValue), not real numbers")
            }
        }
    }

    /// Gives the memory of a tensor back that has been copied. What is written to it in place must not be.
    func release(_ name: String) throws {
        let entry = try entry(name)
        if entry.dtype != .float32 { file.release(entry.range) }
    }

    /// The numbers of a tensor in double precision, where it has it.
    package func doubles(_ name: String) throws -> [Double] {
        guard try entry(name).dtype == .float64 else { return try floats(name).map(Double.init) }
        return try withBytes(name) { bytes in
            widen(bytes, Int64.self).map { Double(bitPattern: UInt64(bitPattern: $0)) }
        }
    }

    /// The numbers of a tensor of integers or booleans, in row-major order. Throws for real numbers, and for a U64 too
    /// large for an `Int64`.
    package func integers(_ name: String) throws -> [Int64] {
        let dtype = try entry(name).dtype
        return try withBytes(name) { bytes in
            switch dtype {
            case .int64: return widen(bytes, Int64.self)
            case .int32: return widen(bytes, Int32.self)
            case .int16: return widen(bytes, Int16.self)
            case .int8: return widen(bytes, Int8.self)
            case .uint32: return widen(bytes, UInt32.self)
            case .uint16: return widen(bytes, UInt16.self)
            case .uint8: return widen(bytes, UInt8.self)
            case .bool: return bytes.map { $0 == 0 ? 0 : 1 }
            case .uint64:
                let values = widen(bytes, Int64.self)
                guard values.allSatisfy({ $0 >= 0 }) else {
                    throw failure("the tensor \(quoted(name)) has an integer beyond \(Int64.max)")
                }
                return values
            default: throw failure("the tensor \(quoted(name)) has the dtype \(dtype.rawValue), not integers")
            }
        }
    }
}

/// Converts the little-endian integers in `bytes` one by one.
@inline(__always)
private func convert<Bits: FixedWidthInteger>(
    _ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<Float>, _ value: (Bits) -> Float
) {
    for index in target.indices {
        let bits = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Bits>.size, as: Bits.self)
        target.initializeElement(at: index, to: value(Bits(littleEndian: bits)))
    }
}

private func widen<Narrow: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, _: Narrow.Type
) -> [Int64] {
    stride(from: 0, to: bytes.count, by: MemoryLayout<Narrow>.size).map { offset in
        Int64(truncatingIfNeeded: Narrow(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Narrow.self)))
    }
}

/// The value of a half-precision number (IEEE 754 binary16: 1 bit of sign, 5 of exponent, 10 of fraction). Swift's own
/// `Float16` is not there on every processor.
@inline(__always)
func float(half bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let magnitude = UInt32(bits & 0x7FFF)
    switch magnitude {
    case 0x0400..<0x7C00:  // normal: the exponent's bias grows from 15 to 127
        return Float(bitPattern: sign | (magnitude << 13 &+ 112 << 23))
    case 0x7C00...:  // infinity and not a number
        return Float(bitPattern: sign | 0x7F80_0000 | magnitude << 13)
    default:  // below 2^-14: the fraction counts steps of 2^-24
        return Float(bitPattern: sign | (Float(magnitude) * 0x1p-24).bitPattern)
    }
}
