import Models
import Tensors
import TestSupport
import Testing

@Suite("Encoder")
struct EncoderTests {
    private static let classifier = EncoderConfiguration(
        vocabularySize: 31, contextLength: 12, layers: 2, heads: 2, width: 8,
        head: .classifier(labels: ["no", "yes", "maybe"]))

    private static func masked() -> EncoderConfiguration {
        var configuration = classifier
        configuration.head = .maskedTokens
        return configuration
    }

    private static let sequences: [[Int32]] = [[1, 5, 7, 2], [1, 2], [1, 9, 9, 30, 4, 11, 3, 8, 25, 2], [1, 6, 2]]

    @Test(
        "Parameters are as many as the configuration says, with Hugging Face's names",
        arguments: [
            (EncoderConfiguration.Head.classifier(labels: ["a", "b"]), "classifier.bias", "bert.pooler.dense.weight"),
            (.maskedTokens, "cls.predictions.transform.LayerNorm.bias", "cls.predictions.bias"),
            (.none(hasPooler: true), "pooler.dense.bias", "encoder.layer.1.attention.self.query.weight"),
            (.none(hasPooler: false), "encoder.layer.1.output.LayerNorm.bias", "embeddings.LayerNorm.weight"),
        ])
    func parameters(head: EncoderConfiguration.Head, last: String, other: String) {
        var configuration = Self.classifier
        configuration.head = head
        let model = Encoder(configuration, seed: 1)
        #expect(model.parameterCount == ModelSpecification.encoder(configuration).parameterCount)
        #expect(model.parameters.last?.name == last)
        #expect(model.parameters.contains { $0.name == other })
        #expect(Set(model.parameters.map(\.name)).count == model.parameters.count)
    }

    @Test(
        "What is computed for a sequence does not depend on the others of its batch, to the last bit",
        arguments: [1, 2])
    func rowsAreIndependent(threads: Int) {
        onThreads(threads) {
            let model = Encoder(Self.classifier, seed: 3)
            let together = model.classify(TokenBatch(Self.sequences)).values
            for (row, sequence) in Self.sequences.enumerated() {
                #expect(model.classify(TokenBatch([sequence])).values == Array(together[row * 3..<row * 3 + 3]))
            }
            var changed = Self.sequences
            changed[2][4] = 17
            let others = model.classify(TokenBatch(changed)).values
            #expect(others[..<6] == together[..<6])
            #expect(others[9...] == together[9...])
            #expect(others[6..<9] != together[6..<9])
        }
    }

    @Test("Sequences of the same length have the same results with and without lengths")
    func equalLengths() {
        let model = Encoder(Self.classifier, seed: 3)
        let rows: [[Int32]] = [[1, 5, 7, 2], [1, 8, 8, 2], [1, 30, 0, 2]]
        let plain = TokenBatch(batch: 3, length: 4, ids: Array(rows.joined()))
        #expect(model.classify(plain).values == model.classify(TokenBatch(rows)).values)
        #expect(model.hiddenVectors(plain).shape == [3, 4, 8])
        #expect(model.hiddenVectors(TokenBatch(rows)).shape == [1, 12, 8])
    }

    @Test("Every position attends to all others: without positions, an encoder is a bag of words")
    func bagOfWords() {
        let model = Encoder(Self.classifier, seed: 4)
        // Larger than at the start of training, where words and positions hardly matter.
        for parameter in model.parameters.map(\.parameter) where parameter.value.shape.rank == 2 {
            parameter.load(parameter.value.values.map { 10 * $0 })
        }
        let words: [Int32] = [1, 5, 7, 9, 2], shuffled: [Int32] = [1, 9, 2, 7, 5]
        func logits(_ ids: [Int32]) -> [Float] { model.classify(TokenBatch([ids])).values }
        #expect(zip(logits(words), logits(shuffled)).contains { abs($0 - $1) > 1e-4 })
        model.positionEmbedding.load([Float](repeating: 0, count: model.positionEmbedding.value.count))
        #expect(zip(logits(words), logits(shuffled)).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    @Test("Token types change the result")
    func types() {
        let model = Encoder(Self.classifier, seed: 3)
        let tokens = TokenBatch([[1, 5, 7, 2]])
        let zeros = model.classify(tokens, types: [0, 0, 0, 0]).values
        #expect(model.classify(tokens).values == zeros)
        #expect(model.classify(tokens, types: [0, 0, 1, 1]).values != zeros)
    }

    @Test("A classifier learns to tell sequences apart")
    func learns() {
        let model = Encoder(Self.classifier, seed: 5)
        let labels: [Int32] = [0, 1, 2, 1]
        let before = model.loss(TokenBatch(Self.sequences), labels: labels) / 4
        for _ in 0..<400 {
            model.descend(0.5) { $0.loss(TokenBatch(Self.sequences), labels: labels, gradientScale: 0.25) }
        }
        let after = model.loss(TokenBatch(Self.sequences), labels: labels) / 4
        #expect(abs(before - 1.1) < 0.2)
        #expect(after < before / 2)
    }

    @Test("A masked language model learns the tokens at the masked positions, and ignores the others")
    func learnsMasked() {
        let model = Encoder(Self.masked(), seed: 5)
        let tokens = TokenBatch(Self.sequences), rows: [Int32] = [1, 8, 14], targets: [Int32] = [20, 21, 22]
        for _ in 0..<60 {
            model.descend(0.2) { $0.loss(tokens, rows: rows, targets: targets, gradientScale: 1 / 3) }
        }
        let logits = model.predict(tokens, rows: rows).values
        for (i, target) in targets.enumerated() {
            let row = logits[i * 31..<(i + 1) * 31]
            #expect(row.firstIndex(of: row.max() ?? 0) == i * 31 + Int(target))
        }
    }

    @Test("The gradients of a batch are the same bits on any number of threads")
    func gradients() {
        func gradients(_ threads: Int) -> [[Float]] {
            onThreads(threads) {
                let model = Encoder(Self.classifier, seed: 6)
                model.loss(
                    TokenBatch(Self.sequences), labels: [0, 1, 2, 1], gradientScale: 0.25, dropout: (0.1, 7))
                return model.parameters.map { $0.parameter.gradient?.values ?? [] }
            }
        }
        let one = gradients(1)
        #expect(one.allSatisfy { !$0.isEmpty })
        #expect(one.elementsEqual(gradients(2)))
    }

    @Test("An impossible configuration is described in a sentence")
    func problems() throws {
        #expect(Self.classifier.problem == nil)
        let changes: [(word: String, change: (inout EncoderConfiguration) -> Void)] = [
            ("width", { $0.heads = 3 }), ("labels", { $0.head = .classifier(labels: ["a"]) }),
            ("same name", { $0.head = .classifier(labels: ["a", "a"]) }), ("gate", { $0.feedForward = .swiglu }),
            ("layers", { $0.layers = 0 }), ("epsilon", { $0.normEpsilon = 0 }),
        ]
        for (word, change) in changes {
            var configuration = Self.classifier
            change(&configuration)
            #expect(try #require(configuration.problem).contains(word))
        }
    }
}

extension TrainableModel {
    /// A step of gradient descent without moments.
    func descend(_ rate: Float, _ loss: (Self) -> Double) {
        _ = loss(self)
        for parameter in parameters.map(\.parameter) {
            guard let gradient = parameter.gradient else { continue }
            parameter.load(zip(parameter.value.values, gradient.values).map { $0 - rate * $1 })
            parameter.gradient = nil
        }
    }
}
