import Corpus
import Files
import Tokenizers

/// Encodes texts of any size ahead of time, into a directory that trainings read.
public struct TextPreparation: Sendable {
    public var tokenizer: TokenizerSpecification
    /// The share of each text that is for validation.
    public var validation: Double
    /// How special tokens that a text spells are encoded.
    public var specialTokens: SpecialTokenTreatment
    /// What is between two documents of a text; nil if a text is not divided.
    public var documentSeparator: String?
    /// The most ids of a file.
    package var shardLength = TokenFileWriter.shardLength

    public init(
        tokenizer: TokenizerSpecification, validation: Double = 0.1, specialTokens: SpecialTokenTreatment = .text,
        documentSeparator: String? = nil
    ) {
        self.tokenizer = tokenizer
        self.validation = validation
        self.specialTokens = specialTokens
        self.documentSeparator = documentSeparator
    }

    /// What was written.
    public struct Result: Sendable {
        public let tokenizer: any Tokenizer
        public let trainingCount: Int
        public let validationCount: Int
    }

    /// Encodes files.
    /// - Parameters:
    ///   - paths: text files, or documents in JSON Lines. Several text files are the documents of one text.
    ///   - directory: the directory to create. It exists only when it is complete. If the call is interrupted, another call with the
    ///     same texts and settings continues.
    ///   - notice: called with messages about long operations and about changes of what was specified.
    ///   - report: called with the number of tokens so far when another file is complete.
    /// - Throws: one line: a file that cannot be read or written, or a text that the tokenizer cannot encode.
    public func prepare(
        _ paths: [String], to directory: String, notice: (String) -> Void = { _ in },
        report: @escaping (_ tokens: Int) throws -> Void = { _ in }
    ) throws -> Result {
        try prepare(paths, to: directory, with: nil, notice: notice, report: report)
    }

    /// - Parameter known: the tokenizer, in place of the one that is specified.
    package func prepare(
        _ paths: [String], to directory: String, with known: (any Tokenizer)?, notice: (String) -> Void = { _ in },
        report: @escaping (_ tokens: Int) throws -> Void = { _ in }
    ) throws -> Result {
        if Files.isDirectory(directory), !(try Files.contents(ofDirectory: directory).isEmpty) {
            throw TrainingError.directory(
                "cannot create \(directory): it already exists and is not empty; choose another directory")
        }
        var texts = try TextSource.read(paths, longFrom: 0, notice: notice)
        if let text = texts.first(where: { $0.long == nil }) {
            throw TrainingError.setting(
                "\(text.name) contains conversations or token ids; texts and documents can be encoded ahead of time")
        }
        if let documentSeparator { texts = try texts.map { try $0.separated(by: documentSeparator) } }
        let tokenizer =
            try known
            ?? tokenizer.make(
                for: NamedText.joined(texts), validation: validation, special: specialTokens, notice: notice)
        var encoding = TrainingEncoding(tokenizer)
        encoding.special = specialTokens
        encoding.joinsTexts = true
        let arranged = encoding.arranged(texts)
        notice("Encoding \(texts.map(\.name).joined(separator: ", ")) with \(tokenizer.kind) ...")
        try AtomicDirectory.makeGradually(at: directory, waits: false) { unfinished in
            try TokenDirectory.encode(
                arranged, encoding, validation: validation, in: unfinished, shardLength: shardLength, notice: notice,
                report: report)
        }
        let documents = try TokenDirectory(directory).documents
        return Result(
            tokenizer: tokenizer, trainingCount: documents.reduce(0) { $0 + $1.training.count },
            validationCount: documents.reduce(0) { $0 + $1.validation.count })
    }
}
