import Files
import StrictJSON

/// Writes token ids to numbered files in the format of llm.c (see `TokenFile`): with 16 bits an id where the vocabulary allows it,
/// otherwise with 32.
package struct TokenFileWriter {
    /// A complete file.
    package struct Shard: Sendable, Equatable {
        /// The name of the file.
        package let name: String
        /// The number of its ids.
        package let count: Int
        /// The SHA-256 of the ids, which is that of the file without its header.
        package let sha256: String

        package init(name: String, count: Int, sha256: String) {
            self.name = name
            self.count = count
            self.sha256 = sha256
        }

        package init(_ json: JSON) throws(MalformedRecord) {
            let record = JSONRecord(json)
            self.init(
                name: try record.string("file"), count: try record.int("tokens"),
                sha256: try record.string("ids_sha256"))
        }

        /// The shards in an array; none if there is no array.
        package static func list(_ json: JSON?) throws(MalformedRecord) -> [Shard] {
            var shards: [Shard] = []
            for shard in json?.arrayValue ?? [] { shards.append(try Shard(shard)) }
            return shards
        }

        package var json: JSON {
            ["file": .string(name), "tokens": .int(count), "ids_sha256": .string(sha256)]
        }
    }

    /// The most ids of a file: as many as the files of FineWeb that llm.c trains on have.
    package static let shardLength = 100_000_000

    private let directory: String
    private let prefix: String
    private let header: (magic: UInt32, version: UInt32, size: Int)
    private let shardLength: Int
    private var number: Int
    private var file: AtomicFileWriter?
    private var hash = SHA256()
    private var count = 0
    /// All files so far. The last one may be incomplete.
    private var shards: [Shard]

    /// The size of an id in bytes.
    package static func size(vocabularySize: Int) -> Int { vocabularySize <= 1 << 16 ? 2 : 4 }

    /// - Parameters:
    ///   - directory: an existing directory.
    ///   - prefix: how the names of the files begin.
    ///   - number: the number of the first file.
    ///   - shards: the files that were completed before.
    ///   - vocabularySize: the number that all ids are below.
    ///   - shardLength: the most ids of a file.
    package init(
        _ directory: String, prefix: String, from number: Int = 0, after shards: [Shard] = [], vocabularySize: Int,
        shardLength: Int = Self.shardLength
    ) {
        self.directory = directory
        self.prefix = prefix
        self.number = number + shards.count
        self.shards = shards
        self.shardLength = shardLength
        header = TokenFile.headers[Self.size(vocabularySize: vocabularySize) == 2 ? 0 : 1]
    }

    /// Appends ids, each in the size of the vocabulary, little-endian.
    /// - Throws: `FileError`, such as for a full disk.
    package mutating func append(_ ids: [UInt8]) throws {
        try ids.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                if file == nil { try begin() }
                let part = UnsafeRawBufferPointer(rebasing: rest.prefix((shardLength - count) * header.size))
                hash.update(part)
                try file?.writer.write(part)
                count += part.count / header.size
                rest = rest.dropFirst(part.count)
                if count == shardLength { try finish() }
            }
        }
    }

    private mutating func begin() throws {
        let digits = String(number)
        let name = prefix + String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".bin"
        let file = try AtomicFileWriter(directory + "/" + name)
        try file.writer.write([UInt8](repeating: 0, count: TokenFile.headerSize))
        self.file = file
        hash = SHA256()
        count = 0
        shards.append(Shard(name: name, count: 0, sha256: ""))
    }

    /// Completes the last file.
    /// - Throws: `FileError`, such as for a full disk.
    package mutating func finish() throws {
        guard let file else { return }
        let numbers = [header.magic, header.version, UInt32(count)]
        try file.writer.patch(
            numbers.flatMap { number in withUnsafeBytes(of: number.littleEndian) { Array($0) } }, at: 0)
        try file.commit()
        shards[shards.count - 1] = Shard(
            name: shards[shards.count - 1].name, count: count, sha256: SHA256.hexadecimal(hash.finalize()))
        self.file = nil
        number += 1
    }

    /// The complete files.
    package var completeShards: [Shard] { file == nil ? shards : shards.dropLast() }

    /// The number of ids that are not in complete files.
    package var incompleteCount: Int { file == nil ? 0 : count }
}
