import Interchange
import Models
import Tokenizers

/// A model from whose weights a new run starts (fine-tuning), and its tokenizer, which the new model uses too.
public struct StartingModel {
    public let path: String
    public let model: any TrainableModel
    public let tokenizer: any Tokenizer
    public let specification: ModelSpecification
    /// What its files say beside the weights, which the new model keeps.
    public let description: ModelDescription

    /// Loads the model.
    /// - Parameters:
    ///   - path: a model directory or a GGUF file.
    ///   - task: the task that it is to learn.
    ///   - acceptingEdits: whether files beside the weights may have been edited since the model was saved.
    /// - Throws: an error if the model cannot be read, cannot learn the task, or has weights that are not finite.
    public init(_ path: String, for task: TaskKind = .text, acceptingEdits: Bool = false) throws {
        let saved = try ModelDirectory.load(path, acceptingEdits: acceptingEdits)
        guard let model = saved.model.trainable, let specification = model.specification,
            task.isLearned(by: specification.kind)
        else {
            throw TrainingError.setting("\(path) is a model of type '\(saved.model.modelType)', which \(task.refusal)")
        }
        try saved.requireFiniteWeights()
        self.path = path
        self.model = model
        self.specification = specification
        description = saved.description
        tokenizer = try saved.tokenizer
    }

    /// Sets the model, the tokenizer, a lower learning rate and at most BERT's dropout in `settings`.
    ///
    /// A language model learns with a tenth of the usual rate: a rate at which random weights learn fast would destroy what the
    /// model has learned. The rate of an encoder that gets another head is that of BERT (Devlin et al., 2019).
    public func apply(to settings: inout TrainingSettings) {
        settings.model = specification
        if let context = specification.contextLength { settings.sequenceLength = context }
        settings.tokenizer = tokenizer.supportedCharacters != nil ? .characters : .file(path)
        settings.initialModel = path
        // Rounded, so that the printed value has few digits.
        settings.schedule.peak = (settings.schedule.peak * 1e8).rounded() / 1e9
        // What was learned from much text needs less protection than random weights: BERT's rate.
        settings.dropout = min(settings.dropout, 0.1)
        // The optimizer that nearly all published models were trained with, and its rate.
        if settings.optimizer.method == .muon {
            settings.optimizer.method = .adamW
            settings.schedule.peak = Self.rateForText
        }
    }

    /// A tenth of the rate at which AdamW trains a small GPT from random weights.
    private static let rateForText = 3e-4
}

extension TaskKind {
    /// Why a model cannot learn the task, and what to use instead.
    fileprivate var refusal: String {
        switch self {
        case .text: "cannot be fine-tuned on a text; use a bigram, attention or gpt model"
        case .masked, .classify:
            "is no encoder; use a BERT model, or one that was trained with the task masked or classify"
        case .translate: "is no encoder-decoder; use a Marian model, or one that was trained with the task translate"
        }
    }
}
