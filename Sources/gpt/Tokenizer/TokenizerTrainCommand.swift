import ArgumentParser
import Files
import GPTKit
import StrictJSON

extension BPETrainer.Convention: ExpressibleByArgument {}

/// `gpt tokenizer train`: trains a vocabulary on texts.
struct TokenizerTrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train a byte pair encoding (BPE) tokenizer on text files.",
        discussion: """
            Training starts with the 256 bytes as tokens and repeatedly merges the most frequent pair of adjacent tokens \
            into a new token. The texts can be larger than memory: only their distinct words are stored.

            A vocabulary is learned from whole texts: a word, such as several line breaks in a row, can extend over lines. \
            The merges are those of 'train_from_iterator' in Hugging Face's tokenizers, given each text as one string. With \
            --lines every line, with the line feed at its end, is a text of its own; the merges are those of 'train', given \
            the files. With --like they are those of rustbpe or minbpe.

              gpt tokenizer train --text notes.txt --vocabulary 1024 --out notes-tokens
              cat *.txt | gpt tokenizer train --text - --out tokenizer.json

            The result is a tokenizer.json in the format of Hugging Face's tokenizers, which can be used with 'gpt train \
            --tokenizer'.
            """)

    /// The pattern that splits texts into pre-tokens before training.
    enum Pattern: String, ExpressibleByArgument, CaseIterable {
        case gpt2, llama3, qwen2, o200k

        var pattern: SplitPattern {
            switch self {
            case .gpt2: .gpt2
            case .llama3: .llama3
            case .qwen2: .qwen2
            case .o200k: .o200k
            }
        }
    }

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "A text file to train on, in UTF-8, or - for standard input; can be repeated.", valueName: "file"))
    var text: [String]

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The vocabulary size, including the 256 bytes and the special tokens.", valueName: "number"))
    var vocabulary: Int

    @Option(
        help: ArgumentHelp("The file (.json) or directory to create.", valueName: "path"))
    var out: String

    @Option(
        help: ArgumentHelp(
            "The trainer whose id numbering and tie-breaking are used. Among equally frequent pairs, hf and rustbpe merge the "
                + "one with the smallest ids, minbpe the one that occurs first in the text."))
    var like = BPETrainer.Convention.huggingFace

    @Option(
        help: "The split pattern that divides texts into words before training: that of GPT-2, Llama 3, Qwen or GPT-4o."
    )
    var pattern = Pattern.gpt2

    @Flag(help: "Train on each line by itself, as 'train' of Hugging Face's tokenizers does with files.")
    var lines = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The minimum count of a pair to be merged, 0 or more.", valueName: "number"))
    var minFrequency = 0

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A special token, such as <|endoftext|>; can be repeated.", valueName: "name"))
    var special: [String] = []

    @Flag(help: "Print the result only, no progress.")
    var quiet = false

    @Flag(help: "Also print the results as one JSON object, on the last line of the output.")
    var json = false

    func validate() throws {
        if text.isEmpty { throw ValidationError("Give a text file to train on with --text.") }
        try requireOneInput(text)
        try requireNames(text)
        try requireName(out)
        try checkingUsage { try trainer() }
    }

    private func trainer() throws -> BPETrainer {
        try BPETrainer(
            vocabularySize: vocabulary, convention: like, minimumFrequency: minFrequency, specialTokens: special)
    }

    func run() throws {
        try reportingFailures {
            let trainer = try trainer()
            if try Files.find(out, to: "create"),
                !Files.isDirectory(out) || Files.exists(out + "/" + TokenizerFile.name)
            {
                throw CommandFailure("\(out) already exists: choose another path with --out, or delete it")
            }
            let begin = ContinuousClock.now
            let progress = TokenizerTrainProgress(isQuiet: quiet)
            defer { progress.finish() }
            var pieces = PretokenCounter()
            for path in text {
                try TextFile.readBlocks(
                    path, splitPoint: { pattern.pattern.splitPoint(in: $0) }, notice: { note($0) }
                ) { block in
                    if lines {
                        pieces.add(linesOf: block, splitBy: pattern.pattern)
                    } else {
                        pieces.add(block, splitBy: pattern.pattern)
                    }
                    progress.report(pieces)
                }
            }
            let result = try trainer.train(pieces) { merge, count in
                progress.report(merge, count, of: vocabulary)
                return true
            }
            guard let result else { return }
            let tokenizer = try result.tokenizer(splitBy: pattern.pattern)
            try save(tokenizer)
            progress.finish()
            try describe(result, pieces, seconds: (ContinuousClock.now - begin) / .seconds(1))
        }
    }

    private func save(_ tokenizer: BPETokenizer) throws {
        if out.hasSuffix(".json"), !Files.isDirectory(out) {
            AtomicFile.removeLeftovers(in: Files.parent(of: out))
            try AtomicFile.write(TokenizerFile.contents(for: tokenizer), to: out)
        } else {
            try TokenizerFile.make(tokenizer, directory: out)
        }
    }

    private func describe(_ result: BPETrainer.Result, _ pieces: PretokenCounter, seconds: Double) throws {
        let size = result.tokens.count + (like.putsSpecialTokensLast ? special.count : 0)
        let words = "\(counted(pieces.totalPretokens, "pre-token")), \(grouped(pieces.count)) distinct"
        try writeLine("read        \(bytes(pieces.totalBytes)): \(words)")
        try writeLine(
            "trained     \(counted(result.merges.count, "merge")), a vocabulary of \(counted(size, "token"))")
        if let last = result.merges.last, let count = result.counts.last {
            let text = escaped(String(decoding: result.tokens[Int(last.result)], as: UTF8.self))
            try writeLine("last merge  \"\(text)\", which occurs \(counted(count, "time"))")
        }
        try writeLine("time        \(duration(seconds))")
        try writeLine("saved       \(out)")
        if size < vocabulary {
            note(
                "The vocabulary has \(counted(size, "token")) instead of \(grouped(vocabulary)): the text has no more pairs that "
                    + "are frequent enough.")
        }
        if json {
            let object: JSON = [
                "vocabulary": .int(size), "merges": .int(result.merges.count), "bytes": .int(pieces.totalBytes),
                "pieces": .int(pieces.totalPretokens), "different_pieces": .int(pieces.count),
                "seconds": .double(seconds),
                "out": .string(out),
            ]
            try writeLine(object.serialized())
        }
    }
}

/// Shows the progress of training: as one line that is updated on a terminal, otherwise as a line every 10 seconds.
private final class TokenizerTrainProgress {
    private let isQuiet: Bool
    private var lastShown = ContinuousClock.now

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    private var isDue: Bool {
        if isQuiet { return false }
        let now = ContinuousClock.now
        guard now - lastShown > (errorsAreTerminal ? .milliseconds(100) : .seconds(10)) else { return false }
        lastShown = now
        return true
    }

    private func line(_ text: String) { show(errorsAreTerminal ? "\r\u{1B}[K" + text : text + "\n") }

    func report(_ pieces: PretokenCounter) {
        if isDue { line("reading: \(bytes(pieces.totalBytes)), \(grouped(pieces.count)) distinct pre-tokens") }
    }

    private var calls = 0

    func report(_ merge: Merge, _ count: Int, of vocabulary: Int) {
        // Reading the clock takes as long as a merge, so it is read only for every 64th merge.
        calls += 1
        if calls % 64 == 0, isDue {
            line(
                "training: token \(grouped(Int(merge.result))) of \(grouped(vocabulary)), which occurs "
                    + counted(count, "time"))
        }
    }

    func finish() {
        if errorsAreTerminal, !isQuiet { show("\r\u{1B}[K") }
    }
}
