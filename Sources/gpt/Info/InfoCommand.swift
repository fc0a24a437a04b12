import ArgumentParser
import Files
import GPTKit
import StrictJSON

/// `gpt info`: describes a model.
struct InfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Show the architecture, parameter count, memory and training history of a model.")

    @Argument(
        help: ArgumentHelp(
            "The model: a directory written by 'gpt train', a directory in the format of Hugging Face's transformers, or a GGUF "
                + "file.",
            valueName: "model"))
    var model: String

    @OptionGroup var files: ModelFileOptions

    @Flag(help: "Also print the results as one JSON object, on the last line of the output.")
    var json = false

    func validate() throws { try requireNames(model) }

    func run() throws {
        try reportingFailures {
            let saved = try files.load(model)
            let summary = ModelSummary(saved.model)
            let training = TrainingRecord(directory: model)
            let fileSize = Files.size(model + "/model.safetensors")

            var rows = [
                ["model", "\(model) (\(saved.model.modelType))"],
                ["architecture", summary.architecture],
                ["context", saved.model.contextLength.map { counted($0, "token") } ?? "no limit"],
                ["vocabulary", vocabulary(saved)],
            ]
            rows.append(["memory", memory(summary, fileSize)])
            rows.append(["compute", arithmetic(summary)])
            rows += training?.rows ?? [["trained", "unknown: there is no training/settings.json"]]
            for line in aligned(rows, left: [0, 1]) { try writeLine(line) }

            try writeLine()
            let total = saved.model.parameterCount
            let parts = summary.parts.map {
                [
                    $0.name, form(of: $0), grouped($0.count),
                    fixed(100 * Double($0.count) / Double(max(1, total)), 1) + "%",
                ]
            }
            let table = aligned(
                [["part", "shape", summary.unit, "share"]] + parts + [["total", "", grouped(total), "100.0%"]],
                left: [0, 1])
            for line in table { try writeLine(line) }
            if json { try writeLine(object(saved, summary, training, fileSize).serialized()) }
        }
    }

    private func vocabulary(_ saved: SavedModel) -> String {
        let size = saved.model.vocabularySize
        let tokenizer: any Tokenizer
        switch saved.tokenizerState {
        case .usable(let usable): tokenizer = usable
        case .missing:
            return "\(counted(size, "token")); the model has no tokenizer and can be used with token ids only"
        case .unsupported(let reason):
            return
                "\(counted(size, "token")); the tokenizer is not supported, so the model can be used with token ids only (\(reason))"
        }
        let line = vocabularyWords(size, of: tokenizer)
        return tokenizer.supportedCharacters.map { "\(line) \(shortAlphabet($0))" } ?? line
    }

    private func form(of part: ModelSummary.Part) -> String {
        switch part.form {
        case .tensor(let shape): shape.map(String.init).joined(separator: " x ")
        case .layers(let number): "\(number) x \(grouped(part.count / number))"
        case .mixed: ""
        case .tied: "the token embedding"
        case .distinct: "distinct"
        }
    }

    private func memory(_ summary: ModelSummary, _ fileSize: Int?) -> String {
        var line = "weights \(bytes(summary.weightBytes))"
        if let fileSize { line += " (\(bytes(fileSize)) on disk)" }
        if let cache = summary.cacheBytesPerToken {
            line += ", KV cache \(bytes(cache)) per token"
            if let context = summary.context { line += ", \(bytes(cache * context)) at full context" }
        }
        return line
    }

    private func arithmetic(_ summary: ModelSummary) -> String {
        guard let flops = summary.trainingFlopsPerToken else { return "none (a lookup table)" }
        return "\(large(flops)) FLOPs per token in training, \(large(flops / 3)) in generation"
            + (summary.context == nil ? "" : " (at full context)")
    }

    private func object(
        _ saved: SavedModel, _ summary: ModelSummary, _ training: TrainingRecord?, _ fileSize: Int?
    ) -> JSON {
        var parts = JSONObject()
        for part in summary.parts { parts[part.name] = .int(part.count) }
        var object = JSONObject()
        object["model_type"] = .string(saved.model.modelType)
        object["architecture"] = .string(summary.architecture)
        object["parameters"] = .int(saved.model.parameterCount)
        object["parts"] = .object(parts)
        object["context"] = saved.model.contextLength.map(JSON.int) ?? .null
        object["vocabulary"] = .int(saved.model.vocabularySize)
        object["tokenizer"] = (try? saved.tokenizer).map { .string($0.kind) } ?? .null
        object["weight_bytes"] = .int(summary.weightBytes)
        object["file_bytes"] = fileSize.map(JSON.int) ?? .null
        object["cache_bytes_per_token"] = summary.cacheBytesPerToken.map(JSON.int) ?? .null
        object["training_flops_per_token"] = summary.trainingFlopsPerToken.map(JSON.double) ?? .null
        object["generation_flops_per_token"] = summary.trainingFlopsPerToken.map { .double($0 / 3) } ?? .null
        object["training"] = training?.json ?? .null
        return .object(object)
    }
}

/// An alphabet, shortened to fit on a line.
func shortAlphabet(_ alphabet: [Unicode.Scalar], limit: Int = 100) -> String {
    var shown = String.UnicodeScalarView()
    shown.append(contentsOf: alphabet.prefix(limit))
    return escaped(String(shown)) + (alphabet.count > limit ? " ..." : "")
}
