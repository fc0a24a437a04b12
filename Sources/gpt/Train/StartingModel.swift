import GPTKit

/// The model whose weights a new training begins with, and its tokenizer, which it keeps.
struct StartingModel {
    let path: String
    let model: any NeuralLanguageModel
    let tokenizer: any Tokenizer
    let shape: ModelShape

    init(_ path: String, _ files: ModelFileOptions) throws {
        let saved = try files.load(path)
        guard let model = saved.model as? any NeuralLanguageModel, let shape = ModelShape(of: saved.model) else {
            throw CommandFailure(
                "\(path) is a model of type '\(saved.model.modelType)', which has no weights to fine-tune; use a bigram, "
                    + "attention or gpt model with --from")
        }
        try saved.requireFiniteWeights()
        self.path = path
        self.model = model
        self.shape = shape
        tokenizer = try saved.tokenizer
    }

    /// Puts shape, tokenizer and a gentler learning rate into settings. A rate with which random weights learn fast would
    /// make the others forget.
    func apply(to settings: inout TrainingSettings) {
        settings.shape = shape
        settings.tokenizer = tokenizer.supportedCharacters != nil ? .characters : .file(path)
        settings.initialModel = path
        // Rounded, so that it is shown as people write it.
        settings.schedule.peak = (settings.schedule.peak * 1e8).rounded() / 1e9
    }
}
