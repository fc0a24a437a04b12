import ArgumentParser
import Files
import GPTKit
import StrictJSON

/// `gpt test`: evaluates a model on a text, and continues a prompt.
struct TestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Evaluate a model on a text (loss, perplexity) or a table (accuracy, BLEU).",
        discussion: """
            The loss is the mean negative log probability of each token of the text except the first, in nats. Perplexity \
            is its exponential. Bits per character and bits per byte are the total loss in bits divided by the number of \
            predicted characters or UTF-8 bytes; they are comparable between models with different tokenizers. A model \
            with a limited context reads the text in consecutive windows of that length. With --prompt the command also \
            generates a continuation.

              gpt test model --text notes.txt --prompt "Dear"

            A classifier is evaluated on a table of labelled texts: accuracy with its 95% interval, macro F1 and the confusion \
            matrix. The accuracy of two baselines is printed for comparison: the most frequent label for every text, and naive \
            Bayes on words and pairs of words. Both are computed from the training data of the model. A translator is \
            evaluated on a table of pairs: loss for each token, exact matches, BLEU and chrF.

              gpt test reviews --data held-out.csv
              gpt test translator --data held-out.tsv --beams 4
            """)

    @OptionGroup var model: ModelOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The text file to evaluate a language model on, in UTF-8, which may be compressed (.gz, .zst); - for standard input.",
            valueName: "file"))
    var text: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The number of tokens between the beginnings of two windows, 1 to the context (sliding windows). With half of the "
                + "context, each token is predicted from at least half a context, and the evaluation takes twice as long. "
                + "(default: the context, so that windows do not overlap)", valueName: "tokens"))
    var stride: Int?

    @OptionGroup(title: "Table") var table: TableOptions
    @OptionGroup(title: "Table") var search: SearchOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Also generate a continuation of this text; \\n is a newline, \\t a tab, \\\\ a backslash. (default: no text is "
                + "generated)",
            valueName: "text"))
    var prompt: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The number of tokens to generate after the prompt, 0 or more. (default: 200)", valueName: "tokens"))
    var length: Int?

    @OptionGroup(title: "Sampling") var sampling: SamplingOptions

    @OptionGroup var end: EndOptions

    @OptionGroup var encoding: EncodingOptions

    @OptionGroup var replacement: ReplacementOptions

    @Option(help: WeightFormat.help)
    var precision = WeightFormat.float32

    @Flag(help: "Also print the results as one JSON object, on the last line of the output.")
    var json = false

    /// The prompt with its escapes resolved.
    private var promptText: String? { prompt.map(unescaped) }

    func validate() throws {
        if let stride, stride < 1 { throw ValidationError("--stride is \(stride); it must be 1 or more.") }
        if let length, length < 0 { throw ValidationError("--length is \(length); it must be 0 or more.") }
        if prompt == nil, let option = ((length == nil ? [] : ["--length"]) + sampling.given).first {
            throw ValidationError(
                "\(option) applies to the text that --prompt generates: leave it out, or give a --prompt.")
        }
        try requireNames(text)
        try requireTexts(text.map { [$0] } ?? [])
        if text == nil, table.data.isEmpty {
            throw ValidationError(
                "There is nothing to evaluate on: give --text for a language model, or --data for a classifier or a translator."
            )
        }
        if table.data.isEmpty, let option = table.given.map(\.option).first ?? search.given.first {
            throw ValidationError("\(option) applies to --data: leave it out, or give a table with --data.")
        }
        if !table.data.isEmpty {
            let options: [(String, Bool)] = [
                ("--stride", stride != nil), ("--prompt", prompt != nil), ("--special", encoding.special != .text),
                ("--no-template", encoding.noTemplate), ("--ignore-eos", end.ignoreEos),
            ]
            if let option = options.first(where: \.1)?.0 {
                throw ValidationError("\(option) applies to --text: leave it out.")
            }
        }
        if text != nil, !table.data.isEmpty { throw ValidationError("Give either --text or --data, not both.") }
    }

    func run() throws {
        try reportingFailures {
            guard let text else { return try testOnData() }
            let settings = sampling.settings
            let unknown = replacement.scalar
            try model.execution.execute(with: precision) {
                var generator = try model.load(precision, replacement)
                encoding.apply(to: &generator)
                generator.ignoresEnds = end.ignoreEos
                let content = try TextFile.readText(
                    CompressedFile.expand(text) { note($0) }, allowingEmpty: true, for: .encoding
                ) { note($0) }
                encoding.remark(on: content, called: "The text", generator.encoding)
                // The prompt is encoded before the text is evaluated, which can take a while, so that an error is
                // reported at once.
                let promptIds = try promptText.map { prompt in
                    try replacement.suggesting { try generator.encode(prompt: prompt, replacing: unknown) }
                }
                let (score, seconds) = try measure(generator, content, of: text, unknown)
                guard score.loss.isFinite else { throw ModelError(numbersOf: generator.model, path: model.model) }
                try describe(score, of: content, seconds)
                var continuation: String?
                if let promptText, let promptIds {
                    let shown = promptText.isEmpty ? "" : generator.tokenizer.decode(promptIds)
                    continuation = try write(generator, promptIds, shown: shown, settings)
                }
                if json { try writeLine(object(score, of: content, seconds, continuation).serialized()) }
            }
        }
    }

    /// Evaluates the text. The time does not include encoding.
    private func measure(
        _ generator: TextGenerator, _ content: String, of path: String, _ unknown: Unicode.Scalar?
    ) throws -> (score: TextScore, seconds: Double) {
        if let stride {
            guard let context = generator.model.contextLength else {
                throw CommandFailure("\(model.model) has no context, so that --stride has no effect; leave it out")
            }
            guard stride <= context else {
                throw CommandFailure(
                    "--stride is \(stride), more than the context of \(model.model), \(context) tokens")
            }
        }
        var scorer: TextScorer
        do {
            scorer = try replacement.suggesting {
                try TextScorer(content, generator, replacing: unknown, stride: stride)
            }
        } catch {
            throw CommandFailure("\(path == "-" ? "standard input" : path): \(error)")
        }
        let clock = ContinuousClock()
        let start = clock.now
        var lastShown = start
        while scorer.scoreNextPart() {
            guard errorsAreTerminal, clock.now - lastShown > .milliseconds(500) else { continue }
            show("\revaluating: \(min(99, Int(100 * scorer.progress)))%")
            lastShown = clock.now
        }
        if lastShown != start { show("\r\u{1B}[K") }
        return (scorer.score, (clock.now - start) / .seconds(1))
    }

    private func describe(_ score: TextScore, of content: String, _ seconds: Double) throws {
        let characters = counted(content.unicodeScalars.count, "character")
        let rate = Double(score.tokens) / max(seconds, 1e-9)
        let rows = [
            ["text", "\(characters), \(counted(score.tokens + 1, "token"))"],
            ["loss", "\(fixed(score.loss, 4)) nats per token"],
            ["perplexity", fixed(score.perplexity, 3)],
            ["bits per character", fixed(score.bitsPerCharacter, 4)],
            ["bits per byte", fixed(score.bitsPerByte, 4)],
            ["time", "\(duration(seconds)), \(large(rate)) tokens/s"],
        ]
        for line in aligned(rows, left: [0, 1]) { try writeLine(line) }
    }

    private func write(
        _ generator: TextGenerator, _ ids: [Int32], shown prompt: String, _ settings: GenerationSettings
    ) throws -> String {
        remarkOnPrompt(ids, generator.model)
        var continuation = ""
        try gpt.write("\n" + prompt)
        try generator.generate(after: ids, length: length ?? 200, settings: settings) { _, text in
            try gpt.write(text)
            continuation += text
        }
        try writeLine()
        return continuation
    }

    private func object(
        _ score: TextScore, of content: String, _ seconds: Double, _ continuation: String?
    ) -> JSON {
        var object = JSONObject()
        object["loss"] = .double(score.loss)
        object["perplexity"] = .double(score.perplexity)
        object["bits_per_character"] = .double(score.bitsPerCharacter)
        object["bits_per_byte"] = .double(score.bitsPerByte)
        object["tokens"] = .int(score.tokens + 1)
        object["predicted_tokens"] = .int(score.tokens)
        object["characters"] = .int(content.unicodeScalars.count)
        object["seconds"] = .double(seconds)
        if let promptText, let continuation {
            object["prompt"] = .string(promptText)
            object["continuation"] = .string(continuation)
        }
        return .object(object)
    }
}
