import Layers
import Models
import Tensors
import TestSupport
import Testing
import Tokenizers
import Training

@Suite("Training")
struct TrainerTests {
    @Test("Each kind of model that is trained learns", arguments: [ModelSpecification.Kind.bigram, .attention, .gpt])
    func learns(_ kind: ModelSpecification.Kind) throws {
        var settings = TinyRuns.settings(kind, steps: 60)
        settings.dropout = 0
        settings.schedule.peak = 3e-2
        let trainer = try TinyRuns.trainer(settings)
        var losses: [Double] = []
        let end = try trainer.run(report: { event in if case .step(_, let loss, _) = event { losses.append(loss) } })
        #expect(end == .complete && losses.count == 60)
        #expect(losses[0] > 2.3 && losses[59] < losses[0] - 0.5, "\(losses[0]) to \(losses[59])")
        let final = try #require(trainer.progress.finalValue)
        // The figure is that of the weights the model is left with, over the whole validation text.
        let validation = trainer.data.documents[0].validation
        #expect(abs(final - trainer.model.evaluate(validation).loss) < 1e-9)
    }

    @Test("Gradients of micro-batches add up to that of the whole batch")
    func accumulation() throws {
        var settings = TinyRuns.settings(steps: 1)
        settings.dropout = 0
        settings.precision = .float32
        let trainer = try TinyRuns.trainer(settings)
        let twice = try #require(
            settings.model.makeNeuralModel(seed: settings.seed))
        let batches = (0..<2).map {
            trainer.data.batch(batch: 4, length: 8, seed: settings.seed, step: 0, microBatch: $0, of: 2)
        }
        let whole = twice.loss(
            TokenBatch(batch: 8, length: 8, ids: batches.flatMap(\.inputs.ids)), targets: batches.flatMap(\.targets),
            gradientScale: 1 / 64)
        let optimizer = Optimizer(twice.parameters, settings: settings.optimizer)
        let norm = optimizer.gradientNorm()
        _ = try trainer.run()
        let row = trainer.metrics.rows[0]
        #expect(abs(try #require(row.trainingLoss) - whole / 64) < 1e-6)
        #expect(abs(row.gradientNorm - norm) < 1e-5 * norm)
    }

    @Test(
        "The same seed gives the same bits on any number of threads, another seed others", arguments: [2, 3, 4],
        Precision.allCases)
    func threads(_ threads: Int, precision: Precision) throws {
        func train(_ threads: Int, seed: UInt64) throws -> [[UInt32]] {
            var settings = TinyRuns.settings(steps: 4, seed: seed)
            settings.precision = precision
            let trainer = try TinyRuns.trainer(settings)
            _ = try Execution.$current.withValue(Execution(threads: threads)) { try trainer.run() }
            return trainer.bits
        }
        #expect(try train(threads, seed: 1) == train(1, seed: 1))
        #expect(try train(threads, seed: 1) != train(1, seed: 2))
    }

    @Test("Training in bfloat16 gives other bits, and nearly the same loss")
    func precision() throws {
        let losses = try Precision.allCases.map { precision in
            var settings = TinyRuns.settings(steps: 30)
            settings.precision = precision
            let trainer = try TinyRuns.trainer(settings)
            _ = try trainer.run()
            return try #require(trainer.progress.finalValue)
        }
        #expect(losses[0] != losses[1])
        #expect(abs(losses[0] - losses[1]) < 0.02)
    }

    @Test("A loss or norm that is not finite stops before the update and names the step", arguments: [false, true])
    func notFinite(_ inGradient: Bool) throws {
        let trainer = try TinyRuns.trainer(TinyRuns.settings(steps: 40))
        var steps = 0
        do {
            _ = try trainer.run(report: { event in
                guard case .step(7, _, _) = event else { return }
                steps = trainer.progress.step
                trainer.model.parameters[0].parameter.value.withElements {
                    // A huge weight gives a finite loss, and a gradient whose square is none.
                    for i in $0.indices { $0[i] = inGradient ? $0[i] * 1e-30 : .nan }
                }
                if inGradient {
                    let norm = trainer.model.parameters.first { $0.name.hasSuffix("ln_f.weight") }
                    norm?.parameter.value.withElements { for i in $0.indices { $0[i] = 1e30 } }
                }
            })
            Issue.record("it went on to the end")
        } catch let error as TrainingError {
            guard case .notFinite(let what, _, let step) = error else { throw error }
            #expect(what == (inGradient ? "gradient norm" : "loss") && step == 8 && steps == 7)
            #expect(trainer.progress.step == 7 && trainer.optimizer.steps == 7)
            #expect(trainer.model.parameters.allSatisfy { $0.parameter.gradient == nil })
        }
    }

    @Test("An evaluation costs at most 5% of what it follows, and is whole where that is cheap")
    func evaluationCost() throws {
        // 96 tokens of validation: 12 windows of 8.
        for (batch, interval) in [(1, 10), (4, 10), (4, 40)] {
            var settings = TinyRuns.settings(steps: 2 * interval)
            settings.batch = batch
            settings.evaluateEvery = interval
            let trainer = try TinyRuns.trainer(settings)
            _ = try trainer.run()
            let windows = try #require(trainer.progress.evaluationWindows)
            let trained = Double(interval * batch * 2 * 8)
            // A token scored is a third of one learnt from.
            #expect(Double(windows * 8) / 3 <= 0.05 * trained)
            #expect(Double((windows + 1) * 8) / 3 > 0.05 * trained)
            // The figure of an evaluation is that of the whole text where all windows are affordable.
            let isWhole =
                trainer.progress.lastValue == trainer.model.evaluate(trainer.data.documents[0].validation).loss
            #expect(isWhole == (windows >= 12) || trainer.progress.bestStep != trainer.progress.step)
        }
    }

    @Test("Without improvement training ends when patience does, and the best model is what is left")
    func patience() throws {
        // A rate at which nothing can be learnt for long.
        var settings = TinyRuns.settings(.bigram, steps: 400)
        settings.schedule = LearningRateSchedule(peak: 5, warmupSteps: 0, shape: .constant)
        settings.evaluateEvery = 5
        settings.patience = 3
        settings.seed = 2
        let trainer = try TinyRuns.trainer(settings)
        #expect(try trainer.run() == .patience)
        let best = try #require(trainer.progress.bestStep)
        #expect(trainer.progress.step < 400)
        #expect(trainer.progress.evaluationsSinceBest == 3 && trainer.progress.step == best + 15)
        let losses = trainer.metrics.rows.compactMap(\.validation)
        #expect(losses.min() == losses[losses.count - 4])
        let validation = trainer.data.documents[0].validation
        #expect(abs(try #require(trainer.progress.finalValue) - trainer.model.evaluate(validation).loss) < 1e-12)
    }

    @Test("With a time limit it ends in time, and evaluates on the way")
    func minutes() throws {
        var settings = TinyRuns.settings(.bigram, steps: 1)
        settings.length = .minutes(0.5 / 60)
        let trainer = try TinyRuns.trainer(settings)
        let begin = ContinuousClock.now
        #expect(try trainer.run() == .complete)
        #expect(ContinuousClock.now - begin < .seconds(5))
        #expect(trainer.progress.seconds >= 0.5 && trainer.progress.evaluations > 1)
        // The rate has followed the time: at the end it is near a tenth.
        let last = try #require(trainer.metrics.rows.last)
        #expect(last.learningRate < 0.3 * settings.schedule.peak)
    }

    @Test(
        "Settings out of range are refused in words",
        arguments: [
            (\TrainingSettings.batch, 0, .batch), (\.accumulate, -1, .accumulate), (\.patience, -1, .patience),
            (\.schedule.warmupSteps, -5, .warmup),
        ] as [(WritableKeyPath<TrainingSettings, Int> & Sendable, Int, TrainingSetting.ID)])
    func range(_ setting: WritableKeyPath<TrainingSettings, Int> & Sendable, _ value: Int, _ id: TrainingSetting.ID)
        throws
    {
        var settings = TinyRuns.settings(steps: 1)
        settings[keyPath: setting] = value
        let problem = try #require(settings.problem)
        #expect(problem.setting == id && problem.predicate.contains("\(value)"))
        #expect(problem.description.contains(id.name))
    }

    @Test("A model that cannot be is refused in words", arguments: [(-1, 2, "layers"), (1, 3, "multiple")])
    func impossibleModel(layers: Int, heads: Int, words: String) throws {
        let settings = TinyRuns.settings(steps: 1).with { configuration in
            var options = TransformerOptions()
            (options.layers, options.heads) = (layers, heads)
            configuration = configuration.with(options)
        }
        #expect(try #require(settings.problem).description.contains(words))
    }

    @Test("A dropout that single precision rounds to 1 is refused")
    func dropoutNearOne() throws {
        var settings = TinyRuns.settings(steps: 1)
        settings.dropout = 0.99999999
        #expect(settings.problem?.setting == .dropout)
        settings.dropout = 0.9999
        #expect(settings.problem == nil)
    }

    @Test("Steps of more tokens than can be counted are refused")
    func tokensOverflow() throws {
        var settings = TinyRuns.settings(.bigram, steps: 1)
        (settings.batch, settings.accumulate, settings.sequenceLength) = (1 << 20, 1 << 20, 1 << 24)
        #expect(try #require(settings.problem).description.contains("batch"))
        // A step alone can be counted; as many as a run may have cannot.
        settings.sequenceLength = 1
        #expect(try #require(settings.problem).description.contains("batch"))
    }

    @Test("Numbers that are none are refused, too", arguments: [Double.nan, .infinity, -1, 1e300])
    func numbers(_ value: Double) {
        for setting: WritableKeyPath<TrainingSettings, Double> in [
            \.schedule.peak, \.dropout, \.validation, \.optimizer.weightDecay, \.optimizer.beta1, \.optimizer.beta2,
            \.optimizer.clip,
        ] {
            var settings = TinyRuns.settings(steps: 1)
            settings[keyPath: setting] = value
            #expect(settings.problem != nil)
        }
        var settings = TinyRuns.settings(steps: 1)
        settings.length = .minutes(value)
        #expect(settings.problem != nil)
    }

    @Test("The memory a training takes is foreseen, also where an Int could not count it")
    func memory() throws {
        var settings = ModelPreset.gpt2.settings
        settings.model.vocabularySize = 50_257
        let estimate = MemoryEstimate(settings)
        #expect(abs(estimate.parameters - 124_439_808) < 1)
        #expect(estimate.bytes > 16 * 124e6 && estimate.bytes < 8e9)
        settings = settings.with { ($0.layers, $0.width) = (4096, 1 << 24) }
        #expect(throws: TrainingError.self) { try MemoryEstimate(settings).check() }
        for kind in ModelSpecification.Kind.languageModels where kind.isTrained {
            var settings = DefaultSettings.settings(for: kind)
            settings.model.vocabularySize = 66
            let model = try #require(settings.model.makeNeuralModel(seed: 1))
            #expect(MemoryEstimate(settings).parameters == Double(model.parameterCount))
        }
    }
}
