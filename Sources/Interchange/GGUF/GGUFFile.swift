import Files
import StrictJSON

/// A file in llama.cpp's format GGUF: values by key, then tensors by name.
///
/// Magic "GGUF", version 3, the numbers of tensors and of keys; each key with its value; each tensor's name, dimensions
/// (innermost first), type and place; then, from the next multiple of the alignment on, the numbers, each tensor's from a
/// multiple of the alignment. All little-endian.
///
/// The file is taken as hostile. No count is believed before it is held against the bytes that are left, and no product or
/// sum is taken that could wrap. Keys and names are there once; the tensors lie one after another as llama.cpp demands it,
/// so that none overlaps another or reaches beyond the end. Arrays stay where they are until they are asked for.
package final class GGUFFile: Sendable {
    /// A tensor as it lies in the file.
    package struct Entry: Sendable {
        package let encoding: NumberEncoding
        /// Outermost dimension first.
        package let shape: [Int]
        /// Where it lies, counted from the start of the file.
        package let range: Range<Int>

        /// How many numbers it holds.
        package var count: Int { shape.reduce(1, *) }
    }

    package let path: String
    /// The names of the tensors in the order of the file.
    package let names: [String]
    /// The keys in the order of the file.
    package let keys: [String]

    let file: MappedFile
    private let values: [UTF8Key: GGUFValue]
    private let entries: [UTF8Key: Entry]

    /// Opens the file at `path` and checks all but the numbers. Throws one line that says what is wrong with the file.
    package init(path: String) throws {
        self.path = path
        file = try MappedFile(path: path)
        var header = GGUFHeader(GGUFCursor(bytes: file.bytes, path: path))
        try header.read()
        names = header.names
        keys = header.keys
        values = header.values
        entries = header.entries
    }

    /// Whether the file at `path` begins as a GGUF file does. Throws where it cannot be read.
    package static func isOne(_ path: String) throws -> Bool {
        let file = try MappedFile(path: path)
        return withExtendedLifetime(file) { file.bytes.starts(with: GGUFHeader.magic) }
    }

    // MARK: Tensors

    package func contains(_ name: String) -> Bool { entries[UTF8Key(name)] != nil }

    /// The type, shape and place of a tensor. Throws where there is none of that name.
    package func entry(_ name: String) throws(ModelError) -> Entry {
        guard let entry = entries[UTF8Key(name)] else { throw failure("the tensor \(quoted(name)) is missing") }
        return entry
    }

    /// Calls `body` with the bytes of a tensor, which are valid only until it returns.
    package func withBytes<Result>(
        of entry: Entry, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try withExtendedLifetime(file) { try body(UnsafeRawBufferPointer(rebasing: file.bytes[entry.range])) }
    }

    // MARK: Values

    /// The value of a key; nil where there is none.
    package subscript(key: String) -> GGUFValue? { values[UTF8Key(key)] }

    package func string(_ key: String) throws(ModelError) -> String? {
        guard let value = self[key] else { return nil }
        guard case .string(let string) = value else {
            throw failure("its \(named(key)) is \(value.kind), not a string")
        }
        return string
    }

    /// A whole number of any width.
    package func integer(_ key: String) throws(ModelError) -> Int? {
        guard let value = self[key] else { return nil }
        guard case .integer(let integer) = value else {
            throw failure("its \(named(key)) is \(value.kind), not a whole number")
        }
        return integer
    }

    package func number(_ key: String) throws(ModelError) -> Double? {
        switch self[key] {
        case nil: return nil
        case .number(let number): return number
        case .integer(let integer): return Double(integer)
        case let value?: throw failure("its \(named(key)) is \(value.kind), not a number")
        }
    }

    package func bool(_ key: String) throws(ModelError) -> Bool? {
        guard let value = self[key] else { return nil }
        guard case .bool(let bool) = value else {
            throw failure("its \(named(key)) is \(value.kind), not true or false")
        }
        return bool
    }

    /// An array of strings.
    package func strings(_ key: String) throws(ModelError) -> [String]? {
        guard let array = try array(key) else { return nil }
        guard array.type == .string else { throw failure("its \(named(key)) does not contain strings") }
        var strings: [String] = []
        strings.reserveCapacity(array.count)
        var cursor = GGUFCursor(bytes: file.bytes, path: path, position: array.range.lowerBound)
        return try withExtendedLifetime(file) { () throws(ModelError) in
            for _ in 0..<array.count { strings.append(try cursor.string("a string of \(named(key))")) }
            return strings
        }
    }

    /// An array of whole numbers.
    package func integers(_ key: String) throws(ModelError) -> [Int]? {
        guard let array = try array(key) else { return nil }
        var integers: [Int] = []
        integers.reserveCapacity(array.count)
        var cursor = GGUFCursor(bytes: file.bytes, path: path, position: array.range.lowerBound)
        return try withExtendedLifetime(file) { () throws(ModelError) in
            for _ in 0..<array.count {
                guard case .integer(let integer) = try cursor.value(array.type, key) else {
                    throw failure("its \(named(key)) does not contain whole numbers")
                }
                integers.append(integer)
            }
            return integers
        }
    }

    private func array(_ key: String) throws(ModelError) -> GGUFArray? {
        guard let value = self[key] else { return nil }
        guard case .array(let array) = value else { throw failure("its \(named(key)) is \(value.kind), not an array") }
        return array
    }

    func failure(_ reason: String) -> ModelError { ModelError(path: path, reason: reason) }
}

/// The value of a key.
package enum GGUFValue: Sendable {
    case integer(Int)
    /// An unsigned number that is more than the greatest signed one.
    case huge(UInt64)
    case number(Double)
    case bool(Bool)
    case string(String)
    case array(GGUFArray)

    var kind: String {
        switch self {
        case .integer: "a whole number"
        case .huge: "a whole number beyond \(Int.max)"
        case .number: "a number"
        case .bool: "true or false"
        case .string: "a string"
        case .array: "an array"
        }
    }
}

/// An array as it lies in the file.
package struct GGUFArray: Sendable {
    let type: GGUFValueType
    let count: Int
    let range: Range<Int>
}
