import Foundation
import GPTKit

/// All steps from a text to a model in use. The argument is a new directory for the results (default: `example`).
@main struct FromTextToModel {
    static func main() async {
        let directory = CommandLine.arguments.dropFirst().first ?? "example"
        do {
            let model = directory + "/model"
            let texts = try TextOrigin.builtIn.texts()
            try showTokens(try train(on: texts, in: model))
            try await use(model)
            try export(model, to: directory)
            print("\nEverything is in \(directory).")
        } catch {
            // Errors of the library are one line that says what is wrong and where.
            FileHandle.standardError.write(Data("FromTextToModel: \(error)\n".utf8))
            exit(1)
        }
    }
}

// MARK: Tokens

/// Encodes a sentence with the vocabulary that was learned from the text.
private func showTokens(_ tokenizer: any Tokenizer) throws {
    let sentence = "The harbour bell is silent."
    let ids = try tokenizer.encode(sentence)
    print("\nThe vocabulary has \(tokenizer.vocabularySize) tokens. \"\(sentence)\" has \(ids.count):")
    print("  " + ids.map { "\($0) \"\(tokenizer.decode([$0]))\"" }.joined(separator: ", "))
}

// MARK: Inference

/// Scores a text and generates one, with an engine that several tasks could use at once.
private func use(_ path: String) async throws {
    let engine = try InferenceEngine(path: path)
    print("\nA model of type \(engine.modelType) with \(engine.parameterCount) parameters.")

    let score = try await engine.score("The bell shall ring tonight, my lord, and wake the town.\n")
    print("A new sentence: \(rounded(score.bitsPerByte)) bits per byte, perplexity \(rounded(score.perplexity)).")

    let prompt = "CLEMENCE:\n"
    let request = GenerationRequest(
        prompt: try engine.encode(prompt: prompt), length: 100, settings: GenerationSettings(temperature: 0.7, seed: 1),
        topLogProbabilities: 0)
    print("\n\(prompt)", terminator: "")
    var logProbability = 0.0, count = 0
    for try await token in engine.stream(request) {
        print(token.text, terminator: "")
        logProbability += token.logProbability ?? 0
        count += 1
    }
    print("\n\n\(count) tokens with a mean log probability of \(rounded(logProbability / Double(count))).")
}

// MARK: Other formats

/// Exports the model. Each export is read back and compared with the model before it gets its name.
private func export(_ path: String, to directory: String) throws {
    print()
    let formats: [(ExportFormat, String)] = [(.gguf, directory + "/model.gguf"), (.hf, directory + "/transformers")]
    for (format, output) in formats {
        let report = try ModelExport.run(path, to: format, precision: .f32, at: output)
        print("Exported to \(output): \(report.size) bytes.")
    }
}

func rounded(_ value: Double) -> String { String(format: "%.3f", value) }
