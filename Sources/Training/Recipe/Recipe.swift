import Models
import Platform
import Tensors

/// The recipe of `gpt train`: the shape of a GPT and the settings of its training, chosen for the length of a text and for
/// the arithmetic that there is time for.
///
/// It has three rules, whose figures GPTKit.docc/TheRecipe.md gives:
///
/// - **Size.** The largest model that is trained on at least `tokensPerParameter` tokens for each of its parameters. With
///   k times the arithmetic, model and tokens both grow by about the root of k (Hoffmann et al., "Training compute-optimal
///   large language models", 2022). A text that was read `sufficientPasses` times has little left to teach the same model,
///   so then the model grows alone. It never has more than `parametersPerToken` parameters for each token of the
///   text.
/// - **Batch.** The tokens of a step grow with the root of the tokens of the run, so that the number of steps does, too.
/// - **Regularization.** A model that reads a text many times memorizes it, and a larger model does so earlier. So dropout grows
///   with the number of passes and the size of the model, and the training ends after `greatestPasses`
///   (Muennighoff et al., "Scaling data-constrained language models", 2023).
public struct Recipe: Sendable, Equatable {
    /// The model and its training. The length is given in steps.
    public let settings: TrainingSettings
    /// The number of passes over the text (epochs).
    public let passes: Double
    /// The arithmetic of the training in floating-point operations: at most what was given, and less if the text is too short
    /// to use it.
    public let operations: Double
    /// Whether the text is too short for all of the given arithmetic.
    public let isLimitedByText: Bool

    /// - Parameters:
    ///   - textTokens: the number of tokens to learn from.
    ///   - vocabularySize: the number of different tokens.
    ///   - operations: the floating-point operations that there is time for.
    ///   - family: the family of the transformer.
    public init(
        textTokens: Int, vocabularySize: Int, operations: Double, family: TransformerConfiguration.Family = .llama
    ) {
        let textTokens = max(1, Double(textTokens))
        func plan(_ size: Size) -> Plan {
            Plan(size, family, vocabularySize: vocabularySize, textTokens: textTokens, operations: operations)
        }
        let plans = Size.all.map(plan)
        let chosen = plans.last(where: \.isSuitable) ?? plans[0]
        let steps = max(1, Int(chosen.tokens / Double(chosen.tokensPerStep)))
        passes = chosen.tokens / textTokens
        self.operations = chosen.tokens * chosen.operationsPerToken
        isLimitedByText = chosen.isLimitedByText
        settings = TrainingSettings(
            model: chosen.model, length: .steps(min(steps, TrainingSettings.greatestStep)), batch: chosen.batch,
            schedule: LearningRateSchedule(
                peak: Self.learningRate, warmupSteps: min(100, steps / 10), shape: .linear),
            optimizer: Optimizer.Settings(method: .muon),
            dropout: Self.dropout(passes: passes, parametersPerToken: chosen.parameters / textTokens))
    }

    /// The least number of training tokens for each parameter.
    static let tokensPerParameter = 7.0
    /// The number of passes over a text after which a larger model is better than more passes.
    static let sufficientPasses = 12.0
    /// The greatest number of parameters for each token of the text.
    static let parametersPerToken = 5.0
    /// The number of passes over a text after which the recipe ends. Longer trainings were not measured.
    static let greatestPasses = 100.0
    static let learningRate = 8e-3

    /// Dropout: none for up to 12 passes by a model with one parameter for each token of the text, then a tenth more with each
    /// doubling, up to 0.3. Four times as many parameters count as twice as many passes.
    /// - Parameters:
    ///   - passes: the number of passes over the text.
    ///   - parametersPerToken: the number of parameters for each token of the text.
    package static func dropout(passes: Double, parametersPerToken: Double) -> Double {
        let rate = 0.1 * log(max(1, passes * parametersPerToken.squareRoot() / 12)) / log(2)
        return min(0.3, (100 * rate).rounded() / 100)
    }

