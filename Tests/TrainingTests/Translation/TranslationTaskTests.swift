import Corpus
import Inference
import Layers
import Models
import TestSupport
import Testing
import Tokenizers
import Training

@Suite struct TranslationTaskTests {
    private static func model(seed: UInt64 = 2) throws -> EncoderDecoder {
        let tokenizer = try Reversals.makeTokenizer(), end = try Reversals.end(of: tokenizer)
        return EncoderDecoder(
            EncoderDecoderConfiguration(
                vocabularySize: tokenizer.vocabularySize, contextLength: 8, width: 32,
                encoder: .init(layers: 1, heads: 2, feedForwardWidth: 64),
                decoder: .init(layers: 1, heads: 2, feedForwardWidth: 64), startToken: end - 1, endToken: end,
                paddingToken: end - 1), seed: seed)
    }

    private static func settings(
        batch: Int = 7, accumulate: Int = 1, steps: Int = 10, dropout: Double = 0, smoothing: Double = 0
    ) throws -> TrainingSettings {
        var settings = TrainingSettings(
            model: .encoderDecoder(try model().configuration), length: .steps(steps), batch: batch,
            accumulate: accumulate,
            schedule: LearningRateSchedule(peak: 5e-3, warmupSteps: 2), dropout: dropout, precision: .float32, seed: 4)
        settings.labelSmoothing = smoothing
        return settings
    }

    private static func task(
        batch: Int = 7, accumulate: Int = 1, smoothing: Double = 0, samples: Bool = false
    ) throws -> TranslationTask {
        try TranslationTask(
            model(), data: Reversals.data(),
            settings: settings(batch: batch, accumulate: accumulate, smoothing: smoothing),
            tokenizer: samples ? Reversals.makeTokenizer() : nil)
    }

    /// The mean loss of a step, whose gradients are left in the model.
    private static func loss(_ task: TranslationTask, step: Int, accumulate: Int) -> Double {
        let count = task.targetCount(step: step)
        return (0..<accumulate).reduce(0) { total, microBatch in
            total
                + task.microBatch(MicroBatchIndex(step: step, microBatch: microBatch)).loss(1 / Float(count), nil)
        } / Double(count)
    }

    private static func gradients(_ task: TranslationTask) -> [[Float]] {
        task.model.parameters.compactMap { $0.parameter.gradient?.values }
    }

