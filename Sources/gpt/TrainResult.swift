import GPTKit

/// What a training came to: a text the model wrote, its loss, and how that stands against counting.
struct TrainResult {
    let model: any LanguageModel
    let tokenizer: any Tokenizer
    let data: TokenDataset
    let settings: TrainingSettings
    let result: ValidationResult
    /// The step of the best model; nil for one that counts.
    let step: Int?
    let path: String
    let origin: TextOrigin
    /// What it wrote; nil to generate it now.
    let sample: String?
    let seconds: Double

    /// Writes it to standard output.
    func write() throws {
        let sample = try sample ?? TextGenerator(model, tokenizer: tokenizer).text(after: "", length: 500)
        try writeLine("What the model writes:")
        try writeLine()
        try writeLine(sample)
        try writeLine()
        let unit = tokenizer.unit
        let ofStep = step.map { ", the best model (step \(grouped($0)))" } ?? ""
        try writeLine(
            "validation loss \(figure(result)) nats per \(unit)\(extent(result)), \(bitsPerByte) bits per byte"
                + "\(ofStep), trained in \(duration(seconds))")
        if let comparison { try writeLine(comparison) }
        try writeLine("The model is in \(path). Let it write more:")
        try writeLine("  gpt generate \(path)\(suggestedPrompt)")
    }

    /// The loss by which models with different tokens compare.
    private var bitsPerByte: String { fixed(bits(result.loss) / data.validationBytesPerToken, 3) }

    /// How the model stands against counting, in a sentence; nil where it is counting itself, or memory is too small to count.
    private var comparison: String? {
        guard !(model is NGramModel) else { return nil }
        guard data.trainingCount <= Counting.tokensForComparison else {
            return "The text is too long to count its seven-grams for a comparison "
                + "(\(large(Double(data.trainingCount))) tokens; at most \(large(Double(Counting.tokensForComparison))) "
                + "are counted here); 'gpt compare --models ngram' counts them."
        }
        let counting = try? Counting.run(
            data, order: 7, vocabularySize: tokenizer.vocabularySize,
            atMost: result.isComplete ? .max : result.windows, length: model.contextLength ?? settings.shape.context)
        guard let baseline = counting?.result.loss else { return nil }
        let loss = result.loss
        let verdict =
            loss < baseline
            ? "this model beats counting by \(fixed(baseline - loss, 3))"
            : "this model has lost to counting by \(fixed(loss - baseline, 3))"
        return "A seven-gram, which only counts, reaches \(fixed(baseline, 4)) on the same "
            + "\(result.isComplete ? "text" : "windows"): \(verdict)."
    }

    /// A prompt that the model's text would begin a line with.
    private var suggestedPrompt: String {
        let prompt: String
        switch origin {
        case .tinyShakespeare: prompt = "ROMEO:"
        default:
            let begin = tokenizer.decode(data.documents.first?.training.prefix(200) ?? [])
            let words = begin.split { $0 == " " || $0 == "\n" || $0 == "\r" || $0 == "\t" }
            prompt = words.first.map(String.init) ?? ""
        }
        // Nothing a shell would take for something else.
        let isPlain = prompt.utf8.allSatisfy { ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || $0 == 0x3A || $0 == 0x2C }
        return prompt.isEmpty || !isPlain ? "" : " --prompt \"\(prompt)\""
    }
}

/// A loss with its standard error, where it has one: "1.5012 ± 0.0031".
func figure(_ result: ValidationResult) -> String {
    fixed(result.loss, 4) + (result.standardError.map { " ± \(fixed($0, $0 < 0.001 ? 6 : 4))" } ?? "")
}

/// Of how many windows a loss is, in parentheses: " (2,000 of 97,000 windows)". Empty where it is of all.
func extent(_ result: ValidationResult) -> String {
    result.isComplete ? "" : " (\(grouped(result.windows)) of \(counted(result.allWindows, "window")))"
}
