import ArgumentParser
import GPTKit

// As an argument, the kinds of language models, which are trained on a text.
extension ModelSpecification.Kind: ExpressibleByArgument {
    public init?(argument: String) {
        guard let kind = Self.languageModels.first(where: { $0.rawValue == argument }) else { return nil }
        self = kind
    }

    public static var allValueStrings: [String] { languageModels.map(\.rawValue) }
}
extension ModelPreset: ExpressibleByArgument {
    /// The presets and the family of each.
    static let help =
        "A known configuration: \(allCases.map { "\($0.rawValue) (\($0.family.rawValue))" }.joined(separator: ", "))."
}
extension TransformerConfiguration.Family: ExpressibleByArgument {}
extension Positions.Kind: ExpressibleByArgument {}
extension LearningRateSchedule.Shape: ExpressibleByArgument {}
extension Optimizer.Method: ExpressibleByArgument {}

/// The model to train.
struct ShapeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The kind of model: ngram (counts only, no gradient descent), bigram (a table of next-token logits), attention "
                + "(a single head), gpt (a transformer). (default: gpt)",
            valueName: "kind"))
    var model: ModelSpecification.Kind?

    @Option(
        help: ArgumentHelp(
            "\(ModelPreset.help) It sets the batch size, steps and learning rate too. (default: no preset; a Llama of a size "
                + "for the text and the time)", valueName: "name"))
    var preset: ModelPreset?

    @Option(
        help: ArgumentHelp(
            "The transformer family: gpt2 (learned positions, layer norms, GELU), llama (rotary positions, RMS norms, "
                + "SwiGLU), qwen3 (llama with normalized queries and keys). (default: the preset's; llama without --preset)",
            valueName: "family"))
    var family: TransformerConfiguration.Family?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Key/value heads for grouped-query attention; the number of heads must be a multiple of it. (default: the "
                + "number of heads)", valueName: "number"))
    var kvHeads: Int?

    @Option(
        help: ArgumentHelp(
            "Position encoding: learned, sinusoidal, rotary, alibi (linear biases) or none. (default: that of the family)",
            valueName: "kind"))
    var positions: Positions.Kind?

    @OptionGroup var size: SizeOptions<TrainSizes>

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The order n of the n-gram model, 1 to 1000; it predicts from the last n - 1 tokens. (default: 7)",
            valueName: "n"))
    var order: Int?

    /// Those of these options that were given.
    var given: [String] {
        let options: [(String, Bool)] = [
            ("--model", model != nil), ("--preset", preset != nil), ("--family", family != nil),
            ("--kv-heads", kvHeads != nil), ("--positions", positions != nil), ("--order", order != nil),
        ]
        return options.filter(\.1).map(\.0) + size.given
    }

    /// Puts what was given into settings.
    func apply(to settings: inout TrainingSettings) {
        if let context = size.context { settings.setContext(context) }
        switch settings.model {
        case .ngram(var configuration):
            if let order { configuration.order = order }
            settings.model = .ngram(configuration)
        case .bigram: break
        case .attention(var configuration):
            if let width = size.width { configuration.width = width }
            settings.model = .attention(configuration)
        case .transformer(let configuration):
            var options = size.transformer
            options.family = family
            options.keyValueHeads = kvHeads
            options.positions = positions
            settings.model = .transformer(configuration.with(options))
        case .encoder(let configuration):
            settings.model = .encoder(configuration.with(size.transformer))
        case .encoderDecoder(let configuration):
            settings.model = .encoderDecoder(configuration.with(size.transformer))
        }
    }
}

/// The sizes of `gpt train`.
enum TrainSizes: SizeDefaults {
    static let layers =
        "chosen automatically, see above, or the preset's; 2 for --task classify, 2 on each side for --task translate"
    static let heads = "chosen automatically, see above, or the preset's"
    static let width = "chosen automatically, see above, or the preset's; 64 for attention, 96 for --task translate"
    static let context = "chosen automatically, see above, or the preset's; 64 for attention, bigram and --task masked"
}

