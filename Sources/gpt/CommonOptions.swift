import ArgumentParser
import Files
import GPTKit

/// How the files of a model are read.
struct ModelFileOptions: ParsableArguments {
    @Flag(
        help: """
            Use a model although its config.json, tokenizer.json or generation_config.json was edited after it was saved. \
            Without this option that is an error, because a changed number in them changes results without any other sign.
            """)
    var acceptEditedFiles = false

    /// Reads a model.
    func load(_ path: String) throws -> SavedModel {
        try ModelDirectory.load(path, acceptingEdits: acceptEditedFiles)
    }
}

/// The model that a command uses, and how it computes.
struct ModelOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The model: a directory that 'gpt train' made, a GPT-2, Llama or Qwen3 of Hugging Face's transformers, or a "
                + "GGUF file.",
            valueName: "model"))
    var model: String

    @OptionGroup var files: ModelFileOptions
    @OptionGroup var execution: ExecutionOptions

    func validate() throws { try requireNames(model) }

    /// The model with its tokenizer.
    func load() throws -> TextGenerator {
        let saved = try files.load(model)
        return TextGenerator(saved.model, tokenizer: try saved.tokenizer)
    }
}

extension Precision: ExpressibleByArgument {
    /// Of a command that uses a model as it is.
    static let help: ArgumentHelp = """
        The numbers that weights are read as. A token costs what reading them costs: f32 is exact, bf16 takes half the \
        time and int8 a quarter, for a loss that differs in the fifth digit.
        """
}

/// How a command computes.
struct ExecutionOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Threads to compute with. (default: the number of cores)", valueName: "number"))
    var threads: Int?

    func validate() throws {
        if let threads, !(1...255).contains(threads) {
            throw ValidationError("--threads is \(threads); it must be between 1 and 255.")
        }
    }

    /// Runs `body` with that many threads.
    func execute(in precision: Precision = .float32, _ body: () throws -> Void) throws {
        if let complaint = Execution.complaint { throw CommandFailure(complaint) }
        let execution = Execution(threads: threads ?? Execution.physicalCores, precision: precision)
        let started = execution.startThreads()
        // Where it is memory that is short, the next line says so, or the command succeeds all the same.
        let isMemoryShort = Files.availableMemory < 1 << 26
        func remarkOnThreads(_ isDue: Bool) {
            guard isDue, started < execution.threads else { return }
            note(
                "Only \(started) of \(counted(execution.threads, "thread")) could be started (limits: ulimit -u, ulimit -v); "
                    + "the results are the same, but take longer.")
        }
        remarkOnThreads(!isMemoryShort)
        try Execution.$current.withValue(execution, operation: body)
        remarkOnThreads(isMemoryShort)
    }
}

/// How tokens are drawn.
struct SamplingOptions: ParsableArguments {
    // A negative number is a value like another, to be refused by what it means.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How daring it is: below 1 the likely becomes likelier, 0 always takes the most probable token.",
            valueName: "number"))
    var temperature = 0.8

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Draw from this many of the most probable tokens only. (default: all)", valueName: "number"))
    var topK: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Draw from the most probable tokens that have this share of the probability together.", valueName: "share"))
    var topP = 1.0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Draw from tokens with at least this share of the most probable one's probability.", valueName: "share"))
    var minP = 0.0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Divides the logits of tokens that are in the text already; 1.1 to 1.3 against repetition, 1 for none.",
            valueName: "number"))
    var repetitionPenalty = 1.0

    @Option(
        help: ArgumentHelp(
            "The same number gives the same text. (default: another text each time)", valueName: "number"))
    var seed: UInt64?

    var settings: GenerationSettings {
        GenerationSettings(
            temperature: temperature, topK: topK, topP: topP, minP: minP, repetitionPenalty: repetitionPenalty,
            seed: seed ?? UInt64.random(in: 0..<1 << 32))
    }

    func validate() throws { try checkingUsage { try settings.validate() } }
}

/// What stands for characters that a model does not know.
struct ReplacementOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A character of the model's alphabet that takes the place of those outside it.", valueName: "character"))
    var replaceUnknown: String?

    var scalar: Unicode.Scalar? { replaceUnknown.flatMap { unescaped($0).unicodeScalars.first } }

    func validate() throws {
        guard let replaceUnknown, unescaped(replaceUnknown).unicodeScalars.count != 1 else { return }
        throw ValidationError("--replace-unknown is '\(escaped(replaceUnknown))'; it must be one character.")
    }
}

extension ReplacementOptions {
    /// Encodes, and tells whoever gave a character that the model does not know of the option.
    func suggesting<Result>(_ encode: () throws -> Result) throws -> Result {
        do { return try encode() } catch let error as TokenizerError {
            guard case .unknownCharacter = error else { throw error }
            throw CommandFailure("\(error); --replace-unknown CHARACTER puts another in its place")
        }
    }
}

/// Says so where a prompt is longer than what the model sees at once.
func remarkOnPrompt(_ ids: [Int32], _ model: any LanguageModel) {
    guard let context = model.contextLength, ids.count > context else { return }
    note(
        "The prompt has \(counted(ids.count, "token")), more than the model's context of \(grouped(context)): "
            + "it goes on from the last \(grouped(context)).")
}
