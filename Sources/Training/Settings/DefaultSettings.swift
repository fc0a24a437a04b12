import Models

/// What `gpt train` does when it is told nothing: the settings for each kind of model.
///
/// The `gpt` is made for two cores and a coffee break: 4 layers, 128 wide, as nanoGPT's configuration for CPUs, but of Llama's
/// parts, with a context twice as long, and with the learning rate, the schedule and the number of steps that a model this
/// small can take. What else was tried, and what it gave, is told in GPTKit.docc/TheRecipe.md.
public enum DefaultSettings {
    /// The settings for a kind of model, a model of which trains in about three minutes or less.
    public static func settings(for kind: ModelSpecification.Kind) -> TrainingSettings {
        switch kind {
        case .gpt:
            TrainingSettings(
                model: .gpt(layers: 4, heads: 4, width: 128, context: 128), length: .steps(5_500), batch: 8,
                schedule: LearningRateSchedule(peak: 3e-3, warmupSteps: 100, shape: .linear))
        case .attention:
            TrainingSettings(
                model: .attention(.init(contextLength: 64, width: 64)), length: .steps(3_000), batch: 16,
                schedule: LearningRateSchedule(peak: 3e-3, warmupSteps: 100))
        case .bigram:
            // A table has nothing to overshoot: it learns at a rate with which any deeper model would diverge.
            TrainingSettings(
                model: .bigram(.init()), length: .steps(1_000), batch: 32,
                schedule: LearningRateSchedule(peak: 3e-2, warmupSteps: 10), optimizer: AdamW.Settings(weightDecay: 0))
        case .ngram:
            // Counted in one pass: the settings of gradient descent have no effect.
            TrainingSettings(
                model: .ngram(.init(order: 7)), sequenceLength: EvaluationWindows.defaultLength, length: .steps(1),
                batch: 1,
                schedule: LearningRateSchedule(peak: 1e-3, warmupSteps: 0, shape: .constant))
        }
    }
}
