import Corpus
import Synchronization
import Tensors
import Tokenizers

/// Encodes a long text into files of token ids, block by block on all threads. The ids are those of `TrainingEncoding`, whatever
/// the number of threads.
struct LongTextEncoder {
    /// What is known of an encoded text.
    struct Result {
        let entry: TokenDirectory.Entry
        /// The special tokens in the training part.
        let specialTokens: Set<Int32>
        /// The first special token that the text spells although it is encoded as plain text.
        let spelledToken: String?
    }

    /// The progress of an encoding.
    struct Progress: Sendable {
        /// The files that are complete.
        var training: [TokenFileWriter.Shard] = []
        var validation: [TokenFileWriter.Shard] = []
        /// The number of jobs whose ids are all in these files, and the number of ids of the next job that are.
        var jobs = 0
        var ids = 0
        /// The results of these jobs: the first id of the validation part, special tokens, and the first that is spelled.
        var first: Int32?
        var specialTokens: Set<Int32> = []
        var spelledToken: String?
    }

    /// Characters that are encoded by themselves.
    private struct Piece {
        let text: String
        /// Whether a document, or a part of one that is cut in two, begins here.
        let isStart: Bool
        /// Whether a document ends here.
        var isEnd = false
        /// The number of the first character, in the text or the document, and of the first byte.
        let position: Int
        let byte: Int
        /// The number of the document.
        let document: Int
    }

    /// Pieces of one of the two parts, which a thread encodes.
    private struct Job {
        let isValidation: Bool
        var pieces: [Piece] = []
        var bytes = 0
    }

    /// The ids of a job.
    private struct Encoded {
        var ids: [UInt8] = []
        var first: Int32?
        var specialTokens: Set<Int32> = []
        var spelledToken: String?
    }

    private let text: NamedText
    private let long: LongText
    private let encoding: TrainingEncoding
    /// The number of characters of the training part.
    private let cut: Int
    /// Whether each id is that of a special token.
    private let isSpecial: [Bool]
    private let idSize: Int

    private var training: TokenFileWriter
    private var validation: TokenFileWriter
    /// The progress of an earlier encoding that was interrupted.
    private let earlier: Progress
    /// Called when another file is complete.
    private let report: (Progress) throws -> Void

    /// About the number of bytes of a job.
    private static let jobSize = 1 << 19

    // The state of the pass over the text.
    private var jobs: [Job] = []
    /// The number of jobs before these.
    private var jobsBefore = 0
    private var reportedFiles: Int
    private var characters = 0
    private var bytes = 0
    private var document = 0
    /// The first character and byte of the document.
    private var documentStart = 0
    private var documentByte = 0
    private var isInDocument = false
    /// The number of characters of the training part, which does not end within a special token.
    private var trainingEnd: Int?
    private var validationBytes = 0
    private var first: Int32?
    private var specialTokens: Set<Int32>
    private var spelledToken: String?

    /// - Parameters:
    ///   - text: a long text.
    ///   - encoding: how it becomes tokens.
    ///   - validation: the share of it that is for validation.
    ///   - directory: where the files are written.
    ///   - numbers: the numbers of the first file of each part.
    ///   - shardLength: the most ids of a file.
    ///   - earlier: the progress of an encoding that was interrupted.
    ///   - report: called when another file is complete.
    init(
        _ text: NamedText, _ long: LongText, _ encoding: TrainingEncoding, validation: Double, in directory: String,
        from numbers: (training: Int, validation: Int), shardLength: Int, after earlier: Progress,
        report: @escaping (Progress) throws -> Void
    ) throws {
        if text.documentLengths != nil, encoding.end == nil { throw encoding.noEnd(text.name) }
        self.text = text
        self.long = long
        self.encoding = encoding
        cut = TokenDataset.trainingLength(of: text, long.count, validation: validation)
        isSpecial = encoding.isSpecial
        let size = encoding.tokenizer.vocabularySize
        idSize = TokenFileWriter.size(vocabularySize: size)
        training = TokenFileWriter(
            directory, prefix: "train_", from: numbers.training, after: earlier.training, vocabularySize: size,
            shardLength: shardLength)
        self.validation = TokenFileWriter(
            directory, prefix: "val_", from: numbers.validation, after: earlier.validation, vocabularySize: size,
            shardLength: shardLength)
        self.earlier = earlier
        self.report = report
        reportedFiles = earlier.training.count + earlier.validation.count
        (first, specialTokens, spelledToken) = (earlier.first, earlier.specialTokens, earlier.spelledToken)
    }

    /// Encodes the text.
    /// - Throws: `TrainingError` where the tokenizer has no token for a character, and what prevents reading or writing a file.
    mutating func encode() throws -> Result {
        let tokenizer = encoding.tokenizer, isText = encoding.special == .text
        try long.read(
            splitPoint: { isText ? tokenizer.ordinarySplitPoint(in: $0) : tokenizer.splitPoint(in: $0) },
            keepingWhole: isText ? [] : tokenizer.specialTokens.map(\.text)
        ) { piece in
            switch piece {
            case .text(let text): try add(text)
            case .end:
                if let last = jobs.indices.last, isInDocument {
                    jobs[last].pieces[jobs[last].pieces.count - 1].isEnd = true
                }
                isInDocument = false
                document += 1
                (documentStart, documentByte) = (characters, bytes)
            }
        }
        try runJobs()
        try training.finish()
        try validation.finish()
        guard characters == long.count else {
            throw TrainingError.setting("\(text.name) changed while it was read; start again")
        }
        let bytesOfFirst =
            first.flatMap { tokenizer.decodedBytes(of: $0, isFirst: true, spellingSpecialTokens: false) } ?? []
        let entry = TokenDirectory.Entry(
            name: text.name, training: training.completeShards, validation: validation.completeShards,
            // A token may have more bytes than the text that was normalized to it.
            predictedBytes: max(1, validationBytes - bytesOfFirst.count),
            predictedCharacters: max(
                1, characters - (trainingEnd ?? cut) - TokenDataset.characters(in: bytesOfFirst)))
        return Result(entry: entry, specialTokens: specialTokens, spelledToken: spelledToken)
    }

