import LanguageModels

/// Counting instead of learning: the rung that every trained model is held against.
public enum Counting {
    /// Counts the n-grams of the training texts, and measures the loss over the validation texts, each after its own
    /// training text: the same tokens that a trained model is measured on.
    /// - Throws: `NGramError` where the counts are too many for memory.
    public static func run(
        _ data: TokenDataset, order: Int, vocabularySize: Int
    ) throws -> (model: NGramModel, evaluation: Evaluation) {
        let memory = MemoryEstimate.available
        let model = try NGramModel(
            order: order, vocabularySize: vocabularySize, documents: data.documents.map(\.training),
            memoryLimit: memory < 1e18 ? Int(memory / 2) : .max)
        var result = Evaluation(total: 0, count: 0)
        for document in data.documents {
            let part = model.evaluate(document.validation, after: document.training[...], windows: nil) { false }
            result.total += part?.total ?? 0
            result.count += part?.count ?? 0
        }
        return (model, result)
    }
}
