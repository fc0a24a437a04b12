import GPTKit

/// The tokenizer of the model: byte pairs, learnt from the text.
let vocabulary = TokenizerSpecification.bytePairs(400)

/// Trains a small transformer, stops half-way, and resumes: the result is the same as without the interruption, to the bit.
func train(on texts: [NamedText], _ tokenizer: any Tokenizer, in path: String) throws {
    let settings = TrainingSettings(
        shape: ModelShape(layers: 2, heads: 2, width: 64, context: 32), tokenizer: vocabulary, length: .steps(400),
        batch: 16, schedule: LearningRateSchedule(peak: 3e-3, warmupSteps: 20), evaluateEvery: 100)
    try startTraining(on: texts, tokenizer, settings, in: path, stoppingAfter: 200)

    let run = try SavedRun(path)
    print("Resuming from step \(run.progress.step).")
    let (trainer, _, _) = try run.resume(texts, origin: run.origin, settings: run.settings)
    _ = try trainer.run(report: report)
    if let loss = trainer.progress.finalLoss { print("The best model: \(rounded(loss)) nats per token.") }
}

/// Begins a training in a new directory, and stops it. It is saved when it stops.
private func startTraining(
    on texts: [NamedText], _ tokenizer: any Tokenizer, _ settings: TrainingSettings, in path: String,
    stoppingAfter steps: Int
) throws {
    let data = try TokenDataset(texts, tokenizer: tokenizer, contextLength: settings.shape.context)
    let directory = try RunDirectory(creating: path, tokenizer: tokenizer, data: data, origin: .builtIn)
    let model = Transformer(
        settings.shape.transformer(vocabularySize: tokenizer.vocabularySize), seed: settings.seed)
    let trainer = try Trainer(model, data: data, settings: settings, store: directory)
    print("\nTraining on \(data.trainingCount) tokens.")
    let end = try trainer.run(shouldStop: { trainer.progress.step >= steps }, report: report)
    if end == .stopped { print("Stopped after step \(trainer.progress.step).") }
}

private func report(_ event: TrainingEvent) {
    if case .evaluation(let step, let loss, _) = event { print("step \(step): \(rounded(loss)) nats per token") }
}
