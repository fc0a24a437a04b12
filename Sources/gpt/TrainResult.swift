import GPTKit

/// What a training came to: a text the model wrote, its loss, and how that stands against counting.
struct TrainResult {
    let model: any LanguageModel
    let tokenizer: any Tokenizer
    let data: TokenDataset
    /// Over the whole validation text.
    let loss: Double
    /// The step of the best model; nil for one that counts.
    let step: Int?
    let path: String
    let origin: TextOrigin
    /// What it wrote; nil to let it write now.
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
            "validation loss \(fixed(loss, 4)) nats per \(unit), \(bitsPerByte) bits per byte"
                + "\(ofStep), trained in \(duration(seconds))")
        if let comparison = comparison(unit) { try writeLine(comparison) }
        try writeLine("The model is in \(path). Let it write more:")
        try writeLine("  gpt generate \(path)\(suggestedPrompt)")
    }

    /// The loss by which models with different tokens compare.
    private var bitsPerByte: String { fixed(bits(loss) / data.validationBytesPerToken, 3) }

    /// How the model stands against counting, in a sentence; nil where it is counting, or the text too long to count for a
    /// remark.
    private func comparison(_ unit: String) -> String? {
        guard !(model is NGramModel), data.trainingCount < 20_000_000 else { return nil }
        guard let counting = try? Counting.run(data, order: 7, vocabularySize: tokenizer.vocabularySize) else {
            return nil
        }
        let baseline = counting.evaluation.loss
        let verdict =
            loss < baseline
            ? "this model beats counting by \(fixed(baseline - loss, 3))"
            : "this model has lost to counting by \(fixed(loss - baseline, 3))"
        return "A seven-gram, which only counts, reaches \(fixed(baseline, 4)) on the same text: \(verdict)."
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