    /// The size of a model. Heads have 32 channels.
    private struct Size {
        let layers: Int
        let width: Int
        let context: Int

        /// From 0.1 to 200 million parameters, each step about twice as large.
        static let all = [
            Size(layers: 3, width: 64, context: 128), Size(layers: 4, width: 96, context: 128),
            Size(layers: 4, width: 128, context: 128), Size(layers: 5, width: 160, context: 128),
            Size(layers: 5, width: 192, context: 192), Size(layers: 6, width: 256, context: 256),
            Size(layers: 7, width: 320, context: 256), Size(layers: 8, width: 416, context: 256),
            Size(layers: 10, width: 512, context: 512), Size(layers: 12, width: 640, context: 512),
            Size(layers: 14, width: 832, context: 1_024), Size(layers: 16, width: 1_024, context: 1_024),
        ]
    }

    /// The training of a model of one size.
    private struct Plan {
        let model: ModelSpecification
        let batch: Int
        let tokensPerStep: Int
        let operationsPerToken: Double
        /// The number of parameters without the embedding, of which most texts use a small part at a time.
        let parameters: Double
        /// The number of training tokens.
        let tokens: Double
        let isSuitable: Bool
        let isLimitedByText: Bool

        init(
            _ size: Size, _ family: TransformerConfiguration.Family, vocabularySize: Int, textTokens: Double,
            operations: Double
        ) {
            // A window of a short text must leave room for others.
            let context = max(8, min(size.context, Int(textTokens / 64)))
            var model = ModelSpecification.gpt(
                family, layers: size.layers, heads: size.width / 32, width: size.width, context: context)
            model.vocabularySize = vocabularySize
            self.model = model
            parameters = 12 * Double(size.layers * size.width * size.width)
            let perToken = model.trainingFlopsPerToken(length: context) ?? 0
            let limit = Recipe.greatestPasses * textTokens
            let estimate = min(limit, operations / perToken)
            // 2,048 tokens for a run of 3 million.
            batch = max(2, Int((2_048 * (estimate / 3e6).squareRoot() / Double(context)).rounded()))
            tokensPerStep = batch * context
            operationsPerToken = perToken + model.muonOperations / Double(tokensPerStep)
            let affordable = operations / operationsPerToken
            tokens = min(limit, affordable)
            isLimitedByText = affordable > limit
            isSuitable =
                parameters <= Recipe.parametersPerToken * textTokens
                && (tokens >= Recipe.tokensPerParameter * parameters || tokens >= Recipe.sufficientPasses * textTokens)
        }
    }
}

extension TrainingSettings {
    /// Takes the model and its training from a recipe. The length, the text, the tokenizer and the seed stay as they are.
    public mutating func apply(_ recipe: Recipe) {
        model = recipe.settings.model
        sequenceLength = recipe.settings.sequenceLength
        batch = recipe.settings.batch
        schedule = recipe.settings.schedule
        optimizer = recipe.settings.optimizer
        dropout = recipe.settings.dropout
    }

    /// The floating-point operations of a training step: of the forward and backward pass, and of Muon.
    package var stepOperations: Double {
        let perToken = model.trainingFlopsPerToken(length: sequenceLength) ?? 0
        return Double(tokensPerStep) * perToken + (optimizer.method == .muon ? model.muonOperations : 0)
    }
}

extension ModelSpecification {
    /// The approximate floating-point operations of an update of the hidden weights of a transformer by Muon.
    fileprivate var muonOperations: Double {
        guard case .transformer(let c) = self else { return 0 }
        let attention = 4 * MuonUpdate.operations(rows: c.width, columns: c.queryWidth)
        let network =
            (c.feedForward.isGated ? 3 : 2) * MuonUpdate.operations(rows: c.width, columns: c.feedForwardWidth)
        return Double(c.layers) * (attention + network)
    }
}
