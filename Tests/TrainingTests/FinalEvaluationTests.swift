import Corpus
import Models
import Tensors
import TestSupport
import Testing
import Tokenizers
import Training

/// The last evaluation of a training, which may be of a part of a long text.
@Suite("The last evaluation")
struct FinalEvaluationTests {
    /// A text with some 4,800 windows of 8 characters to validate on, no two alike.
    static let text: NamedText = {
        var generator = SeededGenerator(seed: 3)
        let words = (0..<16_000).map { _ in
            ["the cat", "sat on", "the mat", "a rat"].randomElement(using: &generator) ?? ""
        }
        return NamedText(name: "long", text: words.joined(separator: " ") + ".\n")
    }()

    static let tokenizer = CharacterTokenizer(alphabetOf: [text.text])

    private func trainer(
        _ final: FinalEvaluation, _ kind: ModelSpecification.Kind = .gpt, steps: Int = 6,
        store: any TrainingStore = MemoryStore()
    ) throws -> Trainer<NextTokenTask> {
        var settings = TinyRuns.settings(kind, steps: steps)
        settings.validation = 0.4
        settings.evaluateEvery = 2
        settings.finalEvaluation = final
        let model = try #require(
            settings.model.makeNeuralModel(seed: settings.seed))
        let data = try TokenDataset([Self.text], tokenizer: Self.tokenizer, validation: 0.4, contextLength: 8)
        return try Trainer(model, data: data, settings: settings, store: store)
    }

    @Test(
        "It scores as many windows as were asked for, evenly spaced, with a standard error",
        arguments: [ModelSpecification.Kind.gpt, .bigram])
    func sample(_ kind: ModelSpecification.Kind) throws {
        let all = try trainer(.all, kind), some = try trainer(.windows(2_000), kind)
        var announced: [Int] = []
        for trainer in [all, some] {
            _ = try trainer.run(report: { event in
                if case .finalEvaluation(let windows, _) = event { announced.append(windows) }
            })
        }
        let whole = try #require(all.progress.final), part = try #require(some.progress.final)
        #expect(whole.isComplete && whole.standardError == nil && whole.windows == whole.allWindows)
        #expect(part.windows == 2_000 && part.allWindows == whole.allWindows && whole.allWindows > 4_000)
        #expect(announced == [whole.allWindows, 2_000])
        let validation = all.data.documents[0].validation
        #expect(abs(whole.value - all.model.evaluate(validation).loss) < 1e-6)
        // The sample is an estimate, as good as it says.
        let error = try #require(part.standardError)
        #expect(error > 0 && error < 0.05)
        #expect(part.value != whole.value && abs(part.value - whole.value) < 5 * error)
    }

    @Test("What it scores follows from the settings and not from the clock, and so does the best model")
    func repeatable() throws {
        func train() throws -> Trainer<NextTokenTask> {
            let trainer = try trainer(.windows(50), steps: 12)
            _ = try trainer.run()
            return trainer
        }
        let one = try train(), other = try train()
        #expect(one.progress.final == other.progress.final && one.bits == other.bits)
        #expect(one.bestStep == other.bestStep)
    }

    @Test("By default a text of a moment is scored whole, and a text of a hundred megabytes in part")
    func affordable() throws {
        let trainer = try trainer(.affordable)
        _ = try trainer.run()
        #expect(try #require(trainer.progress.final).isComplete)

        // 10 million tokens of validation, of which a model of default size scores some seconds' worth after a few steps.
        let tokens = [Int32](repeating: 0, count: 10_000_000).enumerated().map { Int32($0.offset % 5) }
        let path = TemporaryDirectory()
        try path.write(tokens.flatMap { [UInt8($0), 0] }, to: "long.bin")
        let text = try TextSource.read([path.file("long.bin")])
        var settings = TinyRuns.settings(.bigram, steps: 2)
        settings.setContext(64)
        settings.validation = 0.99
        let data = try TokenDataset(text, tokenizer: Self.tokenizer, validation: 0.99, contextLength: 64)
        let model = try #require(
            settings.model.makeNeuralModel(seed: 1))
        let long = try Trainer(model, data: data, settings: settings)
        _ = try long.run()
        let final = try #require(long.progress.final)
        #expect(final.windows < final.allWindows && final.standardError != nil)
    }

    @Test(
        "The evaluations of a run score at most three tenths of its training tokens, or as many as five seconds allow",
        arguments: [20, 400, 7_000])
    func share(_ steps: Int) throws {
        var settings = DefaultSettings.settings(for: ModelSpecification.Kind.gpt)
        settings.length = .steps(steps)
        settings.model.vocabularySize = 65
        let length = settings.sequenceLength, trained = steps * settings.tokensPerStep
        let interval = min(250, steps / 20)
        settings.evaluateEvery = interval
        let along = Evaluator.affordableWindows(trainedTokens: interval * settings.tokensPerStep, length: length)
        let final = FinalEvaluation.affordable.limit(trainedTokens: trained, length: length, model: settings.model)
        // A forward pass is a third of a step, so three tenths of the tokens are a tenth of the training.
        let scored = (steps / interval * along + 2 * final) * length
        let quick = FinalEvaluation.seconds * FinalEvaluation.assumedRate / settings.model.scoringFlops(length: length)
        #expect(Double(scored) <= 0.3 * Double(trained) + quick)
        #expect(final > 1 && FinalEvaluation.all.limit(trainedTokens: 1, length: length, model: settings.model) == .max)
        #expect(
            FinalEvaluation.windows(7).limit(trainedTokens: trained, length: length, model: settings.model) == 7)
    }

    @Test("A baseline is counted from as many tokens as a tenth of the training takes, at least a million")
    func countedTokens() throws {
        var settings = DefaultSettings.settings(for: ModelSpecification.Kind.gpt)
        settings.model.vocabularySize = 65
        let counts = [1_000, 1_000_000, 1_000_000_000].map {
            NGramBaseline.affordableTokens(settings, trainedTokens: $0)
        }
        #expect(counts[0] == 1 << 20 && counts[2] == 10_000_000 && counts[1] > counts[0] && counts[1] < counts[2])
        let data = try TokenDataset([Self.text], tokenizer: Self.tokenizer, validation: 0.4, contextLength: 8)
        let V = Self.tokenizer.vocabularySize
        let part = try #require(try NGramBaseline.run(data, order: 3, vocabularySize: V, counting: 100, length: 8))
        let alone = try NGramModel(
            order: 3, vocabularySize: V, documents: [Array(data.documents[0].training.prefix(100))])
        #expect(part.model.ngramCounts == alone.ngramCounts)
    }

    @Test("Stopped while it writes a sample, a run goes on as if it had not been")
    func stoppedInASample() throws {
        let directory = TemporaryDirectory()
        var settings = TinyRuns.settings(steps: 24)
        settings.evaluateEvery = 2
        // So fast that the best model is not the last.
        settings.schedule = LearningRateSchedule(peak: 0.3, warmupSteps: 0, shape: .constant)
        let whole = try TinyRuns.run(settings, in: directory.file("whole"))
        _ = try whole.run()
        // A countdown of calls after step 8, or at the end, some of which are between the tokens of a sample.
        for (step, calls) in [(8, 3), (8, 50), (8, 150), (24, 8), (24, 60), (24, 300)] {
            let path = directory.file("partial-\(step)-\(calls)")
            do {
                let partial = try TinyRuns.run(settings, in: path)
                var countdown: Countdown?
                let end = try partial.run(shouldStop: { countdown?.isOver() ?? false }) { event in
                    if case .step(step, _, _) = event { countdown = Countdown(calls) }
                }
                #expect(end == .stopped && partial.progress.step == step)
            }
            let run = try SavedRun(path)
            let resumed = try #require(
                try run.resume([TinyRuns.text], origin: run.origin, settings: run.settings).trainer)
            _ = try resumed.run()
            #expect(resumed.bits == whole.bits && resumed.samples == whole.samples)
            #expect(resumed.progress.final == whole.progress.final && resumed.bestStep == whole.bestStep)
        }
    }

    @Test("Counting is measured on the windows that a trained model is measured on")
    func counting() throws {
        let data = try TokenDataset([Self.text], tokenizer: Self.tokenizer, validation: 0.4, contextLength: 8)
        let V = Self.tokenizer.vocabularySize
        let (model, whole) = try #require(try NGramBaseline.run(data, order: 4, vocabularySize: V, length: 8))
        #expect(whole.isComplete && whole.standardError == nil)
        let (_, part) = try #require(try NGramBaseline.run(data, order: 4, vocabularySize: V, atMost: 1_000, length: 8))
        #expect(part.windows == 1_000 && part.allWindows == whole.allWindows)
        let validation = data.documents[0].validation
        let before = data.documents[0].training + validation
        let chosen = EvaluationWindows(tokenCount: validation.count, length: 8, atMost: 1_000).chosen
        var total = 0.0, count = 0
        for window in chosen {
            for target in window * 8 + 1..<min(window * 8 + 9, validation.count) {
                let place = data.documents[0].training.count + target
                total -= model.logProbability(of: before[place], after: before[..<place])
                count += 1
            }
        }
        #expect(abs(part.value - total / Double(count)) < 1e-9)
        #expect(abs(part.value - whole.value) < 6 * (try #require(part.standardError)))
        #expect(try NGramBaseline.run(data, order: 4, vocabularySize: V, shouldStop: { true }) == nil)
    }

    @Test("Models that are compared are scored on equally many tokens")
    func alike() {
        var settings = [ModelSpecification.Kind.ngram, .bigram, .attention, .gpt].map {
            TinyRuns.settings($0, steps: 10)
        }
        settings[3].setContext(32)
        let alike = TrainingSettings.measuredAlike(
            settings.map { settings in
                var settings = settings
                settings.model.vocabularySize = 50_000
                return settings
            })
        let tokens = alike.map { ($0.finalEvaluation.count ?? 0) * $0.sequenceLength }
        #expect(tokens.allSatisfy { $0 > 0 && abs($0 - tokens[0]) < 32 }, "\(tokens)")
        #expect(alike[0].sequenceLength == 32)
    }

    @Test("What is recorded of it is read again")
    func record() throws {
        var progress = TrainingProgress()
        progress.final = ValidationResult(value: 1.5, windows: 20, allWindows: 300, standardError: 0.01)
        #expect(try TrainingProgress(progress.json) == progress)
        for final in [FinalEvaluation.all, .affordable, .windows(7)] {
            var settings = TinyRuns.settings(steps: 3)
            settings.finalEvaluation = final
            #expect(try TrainingSettings(settings.json, model: settings.model) == settings)
            // Without the model it is that of the sizes that are recorded.
            settings.model.vocabularySize = ModelSpecification.unknownVocabularySize
            #expect(try TrainingSettings(settings.json) == settings)
        }
    }

    @Test("A number that is none has no sign")
    func nan() {
        for value in [Double.nan, -Double.nan] {
            let error = TrainingError.notFinite(what: "loss", value: value, step: 3)
            #expect("\(error)".contains("is nan:"), "\(error)")
        }
        #expect("\(TrainingError.notFinite(what: "loss", value: -.infinity, step: 3))".contains("is -inf:"))
    }
}
