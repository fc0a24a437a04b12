import ArgumentParser
import Files
import GPTKit
import StrictJSON

/// `gpt tokenizer check`: the tokenizers against what other programs made of the same texts.
struct TokenizerCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Compare tokenizers with test vectors made by other programs.",
        discussion: """
            Each line of a file is a JSON object: a text and the expected ids, ids and the expected bytes, or a step of a \
            trainer with the pair that is merged and its count. A line without the name of an encoding is checked with \
            the tokenizer given by --tokenizer, or with the tokenizer.json in the directory of the file. Lines whose \
            vocabulary is missing are skipped; if the vocabulary file differs from the published one, they fail. The exit \
            status is 1 if any line fails.

              gpt tokenizer check vectors.jsonl --vocabularies encodings
              gpt tokenizer check golden.jsonl --tokenizer mine/tokenizer.json
            """)

    @Argument(help: ArgumentHelp("The files with test vectors.", valueName: "file"))
    var files: [String]

    @Option(
        help: ArgumentHelp(
            "The directory with the files of published vocabularies (cl100k_base.tiktoken and so on). (default: "
                + "$GPT_DATA/tokenizers and the cache of downloaded vocabularies)",
            valueName: "directory"))
    var vocabularies: String?

    @Option(
        help: ArgumentHelp(
            "The tokenizer for lines without the name of an encoding: a file, a model directory, or a name such as gpt2. "
                + "(default: the tokenizer.json in the directory of the vectors)",
            valueName: "name"))
    var tokenizer: String?

    @Option(
        help: ArgumentHelp(
            "The text file for checking the steps of a trainer. (default: tiny Shakespeare, if it was downloaded before)",
            valueName: "file"))
    var text: String?

    /// The most failures that are shown.
    private static let shownFailures = 20

    func validate() throws {
        try requireNames(files)
        try requireNames(vocabularies, text)
        if let tokenizer { try requireTokenizer(tokenizer) }
    }

    func run() throws {
        try reportingFailures {
            if let vocabularies, try !Files.find(vocabularies) || !Files.isDirectory(vocabularies) {
                throw CommandFailure("there is no directory \(vocabularies)")
            }
            let own = try tokenizer.map(loadTokenizer)
            var passed = 0, failed = 0
            var skipped: [(reason: String, count: Int)] = []
            for file in files {
                var tokenizers = TokenizerShelf(vocabularies: vocabularies, own: own, beside: file)
                let vectors = try TokenizerVectors(file, text: text)
                try vectors.check(&tokenizers) { place, outcome in
                    switch outcome {
                    case .passed: passed += 1
                    case .failed(let reason):
                        failed += 1
                        if failed <= Self.shownFailures { try writeLine("FAIL \(file), \(place): \(escaped(reason))") }
                        if failed == Self.shownFailures + 1 { try writeLine("FAIL ... and more") }
                    case .skipped(let reason):
                        if let index = skipped.firstIndex(where: { $0.reason == reason }) {
                            skipped[index].count += 1
                        } else {
                            skipped.append((reason, 1))
                        }
                    }
                }
            }
            for (reason, count) in skipped { try writeLine("skipped \(grouped(count)): \(reason)") }
            let all = skipped.reduce(0) { $0 + $1.count }
            try writeLine("\(passed) passed, \(failed) failed, \(all) skipped")
            if failed > 0 { throw ExitCode.failure }
        }
    }
}

/// What became of a vector.
enum VectorOutcome {
    case passed
    case failed(String)
    case skipped(String)
}

/// The tokenizers that vectors are for, each loaded once.
struct TokenizerShelf {
    /// Why there is nothing to check with; what is there and cannot be used is a failure.
    struct Missing: Error {
        let description: String
    }

    private let vocabularies: String?
    private let own: (any Tokenizer)?
    private let file: String
    private var loaded: [String: Result<any Tokenizer, any Error>] = [:]

    init(vocabularies: String?, own: (any Tokenizer)?, beside file: String) {
        self.vocabularies = vocabularies
        self.own = own
        self.file = file
    }

    /// The tokenizer that a vector names, or the one of vectors that name none; or why it is not there.
    mutating func tokenizer(_ name: String?) -> Result<any Tokenizer, any Error> {
        let key = name ?? ""
        if let known = loaded[key] { return known }
        let result = Result<any Tokenizer, any Error> {
            if let name {
                guard let encoding = PublishedEncoding(rawValue: name) else {
                    throw Missing(description: "unknown encoding \(escaped(name))")
                }
                guard TokenizerLoader.isKept(encoding, folder: vocabularies) else {
                    throw Missing(description: "the vocabulary \(encoding.name) is missing")
                }
                return try TokenizerLoader.published(encoding, folder: vocabularies, mayDownload: false)
            }
            if let own { return own }
            let beside = Files.parent(of: file) + "/" + TokenizerFile.name
            guard Files.exists(beside) else {
                throw Missing(
                    description: "the line names no encoding, there is no \(beside), and --tokenizer is not given")
            }
            return try TokenizerLoader.read(beside)
        }
        loaded[key] = result
        return result
    }
}
