import Models
import Tokenizers

/// The data of a training task before they are encoded: labelled texts, pairs of texts, a text.
///
/// A `TaskRun` makes everything else of it: a tokenizer, the model, and the task itself.
public protocol TaskSource {
    associatedtype Task: TrainingTask

    /// The names of the texts or tables in messages, and the SHA-256 of each, which a resumed run compares.
    var files: [(name: String, sha256: String)] { get }

    /// A tokenizer for a model with random weights.
    /// - Parameters:
    ///   - settings: the choice of the tokenizer, and what decides which texts it is trained on.
    ///   - notice: called with a message before a slow step, or if the result differs from the settings.
    func makeTokenizer(_ settings: TrainingSettings, notice: (String) -> Void) throws -> any Tokenizer

    /// The model of the settings, or of the model that training starts from, with what follows from the data and the tokenizer:
    /// labels, or the tokens that begin and end a target.
    /// - Parameters:
    ///   - model: the model.
    ///   - tokenizer: the tokenizer of the model.
    ///   - isNew: whether the model will have random weights.
    /// - Throws: why the task cannot be learned, in one line.
    func specification(
        of model: ModelSpecification, _ tokenizer: any Tokenizer, isNew: Bool
    ) throws -> ModelSpecification

    /// The task.
    /// - Parameters:
    ///   - model: a model that `specification` describes.
    ///   - tokenizer: the tokenizer of the model.
    ///   - settings: the settings of the run.
    /// - Throws: why the data cannot be encoded, in one line.
    func makeTask(
        _ model: any TrainableModel, _ tokenizer: any Tokenizer, _ settings: TrainingSettings
    ) throws -> Task
}
