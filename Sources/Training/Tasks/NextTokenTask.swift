import Inference
import Models
import Tensors
import Tokenizers

/// Next-token prediction: windows of texts, of which each token is predicted from those before it.
///
///     loss = - sum over t of log p(x[t + 1] | x[0 ... t])
public final class NextTokenTask: TrainingTask {
    public let languageModel: any NeuralLanguageModel
    public let data: TokenDataset
    /// Decodes samples; nil for a task that writes none.
    private let tokenizer: (any Tokenizer)?
    private let roles: TokenRoles?
    private let settings: TrainingSettings
    private let evaluator: Evaluator

    /// - Parameters:
    ///   - model: as it is to begin with.
    ///   - data: what to learn from and to validate on.
    ///   - settings: batch, sequence length, seed and the extent of the last validation are what the task uses.
    ///   - tokenizer: decodes samples; nil for none.
    ///   - roles: the tokens that begin and end a sample; nil for a model that is trained without special tokens.
    public init(
        _ model: any NeuralLanguageModel, data: TokenDataset, settings: TrainingSettings,
        tokenizer: (any Tokenizer)? = nil, roles: TokenRoles? = nil
    ) {
        languageModel = model
        self.data = data
        self.settings = settings
        self.tokenizer = tokenizer
        self.roles = roles
        // A model without a context is scored on windows as long as those it learns from.
        evaluator = Evaluator(data, length: model.contextLength ?? settings.sequenceLength)
    }

    public var model: any TrainableModel { languageModel }
    public var measure: ValidationMeasure { .loss }

    // MARK: Steps

    public var tokensPerStep: Int { settings.tokensPerStep }

    public func targetCount(step: Int) -> Int {
        guard data.hasMaskedTargets else { return settings.tokensPerStep }
        let count = (0..<settings.accumulate).reduce(0) { count, microBatch in
            count + batch(MicroBatchIndex(step: step, microBatch: microBatch)).targets.count { $0 >= 0 }
        }
        return max(1, count)
    }

    private func batch(_ index: MicroBatchIndex) -> (inputs: TokenBatch, targets: [Int32]) {
        data.batch(
            batch: settings.batch, length: settings.sequenceLength, seed: settings.seed, step: index.step,
            microBatch: index.microBatch, of: settings.accumulate)
    }

    public func microBatch(_ index: MicroBatchIndex) -> MicroBatch {
        let (inputs, targets) = batch(index)  // (B, T) each
        return MicroBatch { [languageModel] scale, dropout in
            languageModel.loss(inputs, targets: targets, gradientScale: scale, dropout: dropout)
        }
    }

    // MARK: Validation

    public var validationSize: Int { evaluator.windows }

    public func affordableValidationSize(trainedTokens: Int) -> Int {
        Evaluator.affordableWindows(trainedTokens: trainedTokens, length: evaluator.length)
    }

    public func finalValidationSize(trainedTokens: Int) -> Int {
        settings.finalEvaluation.limit(
            trainedTokens: trainedTokens, length: evaluator.length, model: languageModel.specification ?? settings.model
        )
    }

    public func validate(atMost size: Int, shouldStop: () -> Bool) -> ValidationResult? {
        evaluator.evaluate(languageModel, atMost: size, shouldStop: shouldStop)
            .map { ValidationResult($0, scored: size, of: validationSize) }
    }

    // MARK: Samples

    public var writesSamples: Bool { tokenizer != nil }

    public func sample(step: Int, length: Int, shouldStop: () -> Bool) throws -> String? {
        guard let tokenizer else { return nil }
        struct Stopped: Error {}
        let key = Philox.key([Purpose.samples, settings.seed, UInt64(step)])
        let generator = TextGenerator(languageModel, tokenizer: tokenizer, roles: roles)
        var text = ""
        do {
            try generator.generate(
                after: generator.encode(prompt: ""), length: length, settings: GenerationSettings(seed: key)
            ) { _, part in
                if shouldStop() { throw Stopped() }
                text += part
            }
        } catch is Stopped {
            return nil
        }
        return text
    }

    // MARK: Records

    public var dataRecord: DataRecord { data.record }
}

extension Trainer where Task == NextTokenTask {
    /// Trains a language model on texts.
    ///
    /// - Parameters:
    ///   - model: as it is to begin with.
    ///   - data: what to learn from and to validate on.
    ///   - settings: everything else that decides what training does.
    ///   - tokenizer: decodes samples; nil for none.
    ///   - roles: the tokens that begin and end a sample; nil for a model that is trained without special tokens.
    ///   - store: where the best model and the state of the run are saved; by default in memory.
    ///   - communicator: what shares each step with other processes; by default there are none.
    /// - Throws: `TrainingError` where a setting is out of its range.
    public convenience init(
        _ model: any NeuralLanguageModel, data: TokenDataset, settings: TrainingSettings,
        tokenizer: (any Tokenizer)? = nil, roles: TokenRoles? = nil, store: any TrainingStore = MemoryStore(),
        communicator: any Communicator = SingleProcess()
    ) throws {
        try self.init(
            NextTokenTask(model, data: data, settings: settings, tokenizer: tokenizer, roles: roles),
            settings: settings,
            store: store,
            communicator: communicator)
    }

    public var model: any NeuralLanguageModel { task.languageModel }
    public var data: TokenDataset { task.data }
}
