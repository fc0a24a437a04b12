import ArgumentParser
import Files
import GPTKit

/// `gpt generate`: a model writes.
struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Let a model write.",
        discussion: """
            The text begins with the prompt and goes to standard output as it is written. The prompt is given with \
            --prompt, in a file, or through a pipe; without one the model begins as after a newline. Past its context \
            the model goes on from the last half of it.

              gpt generate model --prompt "ROMEO:" --length 1000
              gpt generate model --temperature 0.5 --count 3 --stop '\\n\\n'
              echo "To be" | gpt generate model --seed 7
            """)

    @OptionGroup var model: ModelOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The text to go on from; \\n is a newline, \\t a tab, \\\\ a backslash.", valueName: "text"))
    var prompt: String?

    @Option(
        help: ArgumentHelp(
            "A file with the text to go on from, taken as it is; - for standard input.", valueName: "file"))
    var promptFile: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many tokens to write (characters, for a character model).", valueName: "tokens"))
    var length = 500

    @OptionGroup(title: "Drawing tokens") var sampling: SamplingOptions

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "End before this text, in which \\n is a newline too. Repeat it for several, the first that appears counts.",
            valueName: "text"))
    var stop: [String] = []

    @Option(
        parsing: .unconditional, help: ArgumentHelp("How many texts to write from the prompt.", valueName: "number"))
    var count = 1

    @OptionGroup var replacement: ReplacementOptions

    @Option(help: Precision.help)
    var precision = Precision.float32

    /// The line between several texts.
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
            try model.execution.execute(in: precision) {
                let generator = try model.load()
                let ids = try replacement.suggesting { try generator.encode(prompt: prompt, replacing: unknown) }
                do {
                    try generate(
                        generator, ids, settings, stops, shown: prompt.isEmpty ? "" : generator.tokenizer.decode(ids))
                } catch let error as GenerationError {
                    // The error has a line of its own, not the rest of the text's.
                    try writeLine()
                    throw ModelError(weightsOf: generator.model, path: model.model) ?? error
                }
            }
        }
    }

    /// The prompt from where it was given; empty where it was not.
    private func readPrompt() throws -> String {
        if let prompt { return unescaped(prompt) }
        guard let path = promptFile ?? (inputIsGiven ? "-" : nil) else { return "" }
        // A script may hand on a pipe of its own without knowing it, and would wait for ever without knowing why.
        if path == "-", promptFile == nil, !inputArrives(within: 1000) {
            note("Waiting for the prompt on standard input; with --prompt it is not read.")
        }
        return try TextFile.read(path, allowingEmpty: true, for: .encoding)
    }

    private func generate(
        _ generator: TextGenerator, _ ids: [Int32], _ settings: GenerationSettings, _ stops: [String],
        shown prompt: String
    ) throws {
        let start = ContinuousClock.now
        remarkOnPrompt(ids, generator.model)
        var tokens = 0
        // Side by side as many as memory allows, which changes nothing but the time it takes.
        let group = max(1, min(count, (1 << 30) / generator.model.decodingBytes))
        for first in stride(from: 0, to: count, by: group) {
            var waiting = [String](repeating: "", count: min(group, count - first))
            if first > 0 { try writeLine(Self.separator) }
            try write(prompt)
            tokens += try generator.generate(
                after: ids, length: length, settings: settings, sequences: waiting.count, firstSequence: first,
                stops: stops
            ) { sequence, text in
                // The first is shown as it is written, the others after it.
                if sequence == 0 { try write(text) } else { waiting[sequence] += text }
            }
            try writeLine()
            for text in waiting.dropFirst() { try write("\(Self.separator)\n\(prompt)\(text)\n") }
        }
        if errorsAreTerminal {
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let seed = settings.temperature == 0 ? "" : ", --seed \(settings.seed)"
            note(
                "\n[\(counted(tokens, "token")), \(grouped(Int(Double(tokens) / max(seconds, 1e-9)))) a second\(seed)]")
        }
    }
}
