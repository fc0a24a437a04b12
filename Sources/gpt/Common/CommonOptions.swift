import ArgumentParser
import Files
import GPTKit

/// The options for reading the files of a model.
struct ModelFileOptions: ParsableArguments {
    @Flag(
        help: """
            Use the model even if its config.json, tokenizer.json or generation_config.json was edited after it was saved. \
            Without this option such an edit is an error, because it can change the results unnoticed.
            """)
    var acceptEditedFiles = false

    /// Loads a model.
    func load(_ path: String) throws -> SavedModel {
        try ModelDirectory.load(path, acceptingEdits: acceptEditedFiles)
    }

    /// Loads a model with its tokenizer.
    /// - Parameters:
    ///   - path: the path of the model.
    ///   - precision: the number format of the weights.
    ///   - replacement: the replacement for unknown characters.
    /// - Throws: also where one of these options has no effect on the model.
    func load(_ path: String, _ precision: WeightFormat, _ replacement: ReplacementOptions) throws -> SavedModel {
        let saved = try load(path)
        if precision != .float32, let kind = saved.model.specification?.kind,
            !TrainingSetting.ID.precision.hasEffect(on: kind)
        {
            throw CommandFailure(
                "--precision \(precision.rawValue) does not apply to \(path), a model of the kind \(kind.rawValue); leave it out"
            )
        }
        if replacement.scalar != nil, try saved.tokenizer.supportedCharacters == nil {
            throw CommandFailure(
                "--replace-unknown does not apply to \(path): its tokenizer can encode every character; leave it out")
        }
        return saved
    }
}

/// The model that a command uses, and the options for computing with it.
struct ModelOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The model: a directory written by 'gpt train', a directory in the format of Hugging Face's transformers, or a GGUF "
                + "file.",
            valueName: "model"))
    var model: String

    @OptionGroup var files: ModelFileOptions
    @OptionGroup var execution: ExecutionOptions

    func validate() throws { try requireNames(model) }

    /// Loads the model with its tokenizer; see `ModelFileOptions.load`.
    func load(_ precision: WeightFormat, _ replacement: ReplacementOptions) throws -> TextGenerator {
        try TextGenerator(files.load(model, precision, replacement))
    }
}

extension Precision: ExpressibleByArgument {}

extension WeightFormat: ExpressibleByArgument {
    /// The help of the option, for commands that use a model without changing it.
    static let help: ArgumentHelp = """
        The number format of the weights: f32 (exact), bf16 or int8. bf16 and int8 read fewer bytes and are faster; the loss \
        changes little.
        """
}

/// The options for computation.
struct ExecutionOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The number of threads, 1 to 255. (default: the number of physical cores)", valueName: "number"))
    var threads: Int?

    func validate() throws {
        if let threads, !(1...255).contains(threads) {
            throw ValidationError("--threads is \(threads); it must be between 1 and 255.")
        }
    }

    /// Runs `body` with the specified number of threads and weight format.
    func execute(with weights: WeightFormat = .float32, _ body: () throws -> Void) throws {
        if let complaint = Execution.complaint { throw CommandFailure(complaint) }
        let execution = Execution(threads: threads ?? Execution.physicalCores, weights: weights)
        let started = execution.startThreads()
        // If memory is short, this remark is printed only after `body`: if memory runs out, an error message is printed
        // instead.
        let isMemoryShort = Files.availableMemory < 1 << 26
        func remarkOnThreads(_ isDue: Bool) {
            guard isDue, started < execution.threads else { return }
            note(
                "Only \(started) of \(counted(execution.threads, "thread")) could be started (limits: ulimit -u, ulimit -v); "
                    + "the results are the same, but the command is slower.")
        }
        remarkOnThreads(!isMemoryShort)
        try Execution.$current.withValue(execution, operation: body)
        remarkOnThreads(isMemoryShort)
    }
}

/// The options for sampling.
struct SamplingOptions: ParsableArguments {
    // A negative number is parsed as a value, so that the range check can report it.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Sampling temperature, 0 or more: below 1 makes likely tokens likelier, 0 always selects the most probable token. "
                + "(default: 0.8)",
            valueName: "number"))
    var temperature: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Sample from the k most probable tokens only, 1 or more. (default: all)", valueName: "number"))
    var topK: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Sample from the smallest set of most probable tokens whose total probability is at least p: above 0, at most 1. "
                + "(default: 1)",
            valueName: "p"))
    var topP: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Sample from tokens with at least this fraction of the probability of the most probable token: 0 to 1. "
                + "(default: 0)",
            valueName: "fraction"))
    var minP: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Reduce the logits of tokens that are already in the text, by this factor above 0; 1.1 to 1.3 reduces repetition, "
                + "1 has no effect. (default: 1)",
            valueName: "number"))
    var repetitionPenalty: Double?

    @Option(
        help: ArgumentHelp(
            "Random seed: the same seed gives the same text. (default: random)", valueName: "number"))
    var seed: UInt64?

    var settings: GenerationSettings {
        GenerationSettings(
            temperature: temperature ?? 0.8, topK: topK, topP: topP ?? 1, minP: minP ?? 0,
            repetitionPenalty: repetitionPenalty ?? 1, seed: seed ?? UInt64.random(in: 0..<1 << 32))
    }

    /// Those of these options that were given.
    var given: [String] {
        let options: [(String, Bool)] = [
            ("--temperature", temperature != nil), ("--top-k", topK != nil), ("--top-p", topP != nil),
            ("--min-p", minP != nil), ("--repetition-penalty", repetitionPenalty != nil), ("--seed", seed != nil),
        ]
        return options.filter(\.1).map(\.0)
    }

    func validate() throws { try checkingUsage { try settings.validate() } }
}

/// The replacement for characters that are not in the vocabulary of a model.
struct ReplacementOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The character that replaces characters that are not in the vocabulary; it must be in the vocabulary itself. (default: such "
                + "characters are an error)",
            valueName: "character"))
    var replaceUnknown: String?

    var scalar: Unicode.Scalar? { replaceUnknown.flatMap { unescaped($0).unicodeScalars.first } }

    func validate() throws {
        guard let replaceUnknown, unescaped(replaceUnknown).unicodeScalars.count != 1 else { return }
        throw ValidationError("--replace-unknown is '\(escaped(replaceUnknown))'; it must be one character.")
    }
}

extension ReplacementOptions {
    /// Runs `encode`. If the text contains an unknown character, the error message mentions --replace-unknown.
    func suggesting<Result>(_ encode: () throws -> Result) throws -> Result {
        do { return try encode() } catch let error as TokenizerError {
            guard case .unknownCharacter = error else { throw error }
            throw CommandFailure("\(error); --replace-unknown CHARACTER replaces it with another")
        }
    }
}

/// Prints a remark if a prompt is longer than the context of the model.
func remarkOnPrompt(_ ids: [Int32], _ model: any LanguageModel) {
    guard let context = model.contextLength, ids.count > context else { return }
    note(
        "The prompt has \(counted(ids.count, "token")), more than the model's context of \(grouped(context)): "
            + "only the last \(grouped(context)) are used.")
}
