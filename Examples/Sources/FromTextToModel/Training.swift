import GPTKit

/// The tokenizer of the model: byte pairs, learnt from the text.
let vocabulary = TokenizerSpecification.bytePairs(400)

/// Trains a small transformer, stops half-way, and resumes: the result is the same as without the interruption, to the bit.
/// - Returns: the tokenizer of the model.
func train(on texts: [NamedText], in path: String) throws -> any Tokenizer {
    let settings = TrainingSettings(
        model: .gpt(layers: 2, heads: 2, width: 64, context: 32), tokenizer: vocabulary, length: .steps(400), batch: 16,
        schedule: LearningRateSchedule(peak: 3e-3, warmupSteps: 20), evaluateEvery: 100)
    let tokenizer = try startTraining(on: texts, settings, in: path, stoppingAfter: 200)

    let saved = try SavedRun(path)
    print("Resuming from step \(saved.progress.step).")
    let run = try saved.resume(texts, origin: saved.origin, settings: settings)
    if let outcome = try run.run(report: report) {
        let score = run.data.score(outcome.result.value)
        print("The best model: \(rounded(score.loss)) nats per token, \(rounded(score.bitsPerByte)) bits per byte.")
    }
    return tokenizer
}

/// Begins a training in a new directory, and stops it. It is saved when it stops.
private func startTraining(
    on texts: [NamedText], _ settings: TrainingSettings, in path: String, stoppingAfter steps: Int
) throws -> any Tokenizer {
    let run = try TrainingRun(settings, texts: texts, origin: .builtIn, directory: { path })
    print("\nTraining on \(run.data.trainingCount) tokens.")
    let outcome = try run.run(
        shouldStop: { run.trainer.map { $0.progress.step >= steps } ?? true }, report: report)
    if outcome == nil { print("Stopped, and saved.") }
    return run.tokenizer
}

private func report(_ event: TrainingEvent) {
    if case .evaluation(let step, let loss, _) = event { print("step \(step): \(rounded(loss)) nats per token") }
}
