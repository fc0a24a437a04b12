import StrictJSON

/// A place in the bytes of a GGUF file that moves on as they are read, and never past their end.
struct GGUFCursor {
    let bytes: UnsafeRawBufferPointer
    let path: String
    var position = 0

    /// How many bytes are left.
    var remaining: Int { bytes.count - position }

    func failure(_ reason: String) -> ModelError { ModelError(path: path, reason: reason) }

    /// Throws unless so many bytes are left.
    func demand(_ count: Int, for what: String) throws(ModelError) {
        guard count <= remaining else {
            throw failure("truncated: \(what) at byte \(position) needs \(count) bytes and \(remaining) are left")
        }
    }

    mutating func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ what: String, as: Integer.Type = Integer.self
    ) throws(ModelError) -> Integer {
        let size = MemoryLayout<Integer>.size
        try demand(size, for: what)
        let value = bytes.loadUnaligned(fromByteOffset: position, as: Integer.self)
        position += size
        return Integer(littleEndian: value)
    }

    /// A count of things of which each takes at least `size` bytes, so that no more can be there than are left for.
    mutating func count(_ what: String, each size: Int) throws(ModelError) -> Int {
        let count = try integer(what, as: UInt64.self)
        guard count <= UInt64(remaining / size) else {
            throw failure("\(what) is \(count), too much for the \(remaining) bytes that follow")
        }
        return Int(count)
    }

    mutating func string(_ what: String) throws(ModelError) -> String {
        let length = try count("the length of \(what)", each: 1)
        guard let string = String(validating: bytes[position..<position + length], as: UTF8.self) else {
            throw failure("\(what) at byte \(position) is not valid UTF-8")
        }
        position += length
        return string
    }

    /// A value of one type, which is no array.
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
            // As people write it: 1e-5 rather than the nearest double of what a float makes of that.
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

    /// Steps over an array, whose strings are only checked for their lengths.
    mutating func array(_ key: String) throws(ModelError) -> GGUFArray {
        let what = "the array \(named(key))"
        let type = try type(what)
        let count = try count("the length of \(what)", each: type.size ?? 8)
        let start = position
        switch type {
        case .array: throw failure("\(what) contains arrays, which are not supported")
        case .string:
            for _ in 0..<count { position += try self.count("the length of a string of \(named(key))", each: 1) }
        default: position += count * (type.size ?? 0)  // no more than are left: the count says so
        }
        return GGUFArray(type: type, count: count, range: start..<position)
    }

    mutating func type(_ key: String) throws(ModelError) -> GGUFValueType {
        let number = try integer("the type of \(key)", as: UInt32.self)
        guard let type = GGUFValueType(rawValue: number) else {
            throw failure("\(key) has a value of the unknown type \(number)")
        }
        return type
    }
}

/// A key as it can stand on a line.
func named(_ key: String) -> String {
    key.utf8.count <= 100 && key.utf8.allSatisfy { 0x21...0x7E ~= $0 } ? key : quoted(key)
}

/// What stands in a GGUF file before the numbers, checked against the file's length.
struct GGUFHeader {
    static let magic = Array("GGUF".utf8)
    static let version: UInt32 = 3
    static let alignmentKey = "general.alignment"
    static let defaultAlignment = 32
    /// llama.cpp has no names of more bytes.
    static let greatestName = 63

    private(set) var keys: [String] = []
    private(set) var values: [UTF8Key: GGUFValue] = [:]
    private(set) var names: [String] = []
    private(set) var entries: [UTF8Key: GGUFFile.Entry] = [:]
    private var cursor: GGUFCursor

    init(_ cursor: GGUFCursor) { self.cursor = cursor }

    mutating func read() throws(ModelError) {
        guard cursor.bytes.starts(with: Self.magic) else { throw cursor.failure("not a GGUF file") }
        cursor.position = Self.magic.count
        let version = try cursor.integer("the version", as: UInt32.self)
        guard version == 2 || version == 3 else {
            throw cursor.failure(
                version & 0xFFFF == 0
                    ? "its numbers are big-endian, which is not supported"
                    : "it has version \(version) of the format; 2 and 3 are supported")
        }
        // The least that a tensor's description and a key with its value can take.
        let tensorCount = try cursor.count("the number of tensors", each: 24)
        let keyCount = try cursor.count("the number of keys", each: 13)
        for _ in 0..<keyCount { try readKey() }
        var infos: [Info] = []
        for _ in 0..<tensorCount { infos.append(try readInfo()) }
        try place(infos)
    }

