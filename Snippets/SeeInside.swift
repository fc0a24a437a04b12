//! Trains a small model on words that are repeated, and looks into it: the heads that learn to continue a repetition.

import GPTKit

// snippet.data
// Words of random letters, each twice: nothing but the first time can predict the second.
var random = Philox(7)
let letters = Array("abcdefghijklmnopqrstuvwxyz")
let words = (0..<4000).map { _ -> String in
    let word = String(
        (0..<Int.random(in: 6...20, using: &random)).map { _ in letters.randomElement(using: &random) ?? "a" })
    return word + word
}
let text = NamedText(name: "repetitions", text: words.joined(separator: "\n"))
// snippet.end

// snippet.train
let settings = TrainingSettings(
    model: .gpt(layers: 2, heads: 2, width: 64, context: 50), length: .steps(600), batch: 16,
    schedule: LearningRateSchedule(peak: 5e-3, warmupSteps: 50))
let run = try TrainingRun(settings, texts: [text], origin: .builtIn)  // not saved: it has no directory
let outcome = try run.run(report: { event in
    if case .evaluation(let step, let loss, _) = event { print("step \(step): \(loss) nats per character") }
})
// snippet.end

if let outcome {
    // snippet.explain
    let generator = run.generator(for: outcome)
    guard let model = generator.model.trainable else { fatalError("a model of counts") }
    let explainer = Explainer(model, tokenizer: generator.tokenizer, roles: generator.roles)
    let explanation = try explainer.explain("\nswiftnessswiftness")
    for token in explanation.tokens {
        print(
            "\(token.piece): \(token.surprise ?? 0) bits, expected \(token.alternatives.first.map { explanation.piece($0.id) } ?? "-")"
        )
    }
    for head in explanation.heads {
        print(
            "layer \(head.layer), head \(head.head): previous token \(head.previousToken ?? 0), "
                + "induction \(head.induction ?? 0)")
    }
    // snippet.end
}
