import Models
import Testing
import Training

@Suite("Next-token prediction")
struct NextTokenTaskTests {
    private static func settings(lengthWarmup: Double) -> TrainingSettings {
        var settings = TinyRuns.settings(steps: 4)
        settings.accumulate = 1
        settings.dropout = 0
        settings.precision = .float32
        settings.lengthWarmup = lengthWarmup
        return settings
    }

    /// The loss of a model with new weights on the windows of a step.
    private static func loss(_ settings: TrainingSettings, batch: Int, length: Int, step: Int) throws -> Double {
        let trainer = try TinyRuns.trainer(settings)
        let (inputs, targets) = trainer.data.batch(
            batch: batch, length: length, seed: settings.seed, step: step, microBatch: 0)
        return trainer.model.loss(inputs, targets: targets, gradientScale: 1, dropout: nil)
    }

    @Test(
        "At first, windows have half the length, and there are twice as many",
        arguments: [(0.0, true), (0.25, true), (0.49, true), (0.5, false), (0.75, false), (1, false)])
    func lengthWarmup(share: Double, isShort: Bool) throws {
        let settings = Self.settings(lengthWarmup: 0.5)
        let task = try TinyRuns.trainer(settings).task
        let loss = task.microBatch(MicroBatchIndex(step: 3, microBatch: 0, share: share)).loss(1, nil)
        #expect(try loss == Self.loss(settings, batch: isShort ? 8 : 4, length: isShort ? 4 : 8, step: 3))
        // Without a warmup, all have the whole length.
        let other = try TinyRuns.trainer(Self.settings(lengthWarmup: 0)).task
        #expect(
            try other.microBatch(MicroBatchIndex(step: 3, microBatch: 0, share: share)).loss(1, nil)
                == Self.loss(settings, batch: 4, length: 8, step: 3))
    }

    @Test("A training passes from short windows to long ones", arguments: [0.2, 0.25, 0.3, 0.6])
    func training(lengthWarmup: Double) throws {
        var settings = Self.settings(lengthWarmup: lengthWarmup)
        // The weights stay as they are.
        settings.schedule.peak = 0
        settings.optimizer.weightDecay = 0
        var losses: [Double] = []
        let trainer = try TinyRuns.trainer(settings)
        _ = try trainer.run(report: { if case .step(_, let loss, _) = $0 { losses.append(loss) } })
        let expected = try (0..<4).map { step in
            let isShort = Double(step) / 4 < lengthWarmup
            return try Self.loss(settings, batch: isShort ? 8 : 4, length: isShort ? 4 : 8, step: step) / 32
        }
        #expect(zip(losses, expected).allSatisfy { abs($0 - $1) < 1e-6 } && losses.count == 4, "\(losses), \(expected)")
    }

    @Test("Validations use windows of the length of the training, and only those of the whole length are compared")
    func validation() throws {
        var settings = Self.settings(lengthWarmup: 0.5)
        settings.schedule.peak = 0
        settings.optimizer.weightDecay = 0
        settings.evaluateEvery = 1
        // Without a change of the weights no evaluation is better than the one before it.
        settings.patience = 2
        settings.length = .steps(8)
        let trainer = try TinyRuns.trainer(settings)
        var evaluations: [(step: Int, value: Double, isBest: Bool)] = []
        let end = try trainer.run(report: {
            if case .evaluation(let step, let value, let best) = $0 { evaluations.append((step, value, best)) }
        })
        #expect(end == .patience)
        #expect(evaluations.map(\.step) == Array(1...7))
        #expect(evaluations.map(\.isBest) == [true, true, true, true, true, false, false])
        let whole = try #require(trainer.task.validate(atMost: .max) { false })
        let short = try #require(trainer.task.validateShort(atMost: .max) { false })
        #expect(short.windows > whole.windows && short.value != whole.value)
        let windows = try #require(trainer.progress.evaluationWindows)
        let (value, shortValue) = (
            trainer.task.validate(atMost: windows) { false }?.value,
            trainer.task.validateShort(atMost: windows) { false }?.value
        )
        #expect(evaluations.map(\.value) == [shortValue, shortValue, shortValue, shortValue, value, value, value])
    }

    @Test("The length of the windows changes what a kind of model learns as the table says")
    func effect() throws {
        for kind in [ModelSpecification.Kind.attention, .gpt] {
            var settings = TinyRuns.settings(kind, steps: 4)
            let before = try TinyRuns.trainer(settings)
            settings.lengthWarmup = 0.5
            let after = try TinyRuns.trainer(settings)
            _ = try (before.run(), after.run())
            #expect(before.bits != after.bits && TrainingSetting.ID.lengthWarmup.hasEffect(on: kind))
        }
    }

    @Test("Only windows with an even number of tokens have a half")
    func odd() throws {
        var settings = Self.settings(lengthWarmup: 0.5)
        #expect(settings.problem == nil)
        settings.setContext(7)
        let problem = try #require(settings.problem)
        #expect(problem.description.contains("7 tokens"))
        settings.lengthWarmup = 0
        #expect(settings.problem == nil)
        settings.lengthWarmup = 1
        #expect(settings.problem != nil)
    }
}
