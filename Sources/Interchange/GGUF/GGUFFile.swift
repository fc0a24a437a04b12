import Files
import StrictJSON

/// A file in llama.cpp's format GGUF: values by key, then tensors by name.
///
/// Magic "GGUF", version 3, the numbers of tensors and of keys; each key with its value; each tensor's name, dimensions
/// (innermost first), type and offset; then, from the next multiple of the alignment on, the numbers of the tensors, each at a
/// multiple of the alignment. All little-endian.
///
/// The file is not trusted. Every count is checked against the remaining bytes, and every product and sum for overflow. Keys and
/// names are unique; the tensors follow each other, as llama.cpp requires, so none overlaps another or extends beyond the end.
/// Arrays are read only when they are needed.
package final class GGUFFile: Sendable {
    /// A tensor in the file.
    package struct Entry: Sendable {
        /// How its numbers are stored.
        package let encoding: NumberEncoding
        /// Outermost dimension first.
        package let shape: [Int]
        /// Its bytes in the file.
        package let range: Range<Int>

        /// The number of its elements.
        package var count: Int { shape.reduce(1, *) }
    }

    /// The path that the file was opened by.
    package let path: String
    /// The names of the tensors in the order of the file.
    package let names: [String]
    /// The keys in the order of the file.
    package let keys: [String]

    let file: MappedFile
    private let values: [UTF8Key: GGUFValue]
    private let entries: [UTF8Key: Entry]

    /// Opens the file at `path` and checks everything before the numbers.
    /// - Throws: what is wrong with the file, in one line.
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

    /// Whether the file at `path` begins like a GGUF file.
    /// - Throws: if it cannot be read.
    package static func isOne(_ path: String) throws -> Bool {
        let file = try MappedFile(path: path)
        return withExtendedLifetime(file) { file.bytes.starts(with: GGUFHeader.magic) }
    }

    // MARK: Tensors

    /// Whether the file has a tensor with this name.
    package func contains(_ name: String) -> Bool { entries[UTF8Key(name)] != nil }

    /// The type, shape and position of a tensor.
    /// - Throws: if there is none with this name.
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

    /// The value of a key; nil if there is no such key.
    package subscript(key: String) -> GGUFValue? { values[UTF8Key(key)] }

    /// The string of a key; nil if there is no such key.
    /// - Throws: if its value has another type, like the following methods.
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

    /// A real or a whole number.
    package func number(_ key: String) throws(ModelError) -> Double? {
        switch self[key] {
        case nil: return nil
        case .number(let number): return number
        case .integer(let integer): return Double(integer)
        case let value?: throw failure("its \(named(key)) is \(value.kind), not a number")
        }
    }

    /// A boolean.
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
