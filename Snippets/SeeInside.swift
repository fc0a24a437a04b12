//! Trains a small model on words that are repeated, and finds the heads that learn to continue a repetition.

import GPTKit

// snippet.data
// Each line is a word of random letters, six times: nothing but the first time can predict the others.
var random = Philox(7)
let letters = Array("abcdefghijklmnopqrstuvwxyz")
let lines = (0..<3000).map { _ in
    String(repeating: String(letters.shuffled(using: &random).prefix(.random(in: 3...9, using: &random))), count: 6)
}
let text = NamedText(name: "repetitions", text: lines.joined(separator: "\n"))
// snippet.end

// snippet.train
// Attention does all the work here, so the feed-forward networks are small.
var configuration = TransformerConfiguration(
    .llama, vocabularySize: ModelSpecification.unknownVocabularySize, contextLength: 64, layers: 2, heads: 4,
    width: 128, feedForwardWidth: 32)
configuration.positions = .linearBiases  // near positions have higher weights from the beginning
let settings = TrainingSettings(
    model: .transformer(configuration), length: .steps(250), batch: 32,
    schedule: LearningRateSchedule(peak: 4e-3, warmupSteps: 50), evaluateEvery: 125)
let run = try TrainingRun(settings, texts: [text], origin: .builtIn)  // not saved: it has no directory
let outcome = try run.run()
// snippet.end

if let outcome, let model = outcome.model.trainable {
    // snippet.explain
    let explainer = Explainer(model, tokenizer: run.tokenizer)
    let explanation = try explainer.explain("\nswiftnswiftnswiftn")
    for token in explanation.tokens.dropFirst() {
        print("\(token.piece): \(token.surprise ?? 0) bits")
    }
    for head in explanation.heads {
        print("layer \(head.layer), head \(head.head): induction \(head.induction ?? 0)")
    }
    // snippet.end
}
