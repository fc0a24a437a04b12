import Models
import Synchronization
import Tensors
import TestSupport
import Testing

@Suite("Decoding with a cache")
struct DecodingTests {
    /// The tokens arrive in pieces; after each, the logits must be those of the last position of all so far.
    static let pieces: [[Int]] = [[1, 1, 1, 1, 1, 1, 1], [7], [4, 1, 1, 1], [1, 3, 2, 1], [2, 5]]

    @Test("Cached logits agree with uncached", arguments: ModelCase.all, pieces)
    func cached(model: ModelCase, pieces: [Int]) {
        let context = model.context, (model, _) = model.models(), V = model.vocabularySize
        for B in [1, 3] {
            for set in InstructionSet.available {
                onOneThread(set) {
                    let length = min(context, pieces.reduce(0, +))
                    let all = someTokens(batch: B, length: length, vocabulary: V)
                    let sessions = (0..<B).map { _ in model.startDecoding() }
                    for _ in 0..<2 {
                        check(sessions, model, all, pieces)
                        for session in sessions {
                            session.clear()
                            #expect(session.length == 0)
                        }
                    }
                }
            }
        }
    }

    private func check(
        _ sessions: [any DecodingSession], _ model: any NeuralLanguageModel, _ all: TokenBatch, _ pieces: [Int]
    ) {
        let V = model.vocabularySize, B = all.batch
        func part(_ range: Range<Int>) -> TokenBatch {
            let ids = (0..<B).flatMap {
                all.ids[$0 * all.length + range.lowerBound..<$0 * all.length + range.upperBound]
            }
            return TokenBatch(batch: B, length: range.count, ids: ids)
        }
        for piece in pieces where sessions[0].length + piece <= all.length {
            let length = sessions[0].length + piece, new = part(sessions[0].length..<length)
            let logits =
                piece == 1
                ? model.append(new.ids, to: sessions)
                : Tensor([B, V], sessions.enumerated().flatMap { $1.append(Array(new.ids[new.rows(of: $0)])).values })
            #expect(sessions.allSatisfy { $0.length == length })
            #expect(logits.shape == [B, V])
            let whole = model.logits(part(0..<length)).values
            for b in 0..<B {
                let last = whole[((b + 1) * length - 1) * V..<(b + 1) * length * V]
                let difference = zip(logits.values[b * V..<(b + 1) * V], last).map { abs($0 - $1) }.max() ?? .infinity
                #expect(difference < 1e-4, "sequence \(b) at \(length) tokens")
            }
        }
    }

