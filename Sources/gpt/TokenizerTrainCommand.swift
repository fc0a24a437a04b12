import ArgumentParser
import Files
import GPTKit
import StrictJSON

extension BPETrainer.Convention: ExpressibleByArgument {}

/// `gpt tokenizer train`: a vocabulary from texts.
struct TokenizerTrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Learn a vocabulary of byte pairs from texts.",
        discussion: """
            Every byte is a token at first; the pair of neighbours that occurs most often becomes a token of its own, again \
            and again. The texts may be longer than memory: only their different words are kept. The vocabulary is, merge \
            by merge, what Hugging Face's trainer learns from the same texts, or rustbpe, or minbpe.

              gpt tokenizer train --text notes.txt --vocabulary 1024 --out notes-tokens
              cat *.txt | gpt tokenizer train --text - --vocabulary 4096 --special '<|endoftext|>' --out tokenizer.json

            The result is a tokenizer.json as Hugging Face's libraries read it. 'gpt train --tokenizer' takes it.
            """)

    /// How texts are cut before they are learnt from.
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
            "A text to learn from, in UTF-8; - for standard input. Repeat it for several.", valueName: "file"))
    var text: [String]

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many tokens to have in the end, the 256 bytes included.", valueName: "number"))
    var vocabulary: Int

    @Option(
        help: ArgumentHelp("The file (.json), or the directory, to make.", valueName: "path"))
    var out: String

    @Option(
        help: ArgumentHelp(
            "Whose numbering is followed, and whose choice between equally frequent pairs: the smallest ids (hf, rustbpe), or "
                + "the pair that the text has first (minbpe)."))
    var like = BPETrainer.Convention.huggingFace

    @Option(help: "How texts are cut into words before: as for GPT-2, Llama 3, Qwen, or GPT-4o.")
    var pattern = Pattern.gpt2

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Merge no pair that occurs less often.", valueName: "number"))
    var minFrequency = 0

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A special token, such as <|endoftext|>. Repeat it for several.", valueName: "name"))
    var special: [String] = []

    @Flag(help: "Show no progress, only the result.")
    var quiet = false

    @Flag(help: "Print the result once more as one JSON object, the last line of the output.")
    var json = false

    func validate() throws {
        if text.isEmpty { throw ValidationError("Give a text to learn from with --text.") }
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
            if try Files.find(out, to: "make"), !Files.isDirectory(out) || Files.exists(out + "/" + TokenizerFile.name)
            {
                throw CommandFailure("\(out) exists already: choose another name with --out, or delete it")
            }
            let begin = ContinuousClock.now
            let progress = TokenizerTrainProgress(isQuiet: quiet)
            defer { progress.finish() }
            var pieces = PieceCounter()
            for path in text {
                try TextFile.readBlocks(path, placeToCut: { pattern.pattern.placeToCut(in: $0) }) { block in
                    pieces.add(block, cutBy: pattern.pattern)
                    progress.report(pieces)
                }
            }
            let result = try trainer.train(pieces) { merge, count in
                progress.report(merge, count, of: vocabulary)
                return true
            }
            guard let result else { return }
            let tokenizer = try result.tokenizer(cutBy: pattern.pattern)
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

    private func describe(_ result: BPETrainer.Result, _ pieces: PieceCounter, seconds: Double) throws {
        let size = result.tokens.count + (like.putsSpecialTokensLast ? special.count : 0)
        let words = "\(counted(pieces.totalPieces, "piece")), \(grouped(pieces.count)) of them different"
        try writeLine("read        \(bytes(pieces.totalBytes)): \(words)")
        try writeLine(
            "learnt      \(counted(result.merges.count, "merge")), a vocabulary of \(counted(size, "token"))")
        if let last = result.merges.last, let count = result.counts.last {
            let text = escaped(String(decoding: result.tokens[Int(last.result)], as: UTF8.self))
            try writeLine("the last    \"\(text)\", which occurs \(counted(count, "time"))")
        }
        try writeLine("time        \(duration(seconds))")
        try writeLine("saved       \(out)")
        if size < vocabulary {
            note("The text has frequent enough pairs for \(counted(size, "token")) only, not \(grouped(vocabulary)).")
        }
        if json {
            let object: JSON = [
                "vocabulary": .int(size), "merges": .int(result.merges.count), "bytes": .int(pieces.totalBytes),
                "pieces": .int(pieces.totalPieces), "different_pieces": .int(pieces.count), "seconds": .double(seconds),
                "out": .string(out),
            ]
            try writeLine(object.serialized())
        }
    }
}

/// How learning goes: on one line of a terminal, and through a pipe in a line now and then.
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

    func report(_ pieces: PieceCounter) {
        if isDue { line("reading: \(bytes(pieces.totalBytes)), \(grouped(pieces.count)) different pieces") }
    }

    private var calls = 0

    func report(_ merge: Merge, _ count: Int, of vocabulary: Int) {
        // Asking the time takes as long as a merge.
        calls += 1
        if calls % 64 == 0, isDue {
            line(
                "learning: token \(grouped(Int(merge.result))) of \(grouped(vocabulary)), which occurs "
                    + counted(count, "time"))
        }
    }

    func finish() {
        if errorsAreTerminal, !isQuiet { show("\r\u{1B}[K") }
    }
}
