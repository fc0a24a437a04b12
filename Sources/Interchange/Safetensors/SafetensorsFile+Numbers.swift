extension SafetensorsFile {
    /// The numbers of a tensor in single precision and row-major order.
    ///
    /// F32 is copied bit for bit, F16 and BF16 are converted exactly, F64 is rounded.
    /// - Throws: for integers, because those of a quantized weight are not its values.
    package func floats(_ name: String) throws -> [Float] {
        let count = try entry(name).count
        return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            try copyFloats(name, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            initialized = count
        }
    }

    /// Like `floats`, into memory for exactly as many numbers, which need not be initialized.
    package func copyFloats(_ name: String, into target: UnsafeMutableBufferPointer<Float>) throws {
        let entry = try entry(name)
        guard target.count == entry.count else {
            throw failure("the tensor \(quoted(name)) has \(entry.count) numbers where \(target.count) are needed")
        }
        try withBytes(name) { bytes in
            switch entry.dtype {
            case .float32: UnsafeMutableRawBufferPointer(target).copyMemory(from: bytes)  // both little-endian
            case .float64: convert(bytes, into: target) { (bits: UInt64) in Float(Double(bitPattern: bits)) }
            case .bfloat16: convert(bytes, into: target, float(bfloat:))
            case .float16: convert(bytes, into: target, float(half:))
            default:
                throw failure("the tensor \(quoted(name)) has the dtype \(entry.dtype.rawValue), not real numbers")
            }
        }
    }

    /// Releases the memory of a tensor that was copied; not of F32, which may be used in place and modified.
    func release(_ name: String) throws {
        let entry = try entry(name)
        if entry.dtype != .float32 { file.release(entry.range) }
    }

    /// The numbers of a tensor in double precision.
    package func doubles(_ name: String) throws -> [Double] {
        guard try entry(name).dtype == .float64 else { return try floats(name).map(Double.init) }
        return try withBytes(name) { bytes in
            widen(bytes, Int64.self).map { Double(bitPattern: UInt64(bitPattern: $0)) }
        }
    }

    /// The numbers of a tensor of integers or booleans, in row-major order.
    /// - Throws: for real numbers, and for a U64 too large for an `Int64`.
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