    @Test("A session takes a context to its last position")
    func fullContext() {
        let configuration = TransformerConfiguration(
            vocabularySize: 65, contextLength: 64, layers: 2, heads: 4, width: 32)
        let model = Transformer(configuration, seed: 1), tokens = someTokens(batch: 1, length: 64, vocabulary: 65)
        model.roughen()
        let session = model.startDecoding()
        var last = Tensor([65])
        for token in tokens.ids { last = session.append([token]) }
        #expect(session.length == 64)
        let whole = model.logits(tokens).values.suffix(65)
        #expect(zip(last.values, whole).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    /// One of random weights, with an embedding that is not the classifier too: what is looked up is never rounded.
    private func untiedModel() -> Transformer {
        let model = Transformer(
            TransformerConfiguration(
                vocabularySize: 65, contextLength: 48, layers: 2, heads: 4, width: 40, tiesEmbeddings: false), seed: 1)
        model.roughen()
        return model
    }

    /// Of a family whose weights are stored transposed, in the formats that pack them.
    @Test("A Llama decodes in each weight format as it computes", arguments: [WeightFormat.bfloat16, .int8])
    func llama(format: WeightFormat) {
        let model = Transformer(
            TransformerConfiguration(
                .qwen3, vocabularySize: 65, contextLength: 48, layers: 2, heads: 4, width: 40, keyValueHeads: 2),
            seed: 1)
        model.roughen()
        let tokens = someTokens(batch: 2, length: 40, vocabulary: 65)
        onOneThread {
            let exact = model.logits(tokens).values
            Execution.with(weights: format) {
                let sessions = [model.startDecoding(), model.startDecoding()]
                _ = sessions[0].append(Array(tokens.ids[..<39]))
                _ = sessions[1].append(Array(tokens.ids[40..<79]))
                let logits = model.append([tokens.ids[39], tokens.ids[79]], to: sessions)
                let last = Array(exact[39 * 65..<40 * 65] + exact[79 * 65..<80 * 65]).map(Double.init)
                let error = largestError(logits.values.map(Double.init), last)
                #expect(error > 0 && error < 0.05)
            }
        }
    }

    /// The model that 8-bit weights stand for, on the tape, in 32-bit floats.
    @Test("Decoding in int8 is the model of the rounded weights", arguments: InstructionSet.available)
    func int8(set: InstructionSet) {
        let model = untiedModel(), rounded = untiedModel()
        let tokens = someTokens(batch: 2, length: 40, vocabulary: 65)
        onOneThread(set) {
            for (name, parameter) in rounded.parameters.map({ ($0.name, $0.parameter) })
            where name.hasSuffix(".weight") && parameter.value.shape.rank == 2 && !name.contains(".wte.")
                && !name.contains(".wpe.")
            {
                let isTransposed = name == "lm_head.weight"
                let matrix = Matrix(parameter.value),
                    packed = PackedWeight(
                        isTransposed ? matrix.transposed : matrix, as: .int8)
                let (I, O) = (packed.rows, packed.columns), values = packed.unpacked().values
                parameter.load(isTransposed ? (0..<I * O).map { values[$0 % I * O + $0 / I] } : values)
            }
            let expected = rounded.logits(tokens).values
            let exact = model.logits(tokens).values
            Execution.with(weights: .int8) {
                let sessions = [model.startDecoding(), model.startDecoding()]
                _ = sessions[0].append(Array(tokens.ids[..<39]))
                _ = sessions[1].append(Array(tokens.ids[40..<79]))
                let logits = model.append([tokens.ids[39], tokens.ids[79]], to: sessions)
                for (b, row) in [39, 79].enumerated() {
                    let these = logits.values[b * 65..<(b + 1) * 65]
                    let difference = zip(these, expected[row * 65..<(row + 1) * 65]).map { abs($0 - $1) }.max() ?? 1
                    let rounding = zip(these, exact[row * 65..<(row + 1) * 65]).map { abs($0 - $1) }.max() ?? 0
                    #expect(difference < 2e-4)
                    #expect(rounding > 1e-3, "as exact as without rounding")
                }
                let targets = Array(tokens.ids.dropFirst() + [-1])
                let loss = model.loss(tokens, targets: targets)
                let roundedLoss = Execution.with(weights: .float32) { rounded.loss(tokens, targets: targets) }
                #expect(abs(loss - roundedLoss) < 1e-3)
            }
        }
    }

    @Test("A sequence has the same bits beside sequences of other lengths", arguments: WeightFormat.allCases)
    func together(format: WeightFormat) {
        let models: [any NeuralLanguageModel] = [
            untiedModel(),
            Transformer(
                TransformerConfiguration(
                    .llama, vocabularySize: 65, contextLength: 48, layers: 2, heads: 4, width: 40, keyValueHeads: 2),
                seed: 2),
            BigramModel(vocabularySize: 65, seed: 3),
        ]
        let prompts: [[Int32]] = (0..<20).map { number in (0...number * 2).map { Int32(($0 * 7 + number) % 65) } }
        for (model, threads) in zip(models, [2, 1, 1]) {
            Execution.$current.withValue(Execution(threads: threads, weights: format)) {
                let sessions = prompts.map { _ in model.startDecoding() }
                for (session, prompt) in zip(sessions, prompts) { _ = session.append(prompt) }
                let steps: [[Int32]] = [prompts.map { $0[0] }, prompts.map { $0[$0.count - 1] }]
                let logits = steps.map { model.append($0, to: sessions).values }
                for (number, prompt) in prompts.enumerated() {
                    let alone = model.startDecoding()
                    _ = alone.append(prompt)
                    for (tokens, logits) in zip(steps, logits) {
                        let own = Execution.$current.withValue(Execution(threads: 1, weights: format)) {
                            model.append([tokens[number]], to: [alone]).values
                        }
                        #expect(own.elementsEqual(logits[number * 65..<(number + 1) * 65]), "sequence \(number)")
                    }
                }
            }
        }
    }

    @Test("A prompt has the same bits in several parts", arguments: WeightFormat.allCases, InstructionSet.available)
    func parts(format: WeightFormat, set: InstructionSet) throws {
        // Accelerate's order of summation depends on the number of rows.
        guard set != .accelerate else { return }
        let model = untiedModel(), prompt = (0..<44).map { Int32(($0 * 11) % 65) }
        Execution.$current.withValue(Execution(instructionSet: set, threads: 2, weightFormat: format)) {
            Execution.with(RowProducts.asPrompt) {
                let whole = model.startDecoding(), expected = whole.append(prompt).values
                for length in [1, 2, 16, 17, 24, 25, 43] {
                    let parts = [model.startDecoding(), whole.copy(length: length)].compactMap(\.self)
                    _ = parts[0].append(Array(prompt[..<length]))
                    for session in parts {
                        #expect(session.length == length)
                        #expect(session.append(Array(prompt[length...])).values == expected, "\(length) first")
                    }
                }
            }
        }
    }

    @Test("Several threads generate with one model at a time", arguments: WeightFormat.allCases)
    func shared(format: WeightFormat) {
        @Sendable func logits(_ model: Transformer) -> [Float] {
            Execution.$current.withValue(Execution(threads: 1, weights: format)) {
                let session = model.startDecoding()
                return someTokens(batch: 1, length: 20, vocabulary: 65).ids.flatMap { session.append([$0]).values }
            }
        }
        // Read by all threads, which is what is tested.
        nonisolated(unsafe) let model = untiedModel()
        let expected = logits(untiedModel())
        let results = Mutex<[[Float]]>([])
        Execution(threads: 4).forEach(below: 4) { _ in
            let own = logits(model)
            results.withLock { $0.append(own) }
        }
        #expect(results.withLock { $0 } == Array(repeating: expected, count: 4))
    }

    @Test("Decoding in bf16 token by token agrees with the prompt at once", arguments: InstructionSet.available)
    func bfloat16(set: InstructionSet) {
        let model = untiedModel(), tokens = someTokens(batch: 1, length: 40, vocabulary: 65)
        let execution = Execution(instructionSet: set, threads: 1, precision: .bfloat16, weightFormat: .bfloat16)
        let exact = onOneThread(set) { Array(model.logits(tokens).values.suffix(65)) }
        Execution.$current.withValue(execution) {
            let single = model.startDecoding(), atOnce = model.startDecoding()
            var last = Tensor([65])
            for token in tokens.ids { last = single.append([token]) }
            let whole = atOnce.append(tokens.ids)
            let difference = zip(last.values, whole.values).map { abs($0 - $1) }.max() ?? 1
            let rounding = zip(last.values, exact).map { abs($0 - $1) }.max() ?? 0
            // Sums in another order may round to the neighbouring bfloat16 on the way.
            #expect(difference < 0.05)
            #expect(rounding > 1e-3 && rounding < 0.3)
        }
    }
}
