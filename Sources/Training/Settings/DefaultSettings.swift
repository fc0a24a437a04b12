/// What `gpt train` does when it is told nothing: the settings for each kind of model.
///
/// The `gpt` is made for two cores and a coffee break: 4 layers, 128 wide, as nanoGPT's configuration for CPUs, but of Llama's
/// parts, with a context twice as long, and with the learning rate, the schedule and the number of steps that a model this
/// small can take. What else was tried, and what it gave, is told in GPTKit.docc/TheRecipe.md.
public enum DefaultSettings {
    /// The settings for a kind of model, a model of which trains in about three minutes or less.
    public static func settings(for kind: ModelKind) -> TrainingSettings {
        var shape = ModelShape(kind: kind, layers: 4, heads: 4, width: 128, context: 64)
        switch kind {
        case .gpt:
            shape.family = .llama
            shape.context = 128
            return TrainingSettings(
                shape: shape, length: .steps(5_500), batch: 8,
                schedule: LearningRateSchedule(peak: 3e-3, warmupSteps: 100, shape: .linear))
        case .attention:
            shape.width = 64
            return TrainingSettings(
                shape: shape, length: .steps(3_000), batch: 16,
                schedule: LearningRateSchedule(peak: 3e-3, warmupSteps: 100))
        case .bigram:
            // A table has nothing to overshoot: it takes a rate at which anything deeper would diverge.
            return TrainingSettings(
                shape: shape, length: .steps(1_000), batch: 32,
                schedule: LearningRateSchedule(peak: 3e-2, warmupSteps: 10), optimizer: AdamW.Settings(weightDecay: 0))
        case .ngram:
            return TrainingSettings(
                shape: shape, length: .steps(1), batch: 1,
                schedule: LearningRateSchedule(peak: 1e-3, warmupSteps: 0, shape: .constant))
        }
    }
}

/// Configurations known by name, with the settings they are known for.
public enum ModelPreset: String, Sendable, CaseIterable {
    /// nanoGPT's published CPU configuration for tiny Shakespeare.
    case charSmall = "char-small"
    /// A wide, shallow-sighted model: 6 layers that see 8 characters.
    case seed
    /// nanoGPT's published GPU configuration for tiny Shakespeare, with a quarter of its batch.
    case charBase = "char-base"
    /// GPT-2 small.
    case gpt2 = "gpt2-124M"

    public var settings: TrainingSettings {
        switch self {
        case .charSmall:
            TrainingSettings(
                shape: ModelShape(layers: 4, heads: 4, width: 128, context: 64), length: .steps(2_000), batch: 12,
                schedule: LearningRateSchedule(peak: 1e-3, warmupSteps: 100))
        case .seed:
            TrainingSettings(
                shape: ModelShape(layers: 6, heads: 6, width: 384, context: 8), length: .steps(5_000), batch: 256,
                schedule: LearningRateSchedule(peak: 1e-3, warmupSteps: 100), dropout: 0.2)
        case .charBase:
            TrainingSettings(
                shape: ModelShape(layers: 6, heads: 6, width: 384, context: 256), length: .steps(5_000), batch: 16,
                schedule: LearningRateSchedule(peak: 1e-3, warmupSteps: 100), dropout: 0.2)
        case .gpt2:
            TrainingSettings(
                shape: ModelShape(layers: 12, heads: 12, width: 768, context: 1_024), length: .steps(5_000), batch: 4,
                schedule: LearningRateSchedule(peak: 6e-4, warmupSteps: 500),
                optimizer: AdamW.Settings(beta2: 0.95))
        }
    }
}