    // MARK: Cutting

    /// Appends characters to the jobs, in two parts where the text is cut.
    private mutating func add(_ piece: String) throws {
        let count = TokenDataset.characters(in: piece.utf8)
        guard trainingEnd == nil, characters + count > cut else { return try append(piece, count) }
        let scalars = piece.unicodeScalars
        let index = scalars.index(scalars.startIndex, offsetBy: cut - characters)
        let middle = encoding.cut(piece, at: index)
        let before = scalars.distance(from: scalars.startIndex, to: middle)
        if before > 0 { try append(String(scalars[..<middle]), before) }
        trainingEnd = characters
        // What remains of a document begins as a document does.
        isInDocument = false
        try append(String(scalars[middle...]), count - before)
    }

    private mutating func append(_ piece: String, _ count: Int) throws {
        let isValidation = trainingEnd != nil, length = piece.utf8.count
        if jobs.last?.isValidation != isValidation || (jobs.last?.bytes ?? 0) + length > Self.jobSize {
            if jobs.count >= 2 * Execution.current.threads { try runJobs() }
            jobs.append(Job(isValidation: isValidation))
        }
        let isLocal = text.documentNames != nil
        jobs[jobs.count - 1].pieces.append(
            Piece(
                text: piece, isStart: !isInDocument, position: characters - (isLocal ? documentStart : 0),
                byte: bytes - (isLocal ? documentByte : 0), document: document))
        jobs[jobs.count - 1].bytes += length
        isInDocument = true
        characters += count
        bytes += length
        if isValidation { validationBytes += length }
    }

    // MARK: Encoding

    /// Encodes the jobs and writes their ids in order. Jobs that an earlier encoding has completed are skipped.
    private mutating func runJobs() throws {
        let jobs = jobs, before = jobsBefore
        self.jobs = []
        jobsBefore += jobs.count
        let results = Mutex([Swift.Result<Encoded, any Error>?](repeating: nil, count: jobs.count))
        nonisolated(unsafe) let encoder = self  // only read, and unchanged until the loop has ended
        Execution.parallelLoop(jobs.count) { number in
            guard before + number >= encoder.earlier.jobs else { return }
            let result = Swift.Result { try encoder.encoded(jobs[number]) }
            results.withLock { $0[number] = result }
        }
        for (i, result) in results.withLock({ $0 }).enumerated() {
            guard let encoded = try result?.get() else { continue }
            let number = before + i, count = encoded.ids.count / idSize
            let new = number == earlier.jobs ? Array(encoded.ids.dropFirst(idSize * earlier.ids)) : encoded.ids
            if jobs[i].isValidation {
                try training.finish()
                try reportFiles(jobs: number, ids: 0)
                if first == nil { first = encoded.first }
                if spelledToken == nil { spelledToken = encoded.spelledToken }
                try validation.append(new)
                try reportFiles(jobs: number, ids: count - validation.incompleteCount)
            } else {
                specialTokens.formUnion(encoded.specialTokens)
                if spelledToken == nil { spelledToken = encoded.spelledToken }
                try training.append(new)
                try reportFiles(jobs: number, ids: count - training.incompleteCount)
            }
        }
    }

    /// Reports the progress if another file is complete.
    /// - Parameters:
    ///   - jobs: the number of jobs that are done.
    ///   - ids: the number of ids of the next job that are in complete files.
    private mutating func reportFiles(jobs: Int, ids: Int) throws {
        let files = training.completeShards.count + validation.completeShards.count
        guard files > reportedFiles else { return }
        reportedFiles = files
        try report(
            Progress(
                training: training.completeShards, validation: validation.completeShards, jobs: jobs, ids: ids,
                first: first, specialTokens: specialTokens, spelledToken: spelledToken))
    }

    private func encoded(_ job: Job) throws -> Encoded {
        var encoded = Encoded(), ids: [Int32] = []
        let hasDocuments = text.documentLengths != nil
        for piece in job.pieces {
            if hasDocuments, piece.isStart { ids += encoding.tokenizer.template.before }
            if encoding.special == .text, encoded.spelledToken == nil {
                encoded.spelledToken = encoding.tokenizer.firstSpecialToken(in: piece.text)?.text
            }
            ids += try encoding.ids(
                of: piece.text, at: piece.position, byte: piece.byte,
                called: text.documentNames?[piece.document] ?? text.name, concurrently: nil)
            if hasDocuments, piece.isEnd, let end = encoding.end { ids.append(end) }
        }
        encoded.first = ids.first
        if !job.isValidation { for id in ids where isSpecial[Int(id)] { encoded.specialTokens.insert(id) } }
        encoded.ids = [UInt8](unsafeUninitializedCapacity: idSize * ids.count) { buffer, initialized in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            for (position, id) in ids.enumerated() {
                if idSize == 2 {
                    raw.storeBytes(of: UInt16(id).littleEndian, toByteOffset: 2 * position, as: UInt16.self)
                } else {
                    raw.storeBytes(of: id.littleEndian, toByteOffset: 4 * position, as: Int32.self)
                }
            }
            initialized = buffer.count
        }
        return encoded
    }
}