/// How to train it.
struct TrainingOptions: ParsableArguments {
    /// The default of a setting in the tasks other than text, for the help.
    private static func ofTasks(_ value: (TrainingSettings) -> String) -> String {
        let others = TaskKind.allCases.filter { $0 != .text }
        return others.map { "\(value(DefaultSettings.settings(for: $0))) for --task \($0.rawValue)" }
            .joined(separator: ", ")
    }

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The number of training steps, 1 or more. (default: as many as take three minutes if the size of the model is chosen "
                + "automatically; otherwise 2700, or the preset's; 3000 for attention, "
                + "1000 for bigram; "
                + "\(TrainingOptions.ofTasks { "\($0.steps ?? 0)" }))",
            valueName: "number"))
    var steps: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Train for this many minutes, above 0, instead of a number of steps; the learning rate schedule then follows the elapsed "
                + "time. If no other option gives the size of the model, it is chosen for this time.",
            valueName: "minutes"))
    var minutes: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The batch size: windows of context length per step, or rows of a table. (default: chosen automatically, or the "
                + "preset's; 16 for attention, 32 for bigram; \(TrainingOptions.ofTasks { "\($0.batch)" }))",
            valueName: "number"))
    var batch: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Gradient accumulation: the number of batches whose gradients are added before each update of the "
                + "weights. A step can then use more text than fits in memory at once. "
                + "(default: 1)",
            valueName: "number"))
    var accumulate: Int?

    @Option(
        name: .customLong("lr"), parsing: .unconditional,
        help: ArgumentHelp(
            "The peak learning rate, 0 or more. (default: 0.008, or the preset's; 0.03 for bigram; \(TrainingOptions.ofTasks { "\($0.schedule.peak)" }); with "
                + "--from, 0.0003 for a GPT, and a tenth of the default for other models)",
            valueName: "rate"))
    var learningRate: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Steps of linear learning rate warmup. A warmup that would not end within the run is shortened to a tenth of "
                + "--steps. (default: 100, or the preset's; 10 for bigram)",
            valueName: "steps"))
    var warmup: Int?

    @Option(
        help: ArgumentHelp(
            "The learning rate after warmup: cosine decay to a tenth of the peak, linear decay to 0, or constant. (default: "
                + "linear for gpt without --preset and for the other tasks, otherwise cosine)",
            valueName: "shape"))
    var schedule: LearningRateSchedule.Shape?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The dropout rate during training, at least 0 and below 1; it reduces overfitting. (default: by the number of passes over the text, or the preset's; "
                + "\(TrainingOptions.ofTasks { "\($0.dropout)" }); at most 0.1 with --from)",
            valueName: "rate"))
    var dropout: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "For --task translate, the share of the probability of each target token that is divided among all tokens, at least "
                + "0 and below 1; it reduces overfitting. (default: \(DefaultSettings.settings(for: .translate).labelSmoothing))",
            valueName: "share"))
    var labelSmoothing: Double?

    @Option(
        help: ArgumentHelp(
            "The number format of matrix products in training: f32, or bf16, which is faster on processors with bf16 "
                + "instructions and reaches about the same loss. (default: bf16 where such instructions are faster, "
                + "otherwise f32; with --resume that of the run)",
            valueName: "f32|bf16"))
    var precision: Precision?

    @Option(
        help: ArgumentHelp(
            "The optimizer: adamw, or muon, which orthogonalizes the updates of the weights of hidden layers and updates "
                + "the others by AdamW. The loss decreases more in each step, and a step takes longer. (default: muon for gpt "
                + "without --preset, otherwise adamw)",
            valueName: "method"))
    var optimizer: Optimizer.Method?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Weight decay, applied to matrices and embeddings: 0 to 1000. (default: 0.1; 0 for bigram)",
            valueName: "rate"))
    var decay: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "AdamW beta1: the decay rate of the running mean of gradients, at least 0 and below 1. (default: 0.9)",
            valueName: "rate"))
    var beta1: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "AdamW beta2: the decay rate of the running mean of squared gradients, at least 0 and below 1. (default: "
                + "0.99, or the preset's)",
            valueName: "rate"))
    var beta2: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Clip the gradient norm to this value; 0 disables clipping. (default: 1)", valueName: "norm")
    )
    var clip: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Random seed. With --steps, the same seed and settings give the same model. (default: 1)",
            valueName: "number"))
    var seed: UInt64?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Early stopping: stop after this many evaluations in a row without a lower validation loss; 0 disables it. "
                + "(default: 0)",
            valueName: "number"))
    var patience: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Steps between evaluations. (default: a twentieth of all steps, at most 250)", valueName: "steps"))
    var evaluateEvery: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Steps between checkpoints; the last step is always saved. (default: after an evaluation, if ten seconds have "
                + "passed since the last save)",
            valueName: "steps"))
    var saveEvery: Int?

    @Option(
        help: ArgumentHelp(
            "The number of evenly spaced windows of the validation text in the final evaluation, or all. More windows give a "
                + "more exact loss and take longer. (default: as many as can be scored in a twentieth of the training time, or "
                + "in about five seconds if that is longer)",
            valueName: "windows|all"), transform: TrainingOptions.evaluation)
    var evaluate: FinalEvaluation?

    @Flag(
        help: ArgumentHelp(
            "With several processes over MPI, give each a part of the moments of the optimizer, so that each needs less memory. "
                + "The weights are then exchanged in each step, too. The result is the same."))
    var shardOptimizer = false

    private static func evaluation(_ value: String) throws -> FinalEvaluation {
        if value == "all" { return .all }
        guard let count = Int(value), count > 0 else {
            throw ValidationError("'\(escaped(value))' is not a number of windows; give a number above 0, or all.")
        }
        return .windows(count)
    }

    /// Those of these options that were given.
    var given: [String] {
        let options: [(String, Bool)] = [
            ("--steps", steps != nil), ("--minutes", minutes != nil), ("--batch", batch != nil),
            ("--accumulate", accumulate != nil), ("--lr", learningRate != nil), ("--warmup", warmup != nil),
            ("--schedule", schedule != nil), ("--dropout", dropout != nil),
            ("--label-smoothing", labelSmoothing != nil),
            ("--precision", precision != nil), ("--optimizer", optimizer != nil), ("--decay", decay != nil),
            ("--beta1", beta1 != nil), ("--beta2", beta2 != nil), ("--clip", clip != nil), ("--seed", seed != nil),
            ("--patience", patience != nil), ("--evaluate-every", evaluateEvery != nil),
            ("--save-every", saveEvery != nil), ("--evaluate", evaluate != nil),
            ("--shard-optimizer", shardOptimizer),
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
        if let labelSmoothing { settings.labelSmoothing = labelSmoothing }
        if let precision { settings.precision = precision }
        if let decay { settings.optimizer.weightDecay = decay }
        if let optimizer { settings.optimizer.method = optimizer }
        if let beta1 { settings.optimizer.beta1 = beta1 }
        if let beta2 { settings.optimizer.beta2 = beta2 }
        if let clip { settings.optimizer.clip = clip }
        if let seed { settings.seed = seed }
        if let patience { settings.patience = patience }
        if let evaluateEvery { settings.evaluateEvery = evaluateEvery }
        if let saveEvery { settings.saveEvery = saveEvery }
        if let evaluate { settings.finalEvaluation = evaluate }
        if shardOptimizer { settings.optimizerShards = TrainingRanks.current.communicator.size }
    }
}
