import Files
import StrictJSON

/// One of the files of a model in GGUF: the only one, or one of several that `llama-gguf-split` wrote.
///
/// The files of a split model are called `NAME-00001-of-00003.gguf` and so on. Each has the keys `split.no`, counted from 0,
/// `split.count`, and `split.tensors.count`, which is the number of tensors in all of them. The keys of the model are in the
/// first.
struct GGUFPart: Sendable {
    let file: MappedFile
    let keys: [String]
    let values: [UTF8Key: GGUFValue]
    let names: [String]
    let entries: [UTF8Key: GGUFFile.Entry]

    private init(path: String) throws {
        file = try MappedFile(path: path)
        var header = GGUFHeader(GGUFCursor(bytes: file.bytes, path: path))
        try header.read()
        keys = header.keys
        values = header.values
        names = header.names
        entries = header.entries
    }

    /// All files of the model that the file at `path` belongs to, in their order.
    /// - Throws: which file is missing, or what is wrong with one of them.
    static func all(of path: String) throws -> [GGUFPart] {
        let given = try GGUFPart(path: path)
        guard let count = try given.integer("split.count"), count != 1 else { return [given] }
        guard 2...99_999 ~= count else { throw given.failure("its split.count is \(count), not between 1 and 99999") }
        guard let number = try given.integer("split.no"), 0..<count ~= number else {
            throw given.failure("it is one of \(count) parts, and its split.no does not say which")
        }
        let name = Files.name(of: path), ending = ending(number, of: count)
        guard name.hasSuffix(ending) else {
            throw given.failure(
                "it is part \(number + 1) of \(count); the others are found by their names, so its own must end in \(ending)"
            )
        }
        let directory = path.dropLast(name.utf8.count)
        var parts: [GGUFPart] = []
        for other in 0..<count {
            let otherName = name.dropLast(ending.utf8.count) + Self.ending(other, of: count)
            let otherPath = String(directory + otherName)
            guard try other == number || Files.find(otherPath) else {
                throw given.failure(
                    "part \(other + 1) of \(count), \(otherName), is missing; put all parts into one directory")
            }
            let part = other == number ? given : try GGUFPart(path: otherPath)
            guard try part.integer("split.no") == other, try part.integer("split.count") == count else {
                throw part.failure("its split.no and split.count are not those of part \(other + 1) of \(count)")
            }
            parts.append(part)
        }
        let tensors = parts.reduce(0) { $0 + $1.names.count }
        if let expected = try parts[0].integer("split.tensors.count"), expected != tensors {
            throw parts[0].failure("its parts have \(tensors) tensors, and its split.tensors.count is \(expected)")
        }
        return parts
    }

    /// The end of a part's name, which numbers parts from 1.
    private static func ending(_ number: Int, of count: Int) -> String {
        func digits(_ number: Int) -> String { String(String(100_000 + number).dropFirst()) }
        return "-\(digits(number + 1))-of-\(digits(count)).gguf"
    }

    private func integer(_ key: String) throws(ModelError) -> Int? {
        guard let value = values[UTF8Key(key)] else { return nil }
        guard case .integer(let integer) = value else {
            throw failure("its \(key) is \(value.kind), not a whole number")
        }
        return integer
    }

    private func failure(_ reason: String) -> ModelError { ModelError(path: file.path, reason: reason) }
}
