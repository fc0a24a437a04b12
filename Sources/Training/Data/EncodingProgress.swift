import Corpus
import Files
import StrictJSON

/// The progress of encoding texts into files. It is saved in the same directory after each complete file, so that an encoding that
/// was interrupted can be continued.
struct EncodingProgress {
    /// The hash of everything that determines the ids (`TokenDirectory.key`).
    let key: String
    /// The texts that are complete.
    private(set) var entries: [TokenDirectory.Entry] = []
    /// The special tokens in their training parts.
    private(set) var specialTokens: Set<Int32> = []
    /// The first special token that a text spells although it is encoded as plain text, and the name of that text.
    private(set) var spelledToken: (text: String, name: String)?
    /// The progress within the next text.
    var current = LongTextEncoder.Progress()

    /// The progress of a new encoding.
    init(key: String) { self.key = key }

    /// The path of the progress file in a directory.
    static func path(in directory: String) -> String { directory + "/progress.json" }

    /// The numbers of the first files of the next text.
    var numbers: (training: Int, validation: Int) {
        entries.reduce(into: (0, 0)) {
            $0.0 += $1.training.count
            $0.1 += $1.validation.count
        }
    }

    private var shards: [TokenFileWriter.Shard] {
        entries.flatMap { $0.training + $0.validation } + current.training + current.validation
    }

    /// The number of ids in complete files.
    var tokens: Int { shards.reduce(0) { $0 + $1.count } }

    /// Adds the next text, which is complete.
    mutating func complete(_ result: LongTextEncoder.Result, name: String) {
        entries.append(result.entry)
        specialTokens.formUnion(result.specialTokens)
        if spelledToken == nil { spelledToken = result.spelledToken.map { ($0, name) } }
        current = LongTextEncoder.Progress()
    }

    // MARK: The file

    func write(in directory: String) throws {
        func ids(_ tokens: Set<Int32>) -> JSON { .array(tokens.sorted().map { .int(Int($0)) }) }
        var object = JSONObject([
            ("key", .string(key)), ("texts", .array(entries.map(\.json))), ("special_tokens", ids(specialTokens)),
        ])
        object["spelled_token"] = spelledToken.map { ["text": .string($0.text), "name": .string($0.name)] }
        var next = JSONObject([
            ("training", .array(current.training.map(\.json))), ("validation", .array(current.validation.map(\.json))),
            ("jobs", .int(current.jobs)), ("ids", .int(current.ids)), ("special_tokens", ids(current.specialTokens)),
        ])
        next["first"] = current.first.map { .int(Int($0)) }
        next["spelled_token"] = current.spelledToken.map { .string($0) }
        object["next"] = .object(next)
        try AtomicFile.write(JSON.object(object).serialized(pretty: true), to: Self.path(in: directory))
    }

    /// Reads the progress that an earlier encoding has saved.
    /// - Parameters:
    ///   - directory: the directory.
    ///   - key: the hash of everything that determines the ids.
    ///   - vocabularySize: that of the tokenizer.
    /// - Returns: nil if there is no progress file, if it belongs to other texts or settings, or if a file is damaged.
    init?(in directory: String, key: String, vocabularySize: Int) {
        guard let text = try? TextFile.bytes(Self.path(in: directory)), let json = try? JSON(parsing: text),
            let progress = try? EncodingProgress(json), progress.key == key
        else { return nil }
        let size = TokenFileWriter.size(vocabularySize: vocabularySize)
        let isWhole = progress.shards.allSatisfy {
            Files.size(directory + "/" + $0.name) == TokenFile.headerSize + size * $0.count
        }
        guard isWhole else { return nil }
        self = progress
    }

    private init(_ json: JSON) throws(MalformedRecord) {
        let record = JSONRecord(json)
        func ids(_ json: JSON?) -> Set<Int32> {
            Set((json?.arrayValue ?? []).compactMap { $0.intValue.flatMap(Int32.init(exactly:)) })
        }
        key = try record.string("key")
        for entry in json["texts"]?.arrayValue ?? [] { entries.append(try TokenDirectory.Entry(entry)) }
        specialTokens = ids(json["special_tokens"])
        if let spelled = json["spelled_token"] {
            spelledToken = (try JSONRecord(spelled).string("text"), try JSONRecord(spelled).string("name"))
        }
        guard let next = json["next"] else { throw record.wrong("next") }
        let nextRecord = JSONRecord(next)
        current.training = try TokenFileWriter.Shard.list(next["training"])
        current.validation = try TokenFileWriter.Shard.list(next["validation"])
        current.jobs = try nextRecord.int("jobs")
        current.ids = try nextRecord.int("ids")
        current.first = try nextRecord.optionalInt("first").flatMap(Int32.init(exactly:))
        current.specialTokens = ids(next["special_tokens"])
        current.spelledToken = try nextRecord.optionalString("spelled_token")
    }
}
