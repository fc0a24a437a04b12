import ArgumentParser
import Files
import GPTKit
import Platform
import StrictJSON

/// `gpt tokenizer bench`: how fast a vocabulary is loaded, used and learnt.
struct TokenizerBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the speed of loading, encoding and training of a tokenizer.",
        discussion: """
            The measurements run on one thread, in seconds of processor time; each result is the best of all rounds. Each \
            round loads the tokenizer again. 'Cold' is its first encoding of the text, 'warm' a later one, when the words \
            of the text are cached. Tests/References/compare_tokenizers.py compares the results with tiktoken and \
            Hugging Face's tokenizers.

              gpt tokenizer bench --tokenizer cl100k --text notes.txt
            """)

    @Option(help: tokenizerHelp) var tokenizer = "gpt2"

    @Option(
        help: ArgumentHelp(
            "The text file to encode. (default: tiny Shakespeare, or the built-in play if it cannot be downloaded)",
            valueName: "file"))
    var text: String?

    @Option(parsing: .unconditional, help: ArgumentHelp("The number of rounds, 1 to 1000.", valueName: "number"))
    var rounds = 5

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The vocabulary size for the training benchmark, 256 or more; 0 skips it.", valueName: "number"))
    var vocabulary = 4_096

    @Flag(help: "Also print the results as one JSON object, on the last line of the output.")
    var json = false

    private func trainer() throws -> BPETrainer? {
        vocabulary == 0 ? nil : try BPETrainer(vocabularySize: vocabulary)
    }

    func validate() throws {
        guard (1...1_000).contains(rounds) else {
            throw ValidationError("--rounds is \(rounds); it must be between 1 and 1000.")
        }
        try requireNames(text)
        try requireTokenizer(tokenizer)
        try checkingUsage { try trainer() }
    }

    func run() throws {
        try reportingFailures {
            let trainer = try trainer()
            let content = try text.map { try TextFile.readText($0, for: .encoding) { note($0) } } ?? Self.defaultText()
            // Before the clock runs: a vocabulary may have to be fetched.
            _ = try loadTokenizer(tokenizer)

            var load = Double.infinity, cold = Double.infinity, warm = Double.infinity
            var tokens = 0
            for _ in 0..<rounds {
                var loaded: (any Tokenizer)?
                load = min(load, try processorTime { loaded = try loadTokenizer(tokenizer) })
                guard let loaded else { return }
                cold = min(cold, try processorTime { tokens = try Self.encode(content, with: loaded).count })
                for _ in 0..<3 { warm = min(warm, try processorTime { _ = try Self.encode(content, with: loaded) }) }
            }
            var training = Double.infinity
            if let trainer {
                for _ in 0..<rounds {
                    training = min(
                        training,
                        try processorTime {
                            var pieces = PretokenCounter()
                            pieces.add(content, splitBy: .gpt2)
                            _ = try trainer.train(pieces)
                        })
                }
            }
            try report(content.utf8.count, tokens: tokens, load: load, cold: cold, warm: warm, training: training)
        }
    }

    /// On one thread, whose time is measured.
    private static func encode(_ text: String, with tokenizer: any Tokenizer) throws -> [Int32] {
        try tokenizer.encodeOrdinary(text)
    }

    /// Tiny Shakespeare, or the play that is always there.
    private static func defaultText() -> String {
        do { return try TinyShakespeare.load { note("Downloading tiny Shakespeare ...") }.text } catch {
            note("\(error); using the built-in play instead")
            return BuiltInCorpus.text
        }
    }

    private func report(
        _ size: Int, tokens: Int, load: Double, cold: Double, warm: Double, training: Double
    ) throws {
        func rate(_ seconds: Double) -> Double { Double(size) / 1e6 / seconds }
        try writeLine("text         \(bytes(size)), \(counted(tokens, "token")) with \(tokenizer)")
        try writeLine("load         \(fixed(load * 1e3, 1)) ms")
        try writeLine("encode cold  \(fixed(rate(cold), 0)) MB/s of processor time")
        try writeLine("encode warm  \(fixed(rate(warm), 0)) MB/s of processor time")
        if training.isFinite {
            try writeLine("train        \(grouped(vocabulary)) tokens in \(fixed(training * 1e3, 1)) ms")
        }
        if json {
            var object = JSONObject()
            object["engine"] = "swift-gpt"
            object["tokenizer"] = .string(tokenizer)
            object["bytes"] = .int(size)
            object["tokens"] = .int(tokens)
            object["load_seconds"] = .double(load)
            object["cold_mb_per_cpu_second"] = .double(rate(cold))
            object["warm_mb_per_cpu_second"] = .double(rate(warm))
            object["training_vocabulary"] = training.isFinite ? .int(vocabulary) : .null
            object["training_cpu_seconds"] = training.isFinite ? .double(training) : .null
            try writeLine(JSON.object(object).serialized())
        }
    }
}

/// The seconds of processor time that `body` takes, of all threads of this process together.
private func processorTime(_ body: () throws -> Void) rethrows -> Double {
    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
    let begin = now()
    try body()
    return now() - begin
}
