import ArgumentParser
import Files
import GPTKit

/// `gpt generate`: generates text with a model.
struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Generate text with a model.",
        discussion: """
            The text starts with the prompt and is printed to standard output as it is generated. The prompt is given with \
            --prompt, in a file, or through a pipe. Without a prompt, the model starts after its beginning-of-text token or, if it \
            has none, after a line break, which is not printed. Generation stops after --length tokens, or earlier if the \
            model generates an end-of-text token (EOS). When the context is full, its first half is dropped and \
            generation continues.

              gpt generate model --prompt "ROMEO:" --length 1000
              gpt generate model --temperature 0.5 --count 3 --stop '\\n\\n'
              echo "To be" | gpt generate model --seed 7
            """)

    @OptionGroup var model: ModelOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The prompt: the text to continue; \\n is a newline, \\t a tab, \\\\ a backslash. (default: none)",
            valueName: "text"))
    var prompt: String?

    @Option(
        help: ArgumentHelp(
            "A file with the prompt, which is used as it is: \\n in it is not replaced; - for standard input.",
            valueName: "file"))
    var promptFile: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The number of tokens to generate, 0 or more (characters, with a character tokenizer).", valueName: "tokens"
        ))
    var length = 500

    @OptionGroup(title: "Sampling") var sampling: SamplingOptions

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Stop before this text; \\n is a newline. Can be repeated; generation stops at the first stop text that appears.",
            valueName: "text"))
    var stop: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The number of texts to generate from the prompt, 1 or more.", valueName: "number"))
    var count = 1

    @OptionGroup var end: EndOptions

    @OptionGroup var encoding: EncodingOptions

    @OptionGroup var replacement: ReplacementOptions

    @Option(help: WeightFormat.help)
    var precision = WeightFormat.float32

    /// The separator between several texts.
    private static let separator = String(repeating: "-", count: 15)

    func validate() throws {
        if prompt != nil, promptFile != nil {
            throw ValidationError("Give either --prompt or --prompt-file, not both.")
        }
        try requireNames(promptFile)
        if length < 0 { throw ValidationError("--length is \(length); it must be 0 or more.") }
        if count < 1 { throw ValidationError("--count is \(count); it must be 1 or more.") }
        try checkingUsage { try StopFilter(stop.map(unescaped)) }
    }

    func run() throws {
        try reportingFailures {
            let settings = sampling.settings, stops = stop.map(unescaped)
            let unknown = replacement.scalar
            let prompt = try readPrompt()
            try model.execution.execute(with: precision) {
                var generator = try model.load(precision, replacement)
                encoding.apply(to: &generator)
                generator.ignoresEnds = end.ignoreEos
                encoding.remark(on: prompt, called: "The prompt", generator.encoding)
                let ids = try replacement.suggesting { try generator.encode(prompt: prompt, replacing: unknown) }
                do {
                    try generate(
                        generator, ids, settings, stops, shown: prompt.isEmpty ? "" : generator.tokenizer.decode(ids))
                } catch let error as GenerationError {
                    // The error message starts on a new line.
                    try writeLine()
                    throw ModelError(weightsOf: generator.model, path: model.model) ?? error
                }
            }
        }
    }

    /// The prompt from the command line, a file or standard input; empty if none was given.
    private func readPrompt() throws -> String {
        if let prompt { return unescaped(prompt) }
        guard let path = promptFile ?? (inputIsGiven ? "-" : nil) else { return "" }
        // A script can pass on its own open pipe by accident. The command would then wait forever without an
        // explanation.
        if path == "-", promptFile == nil, !inputArrives(within: 1000) {
            note("Waiting for the prompt on standard input; use --prompt to give it on the command line.")
        }
        return try TextFile.readText(path, allowingEmpty: true, for: .encoding) { note($0) }
    }

    private func generate(
        _ generator: TextGenerator, _ ids: [Int32], _ settings: GenerationSettings, _ stops: [String],
        shown prompt: String
    ) throws {
        let start = ContinuousClock.now
        remarkOnPrompt(ids, generator.model)
        var tokens = 0
        // The texts are generated in parallel, as many as fit into memory. This affects only the speed.
        let group = max(1, min(count, (1 << 30) / (generator.model.specification?.decodingBytes ?? 1 << 20)))
        for first in stride(from: 0, to: count, by: group) {
            var waiting = [String](repeating: "", count: min(group, count - first))
            if first > 0 { try writeLine(Self.separator) }
            try write(prompt)
            tokens += try generator.generate(
                after: ids, length: length, settings: settings, sequences: waiting.count, firstSequence: first,
                stops: stops
            ) { sequence, text in
                // The first text is printed while it is generated, the others after it.
                if sequence == 0 { try write(text) } else { waiting[sequence] += text }
            }
            try writeLine()
            for text in waiting.dropFirst() { try write("\(Self.separator)\n\(prompt)\(text)\n") }
        }
        if errorsAreTerminal {
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let seed = settings.temperature == 0 ? "" : ", --seed \(settings.seed)"
            note(
                "\n[\(counted(tokens, "token")), \(grouped(Int(Double(tokens) / max(seconds, 1e-9)))) tokens/s\(seed)]")
        }
    }
}
