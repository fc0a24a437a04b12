//! Trains a small GPT on a string, and generates text.

import GPTKit

// snippet.data
// Any string will do; this one is a play that comes with the library.
let text = NamedText(name: "the play", text: BuiltInCorpus.text)
let tokenizer = CharacterTokenizer(alphabetOf: [text.text])
let data = try TokenDataset([text], tokenizer: tokenizer, contextLength: 32)
// snippet.end

// snippet.train
let settings = TrainingSettings(
    model: .gpt(layers: 2, heads: 2, width: 64, context: 32, vocabularySize: tokenizer.vocabularySize),
    length: .steps(500), batch: 16, schedule: LearningRateSchedule(peak: 3e-3, warmupSteps: 20))
let model = settings.model.makeNeuralModel(seed: settings.seed)!

let trainer = try Trainer(model, data: data, settings: settings)
let end = try trainer.run(report: { event in
    if case .evaluation(let step, let loss, _) = event { print("step \(step): \(loss) nats per character") }
})
// snippet.end

// snippet.generate
let generator = TextGenerator(model, tokenizer: tokenizer)
print(try generator.text(after: "\n\n", length: 300, settings: GenerationSettings(temperature: 0.7)))
// snippet.end
