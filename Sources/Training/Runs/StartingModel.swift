import Interchange
import Models
import Tokenizers

/// A model from whose weights a new run starts (fine-tuning), and its tokenizer, which the new model uses too.
public struct StartingModel {
    public let path: String
    public let model: any NeuralLanguageModel
    public let tokenizer: any Tokenizer
    public let specification: ModelSpecification
    /// What its files say beside the weights, which the new model keeps.
    public let description: ModelDescription

    /// Loads the model.
    /// - Parameters:
    ///   - path: a model directory or a GGUF file.
    ///   - acceptingEdits: whether files beside the weights may have been edited since the model was saved.
    /// - Throws: an error if the model cannot be read, has no weights, or has weights that are not finite.
    public init(_ path: String, acceptingEdits: Bool = false) throws {
        let saved = try ModelDirectory.load(path, acceptingEdits: acceptingEdits)
        guard let model = saved.model.neural, let specification = model.specification else {
            throw TrainingError.setting(
                "\(path) is a model of type '\(saved.model.modelType)', which cannot be fine-tuned on a text; use a bigram, "
                    + "attention or gpt model")
        }
        try saved.requireFiniteWeights()
        self.path = path
        self.model = model
        self.specification = specification
        description = saved.description
        tokenizer = try saved.tokenizer
    }

    /// Sets the model, the tokenizer and a lower learning rate in `settings`. The learning rate is a tenth of the usual
    /// one: a rate at which random weights learn fast would destroy what the model has learned.
    public func apply(to settings: inout TrainingSettings) {
        settings.model = specification
        if let context = specification.contextLength { settings.sequenceLength = context }
        settings.tokenizer = tokenizer.supportedCharacters != nil ? .characters : .file(path)
        settings.initialModel = path
        // Rounded, so that the printed value has few digits.
        settings.schedule.peak = (settings.schedule.peak * 1e8).rounded() / 1e9
    }
}
