import Models

/// Named model configurations, with the settings that are usually used for them.
public enum ModelPreset: String, Sendable, CaseIterable {
    /// nanoGPT's published CPU configuration for tiny Shakespeare.
    case charSmall = "char-small"
    /// A wide model with a short context: 6 layers and a context of 8 characters.
    case seed
    /// nanoGPT's published GPU configuration for tiny Shakespeare, with a quarter of its batch.
    case charBase = "char-base"
    /// GPT-2 small.
    case gpt2 = "gpt2-124M"

    /// The family of the transformer.
    public var family: TransformerConfiguration.Family {
        switch self {
        case .charSmall, .seed, .charBase, .gpt2: .gpt2
        }
    }

    /// The model and how it is usually trained.
    public var settings: TrainingSettings {
        switch self {
        case .charSmall:
            TrainingSettings(
                model: .gpt(family, layers: 4, heads: 4, width: 128, context: 64), length: .steps(2_000), batch: 12,
                schedule: LearningRateSchedule(peak: 1e-3, warmupSteps: 100))
        case .seed:
            TrainingSettings(
                model: .gpt(family, layers: 6, heads: 6, width: 384, context: 8), length: .steps(5_000), batch: 256,
                schedule: LearningRateSchedule(peak: 1e-3, warmupSteps: 100), dropout: 0.2)
        case .charBase:
            TrainingSettings(
                model: .gpt(family, layers: 6, heads: 6, width: 384, context: 256), length: .steps(5_000), batch: 16,
                schedule: LearningRateSchedule(peak: 1e-3, warmupSteps: 100), dropout: 0.2)
        case .gpt2:
            TrainingSettings(
                model: .gpt(family, layers: 12, heads: 12, width: 768, context: 1_024), length: .steps(5_000), batch: 4,
                schedule: LearningRateSchedule(peak: 6e-4, warmupSteps: 500),
                optimizer: Optimizer.Settings(beta2: 0.95))
        }
    }
}
