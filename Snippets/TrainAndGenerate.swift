//! Trains a small GPT on a string, and generates text.

import GPTKit

// snippet.data
// Any string will do; this one is a play that comes with the library.
let text = NamedText(name: "the play", text: BuiltInCorpus.text)
// snippet.end

// snippet.train
let settings = TrainingSettings(
    model: .gpt(layers: 2, heads: 2, width: 64, context: 32), length: .steps(500), batch: 16,
    schedule: LearningRateSchedule(peak: 3e-3, warmupSteps: 20))
let run = try TrainingRun(settings, texts: [text], origin: .builtIn)  // not saved: it has no directory
let outcome = try run.run(report: { event in
    if case .evaluation(let step, let loss, _) = event { print("step \(step): \(loss) nats per character") }
})
// snippet.end

// snippet.generate
if let outcome {
    let generator = run.generator(for: outcome)
    print(try generator.text(after: "\n\n", length: 300, settings: GenerationSettings(temperature: 0.7)))
}
// snippet.end
