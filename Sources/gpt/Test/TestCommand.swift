import ArgumentParser
import Files
import GPTKit
import Platform
import StrictJSON

/// `gpt test`: what a model makes of a text it is given, and what it writes.
struct TestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Evaluate a model on a text: loss, perplexity, bits per character and per byte.",
        discussion: """
            The loss is the mean negative log probability of each token of the text except the first, in nats. Perplexity \
            is its exponential. Bits per character and bits per byte are the total loss in bits divided by the number of \
            predicted characters or UTF-8 bytes; they are comparable between models with different tokenizers. A model \
            with a limited context reads the text in consecutive windows of that length. With --prompt the command also \
            generates a continuation.

              gpt test model --text notes.txt --prompt "Dear"
            """)

    @OptionGroup var model: ModelOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The text file to evaluate on, in UTF-8; - for standard input.", valueName: "file"))
    var text: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Also generate a continuation of this text; \\n is a newline, \\t a tab, \\\\ a backslash. (default: no text is "
                + "generated)",
            valueName: "text"))
    var prompt: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The number of tokens to generate after the prompt, 0 or more.", valueName: "tokens"))
    var length = 200

    @OptionGroup(title: "Sampling") var sampling: SamplingOptions

    @OptionGroup var replacement: ReplacementOptions

    @Option(help: WeightFormat.help)
    var precision = WeightFormat.float32

    @Flag(help: "Also print the results as one JSON object, on the last line of the output.")
    var json = false

    /// What was measured.
    private struct Result {
        var evaluation: Evaluation
        var characters: Int
        /// Characters that were predicted: all but those of the first token.
        var predictedCharacters: Int
        var predictedBytes: Int
        var seconds: Double

        var perplexity: Double { exp(evaluation.loss) }
        var bitsPerCharacter: Double { bits(evaluation.total) / Double(predictedCharacters) }
        var bitsPerByte: Double { bits(evaluation.total) / Double(predictedBytes) }
    }

    /// The prompt that was meant.
    private var promptText: String? { prompt.map(unescaped) }

    func validate() throws {
        if length < 0 { throw ValidationError("--length is \(length); it must be 0 or more.") }
        try requireNames(text)
        try requireTexts([text])
    }

    func run() throws {
        try reportingFailures {
            let settings = sampling.settings
            let unknown = replacement.scalar
            try model.execution.execute(with: precision) {
                let generator = try model.load()
                let content = try TextFile.read(text, allowingEmpty: true, for: .encoding)
                // Before the text is measured, which may take a while.
                let promptIds = try promptText.map { prompt in
                    try replacement.suggesting { try generator.encode(prompt: prompt, replacing: unknown) }
                }
                let result = try measure(generator, content, unknown)
                guard result.evaluation.loss.isFinite else {
                    throw ModelError(numbersOf: generator.model, path: model.model)
                }
                try describe(result)
                var continuation: String?
                if let promptText, let promptIds {
                    let shown = promptText.isEmpty ? "" : generator.tokenizer.decode(promptIds)
                    continuation = try write(generator, promptIds, shown: shown, settings)
                }
                if json { try writeLine(object(result, continuation).serialized()) }
            }
        }
    }

    private func measure(_ generator: TextGenerator, _ content: String, _ unknown: Unicode.Scalar?) throws -> Result {
        let name = text == "-" ? "standard input" : text
        let ids: [Int32]
        do {
            ids = try replacement.suggesting {
                try generator.tokenizer.encodeOrdinary(
                    content, replacing: unknown, concurrently: Execution.parallelLoop)
            }
        } catch let error as CommandFailure {
            throw CommandFailure("\(name): \(error)")
        } catch let error as TokenizerError {
            throw CommandFailure("\(name): \(error)")
        }
        guard ids.count >= 2 else {
            throw CommandFailure(
                "\(name) is too short: it has \(counted(ids.count, "token")), and evaluation needs at least 2; give a longer "
                    + "text")
        }
        var decoder = StreamingDecoder(generator.tokenizer)
        let first = decoder.append(ids[0]).unicodeScalars.count
        let characters = content.unicodeScalars.count

        let clock = ContinuousClock()
        let start = clock.now
        var lastShown = start
        var calls = 0
        let evaluation = generator.model.evaluate(ids, after: [], windows: nil) {
            calls += 1
            if errorsAreTerminal, clock.now - lastShown > .milliseconds(500) {
                // About 2048 tokens are scored between two calls.
                show("\revaluating: \(min(99, calls * 2048 * 100 / ids.count))%")
                lastShown = clock.now
            }
            return false
        }
        if lastShown != start { show("\r\u{1B}[K") }
        let seconds = (clock.now - start) / .seconds(1)
        return Result(
            evaluation: evaluation ?? Evaluation(total: 0, count: 0), characters: characters,
            predictedCharacters: max(1, characters - first),
            predictedBytes: max(1, content.utf8.count - generator.tokenizer.bytes(of: ids[0]).count), seconds: seconds)
    }

    private func describe(_ result: Result) throws {
        let tokens = result.evaluation.count
        let rate = Double(tokens) / max(result.seconds, 1e-9)
        let rows = [
            ["text", "\(counted(result.characters, "character")), \(counted(tokens + 1, "token"))"],
            ["loss", "\(fixed(result.evaluation.loss, 4)) nats per token"],
            ["perplexity", fixed(result.perplexity, 3)],
            ["bits per character", fixed(result.bitsPerCharacter, 4)],
            ["bits per byte", fixed(result.bitsPerByte, 4)],
            ["time", "\(duration(result.seconds)), \(large(rate)) tokens/s"],
        ]
        for line in aligned(rows, left: [0, 1]) { try writeLine(line) }
    }

    private func write(
        _ generator: TextGenerator, _ ids: [Int32], shown prompt: String, _ settings: GenerationSettings
    ) throws -> String {
        remarkOnPrompt(ids, generator.model)
        var continuation = ""
        try gpt.write("\n" + prompt)
        try generator.generate(after: ids, length: length, settings: settings) { _, text in
            try gpt.write(text)
            continuation += text
        }
        try writeLine()
        return continuation
    }

    private func object(_ result: Result, _ continuation: String?) -> JSON {
        var object = JSONObject()
        object["loss"] = .double(result.evaluation.loss)
        object["perplexity"] = .double(result.perplexity)
        object["bits_per_character"] = .double(result.bitsPerCharacter)
        object["bits_per_byte"] = .double(result.bitsPerByte)
        object["tokens"] = .int(result.evaluation.count + 1)
        object["predicted_tokens"] = .int(result.evaluation.count)
        object["characters"] = .int(result.characters)
        object["seconds"] = .double(result.seconds)
        if let promptText, let continuation {
            object["prompt"] = .string(promptText)
            object["continuation"] = .string(continuation)
        }
        return .object(object)
    }
}
