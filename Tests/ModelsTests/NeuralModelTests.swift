import Models
import Tensors
import TestSupport
import Testing

/// A model of each kind and shape, small enough for double.
struct ModelCase: Sendable, CustomStringConvertible {
    let description: String
    let vocabulary: Int
    let context: Int
    let make: @Sendable () -> (any NeuralLanguageModel, ReferenceModel.Architecture)

    /// Those of the transformers among them.
    static let configurations: [TransformerConfiguration] = all.compactMap { model in
        if case .transformer(let configuration) = model.make().1 { configuration } else { nil }
    }

    static func transformer(_ description: String, _ configuration: TransformerConfiguration) -> ModelCase {
        ModelCase(
            description: description, vocabulary: configuration.vocabularySize, context: configuration.contextLength
        ) { (Transformer(configuration, seed: 1), .transformer(configuration)) }
    }

    static let all: [ModelCase] = [
        transformer(
            "tied, GELU",
            TransformerConfiguration(vocabularySize: 11, contextLength: 9, layers: 2, heads: 2, width: 8)),
        transformer(
            "untied, ReLU, odd sizes",
            TransformerConfiguration(
                vocabularySize: 13, contextLength: 7, layers: 1, heads: 3, width: 15, feedForwardWidth: 17,
                normEpsilon: 1e-3, feedForward: .relu, tiesEmbeddings: false)),
        transformer(
            "three layers, heads of size 1",
            TransformerConfiguration(vocabularySize: 5, contextLength: 30, layers: 3, heads: 3, width: 3)),
        transformer(
            "Llama, grouped queries, untied",
            TransformerConfiguration(
                .llama, vocabularySize: 11, contextLength: 9, layers: 2, heads: 4, width: 8, keyValueHeads: 2,
                headSize: 6, feedForwardWidth: 13, tiesEmbeddings: false)),
        transformer(
            "Qwen3, odd sizes",
            TransformerConfiguration(
                .qwen3, vocabularySize: 13, contextLength: 8, layers: 1, heads: 3, width: 7, keyValueHeads: 1,
                headSize: 4, feedForwardWidth: 17)),
        transformer(
            "Llama with biases and stretched positions",
            TransformerConfiguration(
                vocabularySize: 11, contextLength: 12, layers: 1, heads: 2, width: 8, normalization: .rmsNorm,
                positions: .rotary(
                    RotaryFrequencies(
                        base: 100,
                        scaling: .llama3(
                            factor: 4, lowFrequencyFactor: 0.3, highFrequencyFactor: 1, originalContext: 6))),
                feedForward: .swiglu)),
        transformer(
            "sinusoidal positions, no biases",
            TransformerConfiguration(
                vocabularySize: 9, contextLength: 10, layers: 2, heads: 2, width: 7, headSize: 3,
                positions: .sinusoidal, biases: [])),
        transformer(
            "no positions, RMS norms, ReLU, one key",
            TransformerConfiguration(
                vocabularySize: 9, contextLength: 10, layers: 2, heads: 3, width: 9, keyValueHeads: 1,
                normalization: .rmsNorm, positions: .absent, feedForward: .relu, biases: .attentionInput)),
        transformer(
            "linear biases for positions, grouped heads",
            TransformerConfiguration(
                vocabularySize: 9, contextLength: 10, layers: 2, heads: 4, width: 12, keyValueHeads: 2,
                positions: .linearBiases, feedForward: .swiglu, biases: [])),
        transformer(
            "learned positions, a gate, queries and keys normalised",
            TransformerConfiguration(
                vocabularySize: 9, contextLength: 10, layers: 1, heads: 2, width: 10, feedForward: .swiglu,
                usesQKNorm: true)),
        ModelCase(description: "one head of attention", vocabulary: 9, context: 8) {
            (AttentionModel(.init(vocabularySize: 9, contextLength: 8, width: 10), seed: 1), .attention)
        },
        ModelCase(description: "bigram", vocabulary: 7, context: 8) {
            (BigramModel(vocabularySize: 7, seed: 1), .bigram)
        },
    ]

    /// The model with weights far from 0, and the same in double.
    func models() -> (any NeuralLanguageModel, ReferenceModel) {
        let (model, architecture) = make()
        model.roughen()
        return (model, ReferenceModel(architecture, of: model))
    }
}

