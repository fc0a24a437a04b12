import Models

/// The default settings of `gpt train` for each kind of model.
///
/// The `gpt` model is used where a size or the number of steps is given; otherwise `Recipe` chooses one for the time. It has 4
/// layers of width 128, like nanoGPT's configuration for CPUs, but the architecture of Llama, twice the context, and the optimizer,
/// learning rate and number of steps that suit a model of this size. GPTKit.docc/TheRecipe.md describes the alternatives that were
/// tried, and their results.
public enum DefaultSettings {
    /// The settings for a kind of model. Training with them takes about three minutes or less.
    public static func settings(for kind: ModelSpecification.Kind) -> TrainingSettings {
        switch kind {
        case .gpt:
            TrainingSettings(
                model: .gpt(layers: 4, heads: 4, width: 128, context: 128), length: .steps(2_700), batch: 16,
                schedule: LearningRateSchedule(peak: 8e-3, warmupSteps: 100, shape: .linear),
                optimizer: Optimizer.Settings(method: .muon))
        case .attention:
            TrainingSettings(
                model: .attention(.init(contextLength: 64, width: 64)), length: .steps(3_000), batch: 16,
                schedule: LearningRateSchedule(peak: 3e-3, warmupSteps: 100))
        case .bigram:
            // A table can be trained at a learning rate at which any deeper model would diverge.
            TrainingSettings(
                model: .bigram(.init()), length: .steps(1_000), batch: 32,
                schedule: LearningRateSchedule(peak: 3e-2, warmupSteps: 10),
                optimizer: Optimizer.Settings(weightDecay: 0))
        case .encoder: classification
        case .encoderDecoder: translation
        case .ngram:
            // The n-grams are counted in one pass; the settings of gradient descent have no effect.
            TrainingSettings(
                model: .ngram(.init(order: 7)), sequenceLength: EvaluationWindows.defaultLength, length: .steps(1),
                batch: 1,
                schedule: LearningRateSchedule(peak: 1e-3, warmupSteps: 0, shape: .constant))
        }
    }

    /// The settings for a task. Training with them takes a few minutes.
    public static func settings(for task: TaskKind) -> TrainingSettings {
        switch task {
        case .text: settings(for: .gpt)
        case .masked: masked
        case .classify: classification
        case .translate: translation
        }
    }

    /// An encoder that learns a language from a text.
    private static var masked: TrainingSettings {
        TrainingSettings(
            model: .encoder(.init(contextLength: 64, layers: 4, heads: 4, width: 128, head: .maskedTokens)),
            tokenizer: .wordPiece(4_096), length: .steps(3_000), batch: 32,
            schedule: LearningRateSchedule(peak: 1e-3, warmupSteps: 100, shape: .linear), dropout: 0.1)
    }

    /// A classifier of sentences. The labels follow from the data.
    private static var classification: TrainingSettings {
        TrainingSettings(
            model: .encoder(.init(contextLength: 128, layers: 2, heads: 4, width: 128, head: .none(hasPooler: true))),
            tokenizer: .wordPiece(16_384), length: .steps(1_500), batch: 32,
            schedule: LearningRateSchedule(peak: 5e-4, warmupSteps: 100, shape: .linear), dropout: 0.4)
    }

    /// The transformer of "Attention is all you need", small.
    private static var translation: TrainingSettings {
        let side = EncoderDecoderConfiguration.Side(layers: 2, heads: 4, feedForwardWidth: 384)
        var settings = TrainingSettings(
            model: .encoderDecoder(.init(contextLength: 128, width: 96, encoder: side, decoder: side)),
            length: .steps(1_500), batch: 32,
            schedule: LearningRateSchedule(peak: 5e-3, warmupSteps: 100, shape: .linear))
        settings.labelSmoothing = 0.1
        return settings
    }
}
