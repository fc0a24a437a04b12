import ArgumentParser
import Files
import GPTKit
import StrictJSON

extension BPETrainer.Convention: ExpressibleByArgument {}

/// `gpt tokenizer train`: trains a vocabulary on texts.
struct TokenizerTrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train a byte pair encoding (BPE) or WordPiece tokenizer on text files.",
        discussion: """
            With --kind bpe, the default, training starts with the 256 bytes as tokens and repeatedly merges the most frequent pair of adjacent tokens \
            into a new token. The texts can be larger than memory: only their distinct words are stored.

            By default each text is one string, so a token can contain line breaks. The merges (the rules that join two tokens) \
            are those of 'Tokenizer.train_from_iterator' in Hugging Face's tokenizers, given the same strings. With --lines each \
            line, with the line feed at its end, is a string of its own, and the merges are those of 'Tokenizer.train', given the \
            files. With --like they are those of rustbpe or minbpe.

              gpt tokenizer train --text notes.txt --vocabulary 1024 --out notes-tokens
              cat *.txt | gpt tokenizer train --text - --vocabulary 4096 --out tokenizer.json

            With --kind wordpiece a WordPiece vocabulary is learned, as used by BERT. Words become lower case, unless --cased \
            is given. A token begins a word, or continues one and is written with ##, such as ##ing. [PAD], [UNK], [CLS], [SEP] and [MASK] \
            have the first ids. The tokens are those of Hugging Face's WordPieceTrainer.

              gpt tokenizer train --kind wordpiece --text notes.txt --vocabulary 8000 --out notes-words

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

    /// The kinds of vocabularies.
    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case bpe, wordpiece
    }

    @Option(help: "The kind of vocabulary.") var kind = Kind.bpe

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "A text file to train on, in UTF-8, which may be compressed (.gz, .zst); a pattern of file names in quotes "
                + "('shards/*.txt'); or - for standard input. Can be repeated.", valueName: "file"))
    var text: [String]

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The vocabulary size, including the special tokens and the 256 bytes (bpe) or all characters of the text (wordpiece).",
            valueName: "number"))
    var vocabulary: Int

    @Option(
        help: ArgumentHelp("The file (.json) or directory to create.", valueName: "path"))
    var out: String

    @Option(
        help: ArgumentHelp(
            "The trainer whose id numbering and tie-breaking are used. Among equally frequent pairs, hf and rustbpe merge the "
                + "one with the smallest ids, minbpe the one that occurs first in the text. Only for --kind bpe. (default: hf)"
        ))
    var like: BPETrainer.Convention?

    @Option(
        help: ArgumentHelp(
            "The split pattern that divides texts into words before training: that of GPT-2, Llama 3, Qwen or GPT-4o. Only for "
                + "--kind bpe. (default: gpt2)"))
    var pattern: Pattern?

    @Flag(
        help: ArgumentHelp(
            "Train on each line by itself, as 'train' of Hugging Face's tokenizers does with files. Only for --kind bpe."
        ))
    var lines = false

    @Flag(help: "Keep upper case and accents. Only for --kind wordpiece.")
    var cased = false

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

    mutating func validate() throws {
        if text.isEmpty { throw ValidationError("Give a text file to train on with --text.") }
        text = try matchingFiles(text)
        try requireName(out)
        switch kind {
        case .bpe:
            if cased { throw ValidationError("--cased has no effect on byte pairs: use it with --kind wordpiece.") }
            try checkingUsage { try trainer() }
        case .wordpiece:
            let others = [
                ("--like", like != nil), ("--pattern", pattern != nil), ("--lines", lines),
                ("--special", !special.isEmpty),
            ]
            if let other = others.first(where: \.1) {
                throw ValidationError("\(other.0) has no effect on WordPiece: use it with --kind bpe.")
            }
            try checkingUsage { try wordPieceTrainer() }
        }
    }

    private func trainer() throws -> BPETrainer {
        try BPETrainer(
            vocabularySize: vocabulary, convention: like ?? .huggingFace, minimumFrequency: minFrequency,
            specialTokens: special)
    }

    func run() throws {
        try reportingFailures {
            if try Files.find(out, to: "create"),
                !Files.isDirectory(out) || Files.exists(out + "/" + TokenizerFile.name)
            {
                throw CommandFailure("\(out) already exists: choose another path with --out, or delete it")
            }
            let progress = TokenizerTrainProgress(isQuiet: quiet)
            defer { progress.finish() }
            switch kind {
            case .bpe: try trainBytePairs(progress)
            case .wordpiece: try trainWordPiece(progress)
            }
        }
    }

    private func trainBytePairs(_ progress: TokenizerTrainProgress) throws {
        let trainer = try trainer()
        let pattern = (pattern ?? .gpt2).pattern
        let begin = ContinuousClock.now
        let pieces = try read(splitPoint: { pattern.splitPoint(in: $0) }, progress) { block, pieces in
            if lines { pieces.add(linesOf: block, splitBy: pattern) } else { pieces.add(block, splitBy: pattern) }
        }
        let result = try trainer.train(pieces) { merge, count in
            progress.report(merge.result, count, of: vocabulary)
            return true
        }
        guard let result else { return }
        try save(try result.tokenizer(splitBy: pattern))
        progress.finish()
        let specialCount = trainer.convention.putsSpecialTokensLast ? special.count : 0
        let last = result.merges.last.map { String(decoding: result.tokens[Int($0.result)], as: UTF8.self) }
        try describe(
            Summary(
                size: result.tokens.count + specialCount, merges: result.merges.count, last: last,
                lastCount: result.counts.last), pieces, seconds: (ContinuousClock.now - begin) / .seconds(1))
    }

    /// Counts the pre-tokens of all texts.
    func read(
        splitPoint: (UnsafeBufferPointer<UInt8>) -> Int?, _ progress: TokenizerTrainProgress,
        add: (String, inout PretokenCounter) -> Void
    ) throws -> PretokenCounter {
        var pieces = PretokenCounter()
        for path in text {
            let path = try CompressedFile.expand(path) { if !quiet { note($0) } }
            try TextFile.readBlocks(path, splitPoint: splitPoint, notice: { note($0) }) { block in
                add(block, &pieces)
                progress.report(pieces)
            }
        }
        return pieces
    }

    func save(_ tokenizer: any Tokenizer) throws {
        if out.hasSuffix(".json"), !Files.isDirectory(out) {
            AtomicFile.removeLeftovers(in: Files.parent(of: out))
            try AtomicFile.write(TokenizerFile.contents(for: tokenizer), to: out)
        } else {
            try TokenizerFile.make(tokenizer, directory: out)
        }
    }

    /// What was trained.
    struct Summary {
        var size: Int
        var merges: Int
        /// The last token that was merged, and how often its pair occurred.
        var last: String?
        var lastCount: Int?
    }

    func describe(_ result: Summary, _ pieces: PretokenCounter, seconds: Double) throws {
        let size = result.size
        let words = "\(counted(pieces.totalPretokens, "pre-token")), \(grouped(pieces.count)) distinct"
        try writeLine("read        \(bytes(pieces.totalBytes)): \(words)")
        try writeLine("trained     \(counted(result.merges, "merge")), a vocabulary of \(counted(size, "token"))")
        if let last = result.last, let count = result.lastCount {
            try writeLine("last merge  \"\(escaped(last))\", which occurs \(counted(count, "time"))")
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
                "vocabulary": .int(size), "merges": .int(result.merges), "bytes": .int(pieces.totalBytes),
                "pieces": .int(pieces.totalPretokens), "different_pieces": .int(pieces.count),
                "seconds": .double(seconds),
                "out": .string(out),
            ]
            try writeLine(object.serialized())
        }
    }
}

/// Shows the progress of training: as one line that is updated on a terminal, otherwise as a line every 10 seconds.
final class TokenizerTrainProgress {
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

    func report(_ id: Int32, _ count: Int, of vocabulary: Int) {
        // Reading the clock takes as long as a merge, so it is read only for every 64th merge.
        calls += 1
        if calls % 64 == 0, isDue {
            line(
                "training: token \(grouped(Int(id))) of \(grouped(vocabulary)), which occurs "
                    + counted(count, "time"))
        }
    }

    func finish() {
        if errorsAreTerminal, !isQuiet { show("\r\u{1B}[K") }
    }
}
