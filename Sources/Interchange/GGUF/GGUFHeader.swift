import StrictJSON

/// Everything before the numbers in a GGUF file, checked against the length of the file.
struct GGUFHeader {
    static let magic = Array("GGUF".utf8)
    static let version: UInt32 = 3
    static let alignmentKey = "general.alignment"
    static let defaultAlignment = 32
    /// The maximum length of a name in llama.cpp, in bytes.
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
        // The minimum sizes of a tensor's description, and of a key with its value.
        let tensorCount = try cursor.count("the number of tensors", each: 24)
        let keyCount = try cursor.count("the number of keys", each: 13)
        for _ in 0..<keyCount { try readKey() }
        var infos: [Info] = []
        for _ in 0..<tensorCount { infos.append(try readInfo()) }
        try locate(infos)
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

    /// Computes the positions of the tensors, which follow each other, each at the next multiple of the alignment.
    private mutating func locate(_ infos: [Info]) throws(ModelError) {
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
            // The last tensor needs no padding after it.
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

/// The next multiple of `alignment`, a power of two; nil if it does not fit in an `Int`.
func aligned(_ position: Int, to alignment: Int) -> Int? {
    let (sum, overflow) = position.addingReportingOverflow(alignment - 1)
    return overflow ? nil : sum & ~(alignment - 1)
}
