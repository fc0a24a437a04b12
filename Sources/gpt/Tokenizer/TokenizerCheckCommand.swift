import ArgumentParser
import Files
import GPTKit
import Verification

/// `gpt tokenizer check`: compares tokenizers with the results of other programs on the same texts.
struct TokenizerCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Compare tokenizers with test vectors made by other programs.",
        discussion: """
            Each line of a file is a JSON object with a text and its expected ids, or with ids and their expected bytes, or \
            with one merge of the training of byte pairs: the merged pair and its count. A line that does not name a published \
            vocabulary is checked with the tokenizer given by --tokenizer, or with the tokenizer.json in the directory of the file. A line is \
            skipped if its vocabulary is missing, and fails if the vocabulary file differs from the published one. The exit \
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

    /// The maximum number of failures that are shown.
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
            var skipped: [(reason: VectorOutcome.SkipReason, count: Int)] = []
            for file in files {
                var tokenizers = VectorTokenizers(vocabularies: vocabularies, unnamed: own, vectors: file)
                let vectors = try TokenizerVectors(file, trainingText: text)
                try vectors.check(with: &tokenizers) { location, outcome in
                    switch outcome {
                    case .passed: passed += 1
                    case .failed(let reason):
                        failed += 1
                        if failed <= Self.shownFailures {
                            try writeLine("FAIL \(file), \(escaped(location)): \(escaped(reason))")
                        }
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
            for (reason, count) in skipped {
                try writeLine("skipped \(grouped(count)): \(escaped(reason.description))\(advice(reason))")
            }
            let all = skipped.reduce(0) { $0 + $1.count }
            try writeLine("\(passed) passed, \(failed) failed, \(all) skipped")
            if failed > 0 { throw ExitCode.failure }
        }
    }

    /// A hint for the error message: the option that supplies the missing input.
    private func advice(_ reason: VectorOutcome.SkipReason) -> String {
        switch reason {
        case .noTokenizer: "; give the tokenizer with --tokenizer"
        case .noTrainingText: "; give it with --text"
        case .noVocabulary: "; give its directory with --vocabularies"
        case .unknownEncoding, .unknownTrainer, .noStrictDecoding: ""
        }
    }
}