    @Test("One pass draws every pair once, in batches of similar sizes and lengths", arguments: [1, 7, 16, 48, 1000])
    func passes(batch: Int) throws {
        let data = try Reversals.data(), n = data.training.count
        var batches = PairBatches(data.training.map(\.count), size: batch, seed: 4)
        #expect(batches.countPerPass == (n + batch - 1) / batch)
        for pass in 0..<3 {
            let drawn = (0..<batches.countPerPass).map { batches[pass * batches.countPerPass + $0] }
            #expect(drawn.flatMap { $0 }.sorted() == Array(0..<n))
            let sizes = drawn.map(\.count)
            #expect((sizes.max() ?? 0) <= batch && (sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
            // All batches here are of one pool: sorted by their shortest pair they do not overlap.
            let ranges = drawn.map { batch in batch.map { data.training[$0].count } }
            if drawn.count <= 16 {
                let sorted = ranges.sorted { ($0.max() ?? 0, $0.min() ?? 0) < ($1.max() ?? 0, $1.min() ?? 0) }
                #expect(zip(sorted, sorted.dropFirst()).allSatisfy { ($0.max() ?? 0) <= ($1.min() ?? 0) })
            }
        }
        var again = PairBatches(data.training.map(\.count), size: batch, seed: 4)
        let number = batches.countPerPass + 1
        #expect(again[number] == batches[number])
        var other = PairBatches(data.training.map(\.count), size: batch, seed: 5)
        if batch < n { #expect((0..<number).map { other[$0] } != (0..<number).map { batches[$0] }) }
    }

    @Test("The targets of a step are counted exactly, and the tokens of a step on average")
    func counts() throws {
        let task = try Self.task(batch: 16, accumulate: 3)
        // 48 pairs: a step of three batches is a pass.
        #expect(task.data.training.count == 48)
        let targets = task.data.training.reduce(0) { $0 + $1.target.count }
        for step in 0..<3 { #expect(task.targetCount(step: step) == targets) }
        #expect(task.tokensPerStep == 48 * task.data.meanLength)
        #expect(try Self.task(batch: 1000).tokensPerStep == 48 * task.data.meanLength)
    }

    @Test("The gradients of micro-batches add up to those of the whole step", arguments: [0, 0.1])
    func accumulation(smoothing: Double) throws {
        let parts = try Self.task(batch: 16, accumulate: 3, smoothing: smoothing)
        let whole = try Self.task(batch: 48, smoothing: smoothing)
        let losses = (Self.loss(parts, step: 0, accumulate: 3), Self.loss(whole, step: 0, accumulate: 1))
        #expect(abs(losses.0 - losses.1) < 1e-5)
        for (first, second) in zip(Self.gradients(parts), Self.gradients(whole)) {
            #expect(zip(first, second).allSatisfy { abs($0 - $1) < 1e-5 })
        }
    }

    @Test("The loss is that of each pair alone, and smoothing is no part of the validation loss")
    func alone() throws {
        let task = try Self.task(batch: 48, smoothing: 0.2), model = task.encoderDecoder
        func loss(_ examples: [PairDataset.Example], smoothing: Float) -> Double {
            let total = examples.reduce(0.0) { total, example in
                total
                    + model.loss(
                        .init(example.source), .init([model.configuration.startToken] + example.target.dropLast()),
                        labels: example.target, smoothing: smoothing)
            }
            return total / Double(examples.reduce(0) { $0 + $1.target.count })
        }
        let expected = loss(task.data.training, smoothing: 0.2)
        #expect(abs(Self.loss(task, step: 0, accumulate: 1) - expected) < 1e-5)
        let validation = try #require(task.validate(atMost: .max) { false })
        #expect(validation.windows == task.validationSize && task.validationSize == task.data.validation.count)
        #expect(abs(validation.value - loss(task.data.validation, smoothing: 0)) < 1e-5)
        let part = try #require(task.validate(atMost: 3) { false })
        #expect(part.windows == 3 && part.allWindows == task.validationSize && part.value != validation.value)
        #expect(task.validate(atMost: .max) { true } == nil)
    }

    @Test("A training learns to reverse words, and says so in samples and scores")
    func training() throws {
        let data = try Reversals.data(), tokenizer = try Reversals.makeTokenizer(), model = try Self.model()
        let settings = try Self.settings(batch: 16, steps: 200, smoothing: 0.05)
        let task = TranslationTask(model, data: data, settings: settings, tokenizer: tokenizer)
        let before = try TranslationEvaluation(Translator(model, tokenizer: tokenizer), on: data)
        let trainer = try Trainer(task, settings: settings)
        var samples: [String] = []
        _ = try trainer.run(report: { if case .sample(_, let text) = $0 { samples.append(text) } })
        var progress: [Double] = []
        let after = try TranslationEvaluation(Translator(model, tokenizer: tokenizer), on: data) { progress.append($0) }
        #expect(after.loss < before.loss / 2 && after.score.exactMatches > before.score.exactMatches)
        #expect(after.score.chrF.score > before.score.chrF.score && progress.last == 1)
        let value = try #require(trainer.progress.final?.value)
        #expect(abs(after.loss - value) < 1e-5)
        #expect(after.targetTokens == data.validation.reduce(0) { $0 + $1.target.count })
        let sample = try #require(samples.last)
        #expect(sample.hasPrefix("source:      \(data.validationTexts[0].source)\ntranslation: "))
        #expect(sample.contains("\nreference:   \(data.validationTexts[0].target)"))
        // The same from the texts.
        let pairs = TextPairs(name: "validation", data.validationTexts)
        #expect(try TranslationEvaluation(Translator(model, tokenizer: tokenizer), on: pairs) == after)
        #expect(after.table.map { $0[0] } == ["loss", "BLEU", "chrF", "exact matches"])
        #expect(after.json["exact_match"]?.doubleValue == after.score.exactMatch)
        #expect(["loss", "bleu", "chrf", "exact_match"].allSatisfy { after.json[$0]?.doubleValue?.isFinite == true })
    }

    @Test("Texts that cannot be translated are named")
    func evaluationRefusals() throws {
        let translator = try Translator(Self.model(), tokenizer: Reversals.makeTokenizer())
        for (source, target, words) in [
            ("abcdeabcde", "a", "the source of pair 2: the text has 11 tokens, more than the 8"),
            ("a", "abcdeabcde", "the target of pair 2: the text has 11 tokens"),
            ("az", "a", "the source of pair 2: the character 'z'"),
        ] {
            let pairs = TextPairs(
                name: "pairs", [.init(source: "a", target: "a"), .init(source: source, target: target)])
            let error = #expect(throws: TrainingError.self) { try TranslationEvaluation(translator, on: pairs) }
            #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        }
    }
}