    private mutating func readKey() throws(ModelError) {
        let key = try cursor.string("a key")
        guard !key.isEmpty else { throw cursor.failure("a key is empty") }
        let type = try cursor.type("the key \(quoted(key))")
        let value: GGUFValue = type == .array ? .array(try cursor.array(key)) : try cursor.value(type, key)
        guard values.updateValue(value, forKey: UTF8Key(key)) == nil else {
            throw cursor.failure("the key \(quoted(key)) occurs twice")
        }
        keys.append(key)
    }

    private struct Info {
        let name: String
        let shape: [Int]
        let encoding: NumberEncoding
        let size: Int
        let offset: UInt64
    }

    private mutating func readInfo() throws(ModelError) -> Info {
        let name = try cursor.string("a tensor's name")
        let tensor = "the tensor \(quoted(name))"
        guard 1...Self.greatestName ~= name.utf8.count else {
            throw cursor.failure(
                "\(tensor) has a name of \(name.utf8.count) bytes; 1 to \(Self.greatestName) are allowed")
        }
        let rank = try cursor.integer("the rank of \(tensor)", as: UInt32.self)
        guard 1...4 ~= rank else { throw cursor.failure("\(tensor) has \(rank) dimensions; 1 to 4 are allowed") }
        var innermostFirst: [Int] = []
        var count = 1
        for _ in 0..<rank {
            let dimension = try cursor.integer("the shape of \(tensor)", as: UInt64.self)
            guard let length = Int(exactly: dimension), length > 0,
                case let (product, overflow) = count.multipliedReportingOverflow(by: length), !overflow
            else { throw cursor.failure("\(tensor) has an impossible shape") }
            innermostFirst.append(length)
            count = product
        }
        let type = try cursor.integer("the type of \(tensor)", as: UInt32.self)
        guard let encoding = GGUFType.encoding(type) else {
            throw cursor.failure(
                "\(tensor) is of \(GGUFType.name(type)), which is not supported; F32, F16, BF16 and Q8_0 are; convert it "
                    + "with 'llama-quantize --allow-requantize'")
        }
        guard innermostFirst[0] % encoding.blockLength == 0,
            case let (size, overflow) = (count / encoding.blockLength).multipliedReportingOverflow(
                by: encoding.blockSize),
            !overflow
        else {
            throw cursor.failure(
                "\(tensor) has rows of \(innermostFirst[0]) numbers, which \(encoding.rawValue) cannot store")
        }
        let offset = try cursor.integer("the offset of \(tensor)", as: UInt64.self)
        return Info(name: name, shape: innermostFirst.reversed(), encoding: encoding, size: size, offset: offset)
    }

    /// Finds the tensors' places, which follow one another at the next multiple of the alignment.
    private mutating func place(_ infos: [Info]) throws(ModelError) {
        let alignment = try alignment()
        let end = cursor.bytes.count
        guard let start = aligned(cursor.position, to: alignment), start <= end || infos.isEmpty else {
            throw cursor.failure(
                "truncated: its tensors would begin at byte \(cursor.position), and it has \(end) bytes")
        }
        var position = start
        for info in infos {
            let tensor = "the tensor \(quoted(info.name))"
            guard info.offset == UInt64(position - start) else {
                throw cursor.failure(
                    "\(tensor) has the offset \(info.offset), and the previous tensor ends at \(position - start)")
            }
            guard info.size <= end - position else {
                throw cursor.failure(
                    "truncated: \(tensor) needs \(info.size) bytes and \(max(0, end - position)) are left")
            }
            let entry = GGUFFile.Entry(
                encoding: info.encoding, shape: info.shape, range: position..<position + info.size)
            guard entries.updateValue(entry, forKey: UTF8Key(info.name)) == nil else {
                throw cursor.failure("\(tensor) occurs twice")
            }
            names.append(info.name)
            // Padding is not needed behind the last.
            position = min(end, aligned(position + info.size, to: alignment) ?? end)
        }
        guard position == end || infos.isEmpty else {
            throw cursor.failure("\(end - position) bytes follow the last tensor")
        }
    }

    private func alignment() throws(ModelError) -> Int {
        guard let value = values[UTF8Key(Self.alignmentKey)] else { return Self.defaultAlignment }
        guard case .integer(let alignment) = value, 1...1 << 20 ~= alignment, alignment & (alignment - 1) == 0 else {
            throw cursor.failure("its \(Self.alignmentKey) is not a power of two up to \(1 << 20)")
        }
        return alignment
    }
}

/// The next multiple of `alignment`, a power of two; nil where there is none.
func aligned(_ position: Int, to alignment: Int) -> Int? {
    let (sum, overflow) = position.addingReportingOverflow(alignment - 1)
    return overflow ? nil : sum & ~(alignment - 1)
}
