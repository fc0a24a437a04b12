import StrictJSON

/// A position in the bytes of a GGUF file that advances as they are read, and never past their end.
struct GGUFCursor {
    let bytes: UnsafeRawBufferPointer
    let path: String
    var position = 0

    /// The number of bytes left.
    var remaining: Int { bytes.count - position }

    func failure(_ reason: String) -> ModelError { ModelError(path: path, reason: reason) }

    /// Throws unless `count` bytes are left.
    func demand(_ count: Int, for what: String) throws(ModelError) {
        guard count <= remaining else {
            throw failure("truncated: \(what) at byte \(position) needs \(count) bytes and \(remaining) are left")
        }
    }

    /// Reads an integer.
    mutating func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ what: String, as: Integer.Type = Integer.self
    ) throws(ModelError) -> Integer {
        let size = MemoryLayout<Integer>.size
        try demand(size, for: what)
        let value = bytes.loadUnaligned(fromByteOffset: position, as: Integer.self)
        position += size
        return Integer(littleEndian: value)
    }

    /// Reads a count of elements of at least `size` bytes each. Throws if the remaining bytes cannot contain that many.
    mutating func count(_ what: String, each size: Int) throws(ModelError) -> Int {
        let count = try integer(what, as: UInt64.self)
        guard count <= UInt64(remaining / size) else {
            throw failure("\(what) is \(count), too much for the \(remaining) bytes that follow")
        }
        return Int(count)
    }

    /// Reads a string.
    mutating func string(_ what: String) throws(ModelError) -> String {
        let length = try count("the length of \(what)", each: 1)
        guard let string = String(validating: bytes[position..<position + length], as: UTF8.self) else {
            throw failure("\(what) at byte \(position) is not valid UTF-8")
        }
        position += length
        return string
    }

    /// Reads a value that is not an array.
    mutating func value(_ type: GGUFValueType, _ key: String) throws(ModelError) -> GGUFValue {
        let what = "the value of \(named(key))"
        switch type {
        case .uint8: return .integer(Int(try integer(what, as: UInt8.self)))
        case .int8: return .integer(Int(try integer(what, as: Int8.self)))
        case .uint16: return .integer(Int(try integer(what, as: UInt16.self)))
        case .int16: return .integer(Int(try integer(what, as: Int16.self)))
        case .uint32: return .integer(Int(try integer(what, as: UInt32.self)))
        case .int32: return .integer(Int(try integer(what, as: Int32.self)))
        case .int64: return .integer(Int(try integer(what, as: Int64.self)))
        case .uint64:
            let value = try integer(what, as: UInt64.self)
            return Int(exactly: value).map(GGUFValue.integer) ?? .huge(value)
        case .float32:
            let number = Float(bitPattern: try integer(what, as: UInt32.self))
            // The shortest decimal of the float: 1e-5 rather than the double nearest to the float of 1e-5.
            return .number(Double(number.description) ?? Double(number))
        case .float64: return .number(Double(bitPattern: try integer(what, as: UInt64.self)))
        case .bool:
            let byte = try integer(what, as: UInt8.self)
            guard byte < 2 else { throw failure("\(what) is \(byte), which is neither true nor false") }
            return .bool(byte == 1)
        case .string: return .string(try string(what))
        case .array: throw failure("\(what) contains arrays of arrays, which are not supported")
        }
    }

    /// Skips an array; of strings only the lengths are checked.
    mutating func array(_ key: String) throws(ModelError) -> GGUFArray {
        let what = "the array \(named(key))"
        let type = try type(what)
        let count = try count("the length of \(what)", each: type.size ?? 8)
        let start = position
        switch type {
        case .array: throw failure("\(what) contains arrays, which are not supported")
        case .string:
            for _ in 0..<count { position += try self.count("the length of a string of \(named(key))", each: 1) }
        default: position += count * (type.size ?? 0)  // within the remaining bytes, as `count` has checked
        }
        return GGUFArray(type: type, count: count, range: start..<position)
    }

    /// Reads the type of a value.
    mutating func type(_ key: String) throws(ModelError) -> GGUFValueType {
        let number = try integer("the type of \(key)", as: UInt32.self)
        guard let type = GGUFValueType(rawValue: number) else {
            throw failure("\(key) has a value of the unknown type \(number)")
        }
        return type
    }
}

/// A key for an error message: as it is, or quoted if it has unusual characters.
func named(_ key: String) -> String {
    key.utf8.count <= 100 && key.utf8.allSatisfy { 0x21...0x7E ~= $0 } ? key : quoted(key)
}
