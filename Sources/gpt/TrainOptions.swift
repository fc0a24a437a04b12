import ArgumentParser
import GPTKit

extension ModelKind: ExpressibleByArgument {}
extension ModelPreset: ExpressibleByArgument {}
extension TransformerConfiguration.Family: ExpressibleByArgument {}
extension Positions.Kind: ExpressibleByArgument {}
extension LearningRateSchedule.Shape: ExpressibleByArgument {}

/// The text to learn from.
struct TextOptions: ParsableArguments {
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "A text to learn from, in UTF-8; - for standard input. Repeat it for several. For 'gpt train' alone, a file that "
                + "ends in .bin holds ids of tokens, as nanoGPT and llm.c write them; --tokenizer then says of which. (default: "
                + "tiny Shakespeare)",
            valueName: "file"))
    var text: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The share of each text, its end, that is kept to validate on. (default: 0.1)", valueName: "share"))
    var validation: Double?

    func validate() throws {
        try requireOneInput(text)
        try requireNames(text)
        if let validation, !(0.0001...0.9999).contains(validation) {
            throw ValidationError("--validation is \(validation.spelling), which is not between 0.0001 and 0.9999.")
        }
    }
}

/// How the text becomes tokens.
struct TokenizerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What a token is: a character of the text (char), a byte, a piece of a word learnt from the text (bpe:N, for "
                + "a vocabulary of N), or one of a published vocabulary (gpt2, cl100k, o200k, ...) or of a file "
                + "(tokenizer.json, .tiktoken, a model). (default: char)",
            valueName: "kind"))
    var tokenizer: String?

    /// What was asked for; nil where nothing was.
    func choice() throws -> TokenizerChoice? {
        try tokenizer.map { name in try checkingUsage { try TokenizerChoice(asked: name) } }
    }

    func validate() throws {
        try requireNames(tokenizer)
        _ = try choice()
    }
}

/// The model to train.
struct ShapeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "ngram counts; bigram learns what follows each token; attention has one head of it; gpt is the whole. "
                + "(default: gpt)",
            valueName: "kind"))
    var model: ModelKind?

    @Option(
        help: ArgumentHelp(
            "A known configuration of a gpt2, with its batch, steps and learning rate. (default: a llama of 4 layers, 4 "
                + "heads, 128 wide, context 128)", valueName: "name"))
    var preset: ModelPreset?

    @Option(
        help: ArgumentHelp(
            "What a gpt is made of: gpt2 has learned positions, layer norms and GELU; llama has rotary positions, RMS norms "
                + "and SwiGLU; qwen3 is a llama that normalises queries and keys. (default: llama, with a preset gpt2)",
            valueName: "family"))
    var family: TransformerConfiguration.Family?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Heads of keys and values, each shared by as many heads of queries. They divide the heads. (default: as many as "
                + "heads)", valueName: "number"))
    var kvHeads: Int?

    @Option(
        help: ArgumentHelp(
            "How a gpt knows where a token stands: learned, sinusoidal, rotary or none. (default: the family's way)",
            valueName: "kind"))
    var positions: Positions.Kind?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Blocks of attention and feed-forward layers, one after another.", valueName: "number"))
    var layers: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Attention heads in each block; they divide the width.", valueName: "number"))
    var heads: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The length of the vector that stands for a token.", valueName: "number"))
    var width: Int?

    @Option(parsing: .unconditional, help: ArgumentHelp("How many tokens the model sees at once.", valueName: "tokens"))
    var context: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The n of an ngram: it looks at n - 1 tokens. (default: 7)", valueName: "n"))
    var order: Int?

    /// Those of these options that were given.
    var given: [String] {
        let options: [(String, Bool)] = [
            ("--model", model != nil), ("--preset", preset != nil), ("--family", family != nil),
            ("--kv-heads", kvHeads != nil), ("--positions", positions != nil), ("--layers", layers != nil),
            ("--heads", heads != nil), ("--width", width != nil), ("--context", context != nil),
            ("--order", order != nil),
        ]
        return options.filter(\.1).map(\.0)
    }

    /// Puts what was given into a shape.
    func apply(to shape: inout ModelShape) {
        if let family { shape.family = family }
        if let kvHeads { shape.keyValueHeads = kvHeads }
        if let positions { shape.positions = positions }
        if let layers { shape.layers = layers }
        if let heads { shape.heads = heads }
        if let width { shape.width = width }
        if let context { shape.context = context }
        if let order { shape.order = order }
    }
}

