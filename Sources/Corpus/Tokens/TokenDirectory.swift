import Files
import StrictJSON

/// A directory of texts that were encoded ahead of time: files of token ids, their tokenizer, and `tokens.json`, which says which
/// ids are for training and for validation.
package struct TokenDirectory: Sendable {
    /// The name of the record.
    package static let recordName = "tokens.json"

    /// The two parts of a text.
    package struct Document: Sendable {
        package let name: String
        package let training: StoredTokens
        package let validation: StoredTokens
        /// The bytes and characters of all tokens of the validation part but the first.
        package let predictedBytes: Int
        package let predictedCharacters: Int
    }

    package let path: String
    /// The SHA-256 of the record, which contains those of all ids.
    package let sha256: String
    package let documents: [Document]
    /// The share of each text that is for validation.
    package let validation: Double
    /// The number that all ids are below.
    package let vocabularySize: Int
    /// The special tokens in the training parts.
    package let specialTokens: [Int32]
    /// The token that ends a document; nil if there is none.
    package let end: Int32?
    /// The first special token that a text spells although it is encoded as plain text, and the name of that text.
    package let spelledToken: (text: String, name: String)?

    /// Opens the files of a directory and checks their lengths.
    /// - Throws: one line that names the directory or the file and what is wrong with it.
    package init(_ path: String) throws {
        let record = path + "/" + Self.recordName
        guard try Files.find(record) else {
            let isEmpty = try Files.contents(ofDirectory: path).isEmpty
            throw CorpusError(
                "\(shown(path: path)) \(isEmpty ? "is empty" : "has no \(Self.recordName)"); give a directory written by "
                    + "'gpt data prepare'")
        }
        let text = try TextFile.read(record)
        do {
            try self.init(path, JSON(parsing: Array(text.utf8)), sha256: SHA256.hexDigest(of: text.utf8))
        } catch let error as MalformedRecord {
            throw CorpusError("\(shown(path: record)) is damaged: \(error); prepare the texts again")
        } catch let error as JSONError {
            throw CorpusError(
                "\(shown(path: record)) is damaged: it is not JSON (\(error.problem)); prepare the texts again")
        }
    }

    private init(_ path: String, _ json: JSON, sha256: String) throws {
        let record = JSONRecord(json)
        self.path = path
        self.sha256 = sha256
        vocabularySize = try record.int("vocabulary_size")
        validation = try record.double("validation")
        end = try record.optionalInt("end_token").map { number in
            guard let id = Int32(exactly: number) else { throw record.wrong("end_token") }
            return id
        }
        specialTokens = try (json["special_tokens"]?.arrayValue ?? []).map { value in
            guard let id = value.intValue.flatMap(Int32.init(exactly:)) else { throw record.wrong("special_tokens") }
            return id
        }
        if let spelled = json["spelled_token"] {
            let spelled = JSONRecord(spelled)
            spelledToken = (try spelled.string("text"), try spelled.string("name"))
        } else {
            spelledToken = nil
        }
        let bound = vocabularySize
        guard let listed = json["documents"]?.arrayValue, !listed.isEmpty, (1...Int(Int32.max)).contains(bound),
            validation > 0, validation < 1
        else { throw record.wrong("documents") }
        documents = try listed.map { document in
            let record = JSONRecord(document)
            func ids(_ part: String) throws -> StoredTokens {
                guard let files = document[part]?.arrayValue else { throw record.wrong(part) }
                return StoredTokens(try files.map { try Self.file($0, in: path, below: bound) })
            }
            let bytes = try record.int("predicted_bytes"), characters = try record.int("predicted_characters")
            guard bytes > 0, characters > 0 else { throw record.wrong("predicted_bytes") }
            return Document(
                name: try record.string("name"), training: try ids("training"), validation: try ids("validation"),
                predictedBytes: bytes, predictedCharacters: characters)
        }
    }

    /// Opens a file, and checks that it has the ids that the record says.
    private static func file(_ json: JSON, in directory: String, below bound: Int) throws -> TokenFile {
        let record = JSONRecord(json), name = try record.string("file"), count = try record.int("tokens")
        guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "/")) else { throw record.wrong("file") }
        let path = directory + "/" + name, file = try TokenFile(path)
        guard file.count == count else {
            throw CorpusError(
                "\(shown(path: path)): truncated or altered: it has \(file.count) ids instead of \(count); prepare the texts "
                    + "again")
        }
        // A record says that a large file was checked before.
        let check = count < 1 << 22 ? nil : FileRecord("ids below \(bound)", of: path)
        if check?.contents != nil { return file }
        if let id = file.firstID(notBelow: bound) {
            throw CorpusError(
                "\(shown(path: path)): the id \(id) is not below \(bound), the vocabulary size; prepare the texts again"
            )
        }
        check?.keep([])
        return file
    }

    // MARK: Writing

    /// The parts of a text, as they are recorded.
    package struct Entry {
        package let name: String
        package let training: [TokenFileWriter.Shard]
        package let validation: [TokenFileWriter.Shard]
        package let predictedBytes: Int
        package let predictedCharacters: Int

        package init(
            name: String, training: [TokenFileWriter.Shard], validation: [TokenFileWriter.Shard], predictedBytes: Int,
            predictedCharacters: Int
        ) {
            self.name = name
            self.training = training
            self.validation = validation
            self.predictedBytes = predictedBytes
            self.predictedCharacters = predictedCharacters
        }

        package init(_ json: JSON) throws(MalformedRecord) {
            let record = JSONRecord(json)
            self.init(
                name: try record.string("name"), training: try TokenFileWriter.Shard.list(json["training"]),
                validation: try TokenFileWriter.Shard.list(json["validation"]),
                predictedBytes: try record.int("predicted_bytes"),
                predictedCharacters: try record.int("predicted_characters"))
        }

        package var json: JSON {
            [
                "name": .string(name), "predicted_bytes": .int(predictedBytes),
                "predicted_characters": .int(predictedCharacters), "training": .array(training.map(\.json)),
                "validation": .array(validation.map(\.json)),
            ]
        }
    }

    /// Writes the record of a directory, whose files are complete.
    /// - Parameters:
    ///   - path: the directory.
    ///   - documents: the texts.
    ///   - hashes: the SHA-256 of the file of each text.
    ///   - validation: the share of each text that is for validation.
    ///   - vocabularySize: the number that all ids are below.
    ///   - specialTokens: the special tokens in the training parts.
    ///   - end: the token that ends a document; nil if there is none.
    ///   - spelledToken: the first special token that a text spells although it is encoded as plain text.
    package static func write(
        _ path: String, documents: [Entry], hashes: [String], validation: Double, vocabularySize: Int,
        specialTokens: [Int32], end: Int32?, spelledToken: (text: String, name: String)?
    ) throws {
        var object = JSONObject([
            ("text_sha256", .array(hashes.map(JSON.string))), ("validation", .double(validation)),
            ("vocabulary_size", .int(vocabularySize)),
            ("special_tokens", .array(specialTokens.sorted().map { .int(Int($0)) })),
        ])
        object["end_token"] = end.map { .int(Int($0)) }
        object["spelled_token"] = spelledToken.map { ["text": .string($0.text), "name": .string($0.name)] }
        object["documents"] = .array(documents.map(\.json))
        try AtomicFile.write(JSON.object(object).serialized(pretty: true), to: path + "/" + recordName)
    }
}
