import Files
import StrictJSON
import Tensors

/// A file in llama.cpp's format GGUF: values by key, then tensors by name.
///
/// Magic "GGUF", version 3, the numbers of tensors and of keys; each key with its value; each tensor's name, dimensions
/// (innermost first), type and offset; then, from the next multiple of the alignment on, the numbers of the tensors, each at a
/// multiple of the alignment. All little-endian.
///
/// The file is not trusted. Every count is checked against the remaining bytes, and every product and sum for overflow. Keys and
/// names are unique; the tensors follow each other, as llama.cpp requires, so none overlaps another or extends beyond the end.
/// Arrays are read only when they are needed.
///
/// A model may be split into several files (`GGUFPart`). It is one `GGUFFile`, whichever of them is opened: with the keys of the
/// first and the tensors of all.
package final class GGUFFile: Sendable {
    /// A tensor in the file.
    package struct Entry: Sendable {
        /// How its numbers are stored.
        package let encoding: NumberEncoding
        /// Outermost dimension first.
        package let shape: [Int]
        /// Its bytes in the file.
        package let range: Range<Int>
        /// The file among the parts of a model, counted from 0.
        package internal(set) var part = 0

        /// The number of its elements.
        package var count: Int { shape.reduce(1, *) }
    }

    /// The path that the file was opened by.
    package let path: String
    /// The names of the tensors in the order of the file.
    package let names: [String]
    /// The keys in the order of the file.
    package let keys: [String]

    private let parts: [GGUFPart]
    private let values: [UTF8Key: GGUFValue]
    private let entries: [UTF8Key: Entry]

    /// Opens the file at `path`, and checks everything before the numbers. If it is a part of a split model, all parts are opened.
    /// - Throws: what is wrong with the file, in one line.
    package init(path: String) throws {
        self.path = path
        parts = try GGUFPart.all(of: path)
        keys = parts[0].keys
        values = parts[0].values
        names = parts.flatMap(\.names)
        var entries = parts[0].entries
        for (number, part) in parts.enumerated().dropFirst() {
            for (name, var entry) in part.entries {
                entry.part = number
                if let other = entries.updateValue(entry, forKey: name) {
                    throw ModelError(
                        path: part.file.path,
                        reason: "the tensor \(quoted(name.string)) is in part \(other.part + 1) as well")
                }
            }
        }
        self.entries = entries
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
        let file = parts[entry.part].file
        return try withExtendedLifetime(file) { try body(UnsafeRawBufferPointer(rebasing: file.bytes[entry.range])) }
    }

    /// The numbers of a tensor in 32-bit floats, where they are in memory; nil if they cannot be used there.
    func floatsInPlace(_ entry: Entry) -> Storage? { parts[entry.part].file.floatsInPlace(entry.range) }

    /// Releases the memory of some bytes of a tensor, which are not needed again soon.
    func release(_ range: Range<Int>, of entry: Entry) {
        let start = entry.range.lowerBound
        parts[entry.part].file.release(start + range.lowerBound..<start + range.upperBound)
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
        var cursor = cursor(at: array)
        return try withExtendedLifetime(parts) { () throws(ModelError) in
            for _ in 0..<array.count { strings.append(try cursor.string("a string of \(named(key))")) }
            return strings
        }
    }

    /// An array of whole numbers.
    package func integers(_ key: String) throws(ModelError) -> [Int]? {
        guard let array = try array(key) else { return nil }
        var integers: [Int] = []
        integers.reserveCapacity(array.count)
        var cursor = cursor(at: array)
        return try withExtendedLifetime(parts) { () throws(ModelError) in
            for _ in 0..<array.count {
                guard case .integer(let integer) = try cursor.value(array.type, key) else {
                    throw failure("its \(named(key)) does not contain whole numbers")
                }
                integers.append(integer)
            }
            return integers
        }
    }

    /// A cursor at an array of the keys.
    private func cursor(at array: GGUFArray) -> GGUFCursor {
        GGUFCursor(bytes: parts[0].file.bytes, path: parts[0].file.path, position: array.range.lowerBound)
    }

    private func array(_ key: String) throws(ModelError) -> GGUFArray? {
        guard let value = self[key] else { return nil }
        guard case .array(let array) = value else { throw failure("its \(named(key)) is \(value.kind), not an array") }
        return array
    }

    func failure(_ reason: String) -> ModelError { ModelError(path: path, reason: reason) }
}