/// How to train it.
struct TrainingOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Train for this many steps. (default: the preset's)", valueName: "number"))
    var steps: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Train for this long instead; the learning rate follows the time that has passed.", valueName: "minutes"))
    var minutes: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Windows of the context's length that a step learns from.", valueName: "windows"))
    var batch: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Batches a step adds up before it changes the weights, for more windows than fit in memory. (default: 1)",
            valueName: "number"))
    var accumulate: Int?

    @Option(
        name: .customLong("lr"), parsing: .unconditional,
        help: ArgumentHelp("The highest learning rate.", valueName: "rate"))
    var learningRate: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Steps over which the learning rate rises to it.", valueName: "steps"))
    var warmup: Int?

    @Option(
        help: ArgumentHelp(
            "After that it falls along a cosine to a tenth, in a line to nothing, or stays constant. "
                + "(default: a line for the default gpt, a cosine for all else)",
            valueName: "shape"))
    var schedule: LearningRateSchedule.Shape?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The share of activations set to 0 while training, against learning by heart. (default: 0)",
            valueName: "rate"))
    var dropout: Double?

    @Option(
        help: ArgumentHelp(
            "The numbers that are multiplied: 32-bit floats (f32), or 16-bit ones (bf16), which is faster where the "
                + "processor has instructions for it and learns as well. (default: bf16 there, else f32; on resuming, what the run used)",
            valueName: "f32|bf16"), transform: TrainingOptions.precision)
    var precision: Precision?

    /// One of the precisions that training knows.
    private static func precision(_ name: String) throws -> Precision {
        guard let precision = Precision(rawValue: name), precision != .int8 else {
            throw ValidationError("'\(name)' is no precision to train in; choose f32 or bf16.")
        }
        return precision
    }

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("AdamW's weight decay, of matrices and embeddings.", valueName: "rate"))
    var decay: Double?

    @Option(parsing: .unconditional, help: ArgumentHelp("AdamW's memory of gradients.", valueName: "share"))
    var beta1: Double?

    @Option(parsing: .unconditional, help: ArgumentHelp("AdamW's memory of their squares.", valueName: "share"))
    var beta2: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The largest norm a gradient keeps; 0 for any. (default: 1)", valueName: "norm"))
    var clip: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The same number gives the same model. (default: 1)", valueName: "number"))
    var seed: UInt64?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "End after this many evaluations in a row without a better validation loss; 0 for never. (default: 0)",
            valueName: "number"))
    var patience: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Steps between evaluations. (default: a twentieth of all, 250 at most)", valueName: "steps"))
    var evaluateEvery: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Steps between saves, beside the one at the end. (default: after an evaluation, if ten seconds have passed)",
            valueName: "steps"))
    var saveEvery: Int?

    @Option(
        help: ArgumentHelp(
            "How many windows of the validation text the last evaluation measures, evenly spaced: a number, or all. It "
                + "decides how exact the printed loss is, and how long its measurement takes. (default: as many as a tenth "
                + "of the training time allows, or about ten seconds if that is more)",
            valueName: "windows|all"), transform: TrainingOptions.evaluation)
    var evaluate: FinalEvaluation?

    private static func evaluation(_ value: String) throws -> FinalEvaluation {
        if value == "all" { return .all }
        guard let count = Int(value), count > 0 else {
            throw ValidationError("'\(escaped(value))' is not a number of windows above 0, and not 'all'.")
        }
        return .windows(count)
    }

    /// Those of these options that were given.
    var given: [String] {
        let options: [(String, Bool)] = [
            ("--steps", steps != nil), ("--minutes", minutes != nil), ("--batch", batch != nil),
            ("--accumulate", accumulate != nil), ("--lr", learningRate != nil), ("--warmup", warmup != nil),
            ("--schedule", schedule != nil), ("--dropout", dropout != nil), ("--precision", precision != nil),
            ("--decay", decay != nil), ("--beta1", beta1 != nil), ("--beta2", beta2 != nil), ("--clip", clip != nil),
            ("--seed", seed != nil), ("--patience", patience != nil), ("--evaluate-every", evaluateEvery != nil),
            ("--save-every", saveEvery != nil), ("--evaluate", evaluate != nil),
        ]
        return options.filter(\.1).map(\.0)
    }

    /// Puts what was given into settings.
    func apply(to settings: inout TrainingSettings) {
        if let steps { settings.length = .steps(steps) }
        if let minutes { settings.length = .minutes(minutes) }
        if let batch { settings.batch = batch }
        if let accumulate { settings.accumulate = accumulate }
        if let learningRate { settings.schedule.peak = learningRate }
        if let warmup { settings.schedule.warmupSteps = warmup }
        if let schedule { settings.schedule.shape = schedule }
        if let dropout { settings.dropout = dropout }
        if let precision { settings.precision = precision }
        if let decay { settings.optimizer.weightDecay = decay }
        if let beta1 { settings.optimizer.beta1 = beta1 }
        if let beta2 { settings.optimizer.beta2 = beta2 }
        if let clip { settings.optimizer.clip = clip }
        if let seed { settings.seed = seed }
        if let patience { settings.patience = patience }
        if let evaluateEvery { settings.evaluateEvery = evaluateEvery }
        if let saveEvery { settings.saveEvery = saveEvery }
        if let evaluate { settings.finalEvaluation = evaluate }
    }
}