@Suite("Neural language models")
struct NeuralModelTests {
    @Test("Logits and loss agree with the reference", arguments: ModelCase.all, InstructionSet.available)
    func forward(model: ModelCase, set: InstructionSet) {
        let (model, reference) = model.models()
        for (B, T) in [(1, 1), (2, 3), (3, min(7, model.contextLength ?? 7))] {
            let tokens = someTokens(batch: B, length: T, vocabulary: model.vocabularySize)
            let targets = someTokens(batch: B, length: T, vocabulary: model.vocabularySize, seed: 8).ids
            onOneThread(set) {
                let logits = model.logits(tokens)
                #expect(logits.shape == [B, T, model.vocabularySize])
                #expect(largestError(logits.values.map(Double.init), reference.logits(tokens).elements) < 1e-5)
                let expected = reference.loss(tokens, targets: targets)
                #expect(abs(model.loss(tokens, targets: targets) - expected) < 1e-5 * max(1, expected))
            }
        }
    }

    @Test(
        "Gradients of the whole model agree with finite differences", arguments: ModelCase.all, [nil, 0.2] as [Float?])
    func gradients(model: ModelCase, dropout: Float?) throws {
        let B = 3, T = min(6, model.context), scale: Float = 0.25
        var (model, reference) = model.models()
        reference.dropout = dropout.map { ($0, 99) }
        let tokens = someTokens(batch: B, length: T, vocabulary: model.vocabularySize)
        var targets = someTokens(batch: B, length: T, vocabulary: model.vocabularySize, seed: 8).ids
        targets[2] = -1
        let total = model.loss(tokens, targets: targets, gradientScale: scale, dropout: reference.dropout)
        let expected = reference.loss(tokens, targets: targets)
        #expect(abs(total - expected) < 1e-5 * expected)

        var random = Philox(3)
        for named in model.parameters {
            let gradient = try #require(named.parameter.gradient).values.map(Double.init)
            let typical = rootMeanSquare(gradient)
            // A few elements, and a random direction that has part of all.
            var directions = (0..<4).map { _ in
                let chosen = Int.random(in: 0..<gradient.count, using: &random)
                return gradient.indices.map { $0 == chosen ? 1.0 : 0 }
            }
            directions.append(gradient.indices.map { _ in random.next() & 1 == 0 ? 1 : -1 })
            for direction in directions {
                func lossAt(_ distance: Double) -> Double {
                    var moved = reference
                    for i in gradient.indices {
                        moved.parameters[named.name]?.elements[i] += distance * direction[i]
                    }
                    return moved.loss(tokens, targets: targets)
                }
                let derivative = Double(scale) * (lossAt(1e-5) - lossAt(-1e-5)) / 2e-5
                let actual = zip(gradient, direction).reduce(0.0) { $0 + $1.0 * $1.1 }
                let size = direction.reduce(0) { $0 + abs($1) }
                #expect(
                    abs(actual - derivative) <= 2e-5 * (abs(derivative) + typical * size.squareRoot()) + 1e-6,
                    "\(named.name)")
            }
        }
    }

    @Test("The number of threads changes no bit", arguments: InstructionSet.available)
    func threads(set: InstructionSet) {
        // Large enough for the kernels to share the work.
        let configuration = TransformerConfiguration(
            vocabularySize: 257, contextLength: 33, layers: 2, heads: 5, width: 40)
        func run(_ threads: Int) -> (Double, [[Float]?]) {
            let model = Transformer(configuration, seed: 2)
            let tokens = someTokens(batch: 3, length: 33, vocabulary: 257)
            return Execution.$current.withValue(Execution(instructionSet: set, threads: threads)) {
                let loss = model.loss(tokens, targets: tokens.ids, gradientScale: 0.01, dropout: (0.1, 5))
                return (loss, model.parameters.map { $0.parameter.gradient?.values })
            }
        }
        let one = run(1)
        #expect(one.1.allSatisfy { $0 != nil })
        for threads in 2...4 { #expect(run(threads) == one) }
    }

    @Test("Gradients of micro-batches add up to those of the batch", arguments: ModelCase.all)
    func microBatches(model: ModelCase) throws {
        let T = min(5, model.context), (model, _) = model.models()
        let tokens = someTokens(batch: 4, length: T, vocabulary: model.vocabularySize)
        let targets = someTokens(batch: 4, length: T, vocabulary: model.vocabularySize, seed: 8).ids
        let whole = model.loss(tokens, targets: targets, gradientScale: 0.1)
        let expected = try model.parameters.map { try #require($0.parameter.gradient).values.map(Double.init) }
        for named in model.parameters { named.parameter.gradient = nil }
        var total = 0.0
        for rows in [0..<1, 1..<4] {
            let these = rows.lowerBound * T..<rows.upperBound * T
            let part = TokenBatch(batch: rows.count, length: T, ids: Array(tokens.ids[these]))
            total += model.loss(part, targets: Array(targets[these]), gradientScale: 0.1)
        }
        #expect(abs(total - whole) < 1e-4)
        for (named, expected) in zip(model.parameters, expected) {
            let gradient = try #require(named.parameter.gradient).values.map(Double.init)
            // The bias of the keys has no effect on softmax: its gradient is 0 but for rounding.
            #expect(largestError(gradient, expected) < 1e-5 || rootMeanSquare(expected) < 1e-6, "\(named.name)")
        }
    }

    @Test("A change of a token changes no logits before it", arguments: ModelCase.all)
    func causality(model: ModelCase) {
        let T = min(7, model.context), V = model.vocabulary, (model, _) = model.models()
        let tokens = someTokens(batch: 1, length: T, vocabulary: V)
        let before = model.logits(tokens).values
        for changed in 1..<T {
            var ids = tokens.ids
            ids[changed] = (ids[changed] + 1) % Int32(V)
            let after = model.logits(TokenBatch(ids)).values
            #expect(after[..<(changed * V)] == before[..<(changed * V)])
            #expect(after[(changed * V)...] != before[(changed * V)...])
        }
    }

    @Test("Evaluation is the sum of the losses of windows", arguments: ModelCase.all, [0, 1, 2, 9, 40])
    func evaluation(model: ModelCase, count: Int) {
        let (model, reference) = model.models(), V = model.vocabularySize, length = model.contextLength ?? 256
        let tokens = someTokens(batch: 1, length: count, vocabulary: V).ids
        let result = model.evaluate(tokens)
        #expect(result.count == max(0, count - 1))
        var expected = 0.0
        for start in stride(from: 0, to: max(0, count - 1), by: length) {
            let end = min(start + length, count - 1)
            expected += reference.loss(TokenBatch(Array(tokens[start..<end])), targets: Array(tokens[start + 1...end]))
        }
        #expect(abs(result.total - expected) < 1e-4)
        #expect(model.evaluate(tokens, after: [], windows: nil, shouldStop: { count > 1 }) == nil || count <= 1)
        #expect(model.parameters.allSatisfy { $0.parameter.gradient == nil }, "an evaluation leaves no gradients")
    }

    @Test("A small transformer learns a text by heart")
    func learns() {
        let text = Array("to be, or not to be, that is the question".utf8).map { Int32($0 - 32) }
        let model = Transformer(
            TransformerConfiguration(vocabularySize: 96, contextLength: 40, layers: 1, heads: 2, width: 32), seed: 3)
        let tokens = TokenBatch(Array(text.dropLast())), targets = Array(text.dropFirst())
        let moments = model.parameters.map { (Tensor($0.parameter.value.shape), Tensor($0.parameter.value.shape)) }
        let start = model.loss(tokens, targets: targets) / Double(targets.count)
        #expect(abs(start - 4.564) < 0.1, "new weights predict nothing: log 96")
        for step in 1...60 {
            model.loss(tokens, targets: targets, gradientScale: 1 / Float(targets.count))
            let update = AdamWUpdate(
                learningRate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, step: step,
                gradientScale: 1)
            for (named, moments) in zip(model.parameters, moments) {
                guard let gradient = named.parameter.gradient else { continue }
                update.apply(named.parameter, gradient: gradient, moment1: moments.0, moment2: moments.1)
                named.parameter.gradient = nil
            }
        }
        #expect(model.loss(tokens, targets: targets) / Double(targets.count) < 0.1)
    }
}
