import Interchange
import Models
import Tokenizers

/// The model whose weights a new training begins with (fine-tuning), and its tokenizer, which the new model keeps.
public struct StartingModel {
    public let path: String
    public let model: any NeuralLanguageModel
    public let tokenizer: any Tokenizer
    public let specification: ModelSpecification

    /// Reads a model.
    /// - Parameters:
    ///   - path: a model directory or a GGUF file.
    ///   - acceptingEdits: whether files beside the weights may have been edited since the model was saved.
    /// - Throws: where the model cannot be read, has no weights, or has weights that are not finite numbers.
    public init(_ path: String, acceptingEdits: Bool = false) throws {
        let saved = try ModelDirectory.load(path, acceptingEdits: acceptingEdits)
        guard let model = saved.model.neural, let specification = model.specification else {
            throw TrainingError.setting(
                "\(path) is a model of type '\(saved.model.modelType)', which has no weights to fine-tune; use a bigram, "
                    + "attention or gpt model")
        }
        try saved.requireFiniteWeights()
        self.path = path
        self.model = model
        self.specification = specification
        tokenizer = try saved.tokenizer
    }

    /// Puts the model, the tokenizer and a lower learning rate into settings: a tenth of the usual rate, because a rate at
    /// which random weights learn fast would undo what the model has learned.
    public func apply(to settings: inout TrainingSettings) {
        settings.model = specification
        if let context = specification.contextLength { settings.sequenceLength = context }
        settings.tokenizer = tokenizer.supportedCharacters != nil ? .characters : .file(path)
        settings.initialModel = path
        // Rounded, so that it is shown as people write it.
        settings.schedule.peak = (settings.schedule.peak * 1e8).rounded() / 1e9
    }
}
