import Inference
import Interchange
import Models
import StrictJSON
import Tensors
import Testing
import Tokenizers

@Suite struct ExplanationTests {
    private static let ids: [Int32] = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3]
    private static let kinds = ["gpt2", "llama", "qwen3", "attention", "bigram", "masked", "translator"]

    /// A small model with new weights, which are larger than usual, so that its predictions differ.
    private static func makeModel(_ kind: String, layers: Int = 3) -> any TrainableModel {
        let model: any TrainableModel =
            switch kind {
            case "attention": AttentionModel(.init(vocabularySize: 23, contextLength: 16, width: 16), seed: 2)
            case "bigram": BigramModel(vocabularySize: 23, seed: 2)
            case "masked":
                Encoder(
                    EncoderConfiguration(
                        vocabularySize: 23, contextLength: 16, layers: layers, heads: 2, width: 16, head: .maskedTokens),
                    seed: 2)
            case "translator":
                EncoderDecoder(
                    EncoderDecoderConfiguration(
                        vocabularySize: 23, contextLength: 16, width: 16,
                        encoder: .init(layers: 2, heads: 2, feedForwardWidth: 32),
                        decoder: .init(layers: layers, heads: 4, feedForwardWidth: 32)), seed: 2)
            default:
                Transformer(
                    TransformerConfiguration(
                        .init(rawValue: kind) ?? .gpt2, vocabularySize: 23, contextLength: 16, layers: layers, heads: 4,
                        width: 32), seed: 2)
            }
        for parameter in model.parameters where parameter.parameter.value.shape.rank == 2 {
            parameter.parameter.value.withElements { for i in $0.indices { $0[i] *= 4 } }
        }
        return model
    }

    private static func input(_ kind: String) -> Explainer.Input {
        Explainer.Input(ids, target: kind == "translator" ? [0, 7, 8, 9] : nil)
    }

    /// The logits of the model itself, and the ids that they are to predict; -1 where nothing is known.
    private static func logits(_ model: any TrainableModel, _ input: Explainer.Input) throws -> (Tensor, [Int32]) {
        let tokens = TokenBatch(input.ids), next = Array(input.ids.dropFirst()) + [-1]
        switch model.form {
        case .neural(let model): return (model.logits(tokens), next)
        case .encoder(let model): return (model.predict(tokens, rows: (0..<Int32(input.ids.count)).map { $0 }), ids)
        case .encoderDecoder(let model):
            let target = try #require(input.target)
            return (model.logits(tokens, TokenBatch(target)), Array(target.dropFirst()) + [-1])
        case .counted, .other: throw ExplanationError.empty
        }
    }

    @Test("The last layer of the lens is what the model predicts, bit for bit", arguments: kinds)
    func lens(_ kind: String) throws {
        let model = Self.makeModel(kind), input = Self.input(kind), V = model.vocabularySize
        let explanation = try Explainer(model, tokenizer: nil).explain(input, .init(top: 4, lensTop: V))
        let (logits, targets) = try Self.logits(model, input)
        let last = try #require(explanation.lens.last), predicted = explanation.predicted
        #expect(explanation.lens.count == (kind == "bigram" ? 1 : kind == "attention" ? 2 : 4))
        #expect(last.count == targets.count && predicted.count == targets.count)
        let isShifted = kind != "masked"
        logits.withElements { logits in
            for (position, target) in targets.enumerated() {
                let row = LogSoftmax(UnsafeBufferPointer(rebasing: logits[position * V..<(position + 1) * V]))
                #expect(last[position] == row.top(V))
                guard target >= 0 else { continue }
                let token = predicted[isShifted ? position + 1 : position]
                #expect(token.id == target && token.logProbability == row[target])
                #expect(token.alternatives == row.top(4))
            }
        }
        #expect(!isShifted || predicted[0].logProbability == nil)
    }

    @Test(
        "A layer of the lens is the result of the model without the layers after it",
        arguments: ["gpt2", "llama", "masked"])
    func fewerLayers(_ kind: String) throws {
        let model = Self.makeModel(kind), settings = ExplanationSettings(lensTop: 23, keepsHidden: true)
        let whole = try Explainer(model, tokenizer: nil).explain(Self.input(kind), settings)
        for layers in 1..<3 {
            let part = Self.makeModel(kind, layers: layers)
            let values = Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.name, $0.parameter.value) })
            for named in part.parameters {
                let value = try #require(values[named.name])
                named.parameter.value.withElements { part in
                    value.withElements { _ = part.update(fromContentsOf: $0) }
                }
            }
            let explanation = try Explainer(part, tokenizer: nil).explain(Self.input(kind), settings)
            #expect(explanation.lens.last == whole.lens[layers])
            let hidden = try #require(explanation.hidden.first), expected = try #require(whole.hidden.first)
            #expect(hidden.residuals.count == layers + 1 && expected.residuals.count == 4)
            #expect(hidden.residuals[layers].values.elementsEqual(expected.residuals[layers].values))
            #expect((hidden.normalized != nil) == (kind != "masked"))
        }
    }

    @Test("Rows of patterns add up to 1, and nothing attends to what comes later", arguments: kinds)
    func patterns(_ kind: String) throws {
        let explanation = try Explainer(Self.makeModel(kind), tokenizer: nil).explain(
            Self.input(kind), .init(patterns: .all))
        let counts = ["attention": 1, "bigram": 0, "translator": 2 + 3 + 3]
        #expect(explanation.attention.count == counts[kind] ?? 3)
        for layer in explanation.attention {
            let map = layer.map, isCausal = layer.kind == .decoder || layer.kind == .own && kind != "masked"
            for head in 0..<map.heads {
                for query in 0..<map.queries {
                    let row = (0..<map.keys).map { map[head, query, $0] }
                    #expect(abs(row.reduce(0, +) - 1) < 1e-12)
                    #expect(!isCausal || row.dropFirst(query + 1).allSatisfy { $0 == 0 })
                }
            }
        }
        #expect(explanation.heads.count == explanation.attention.reduce(0) { $0 + $1.map.heads })
    }

    /// A head whose position i attends to position i - distance: queries and keys are made of one-hot positions alone.
    private static func makeHead(distance: Int) -> AttentionModel {
        let C = 16, model = AttentionModel(.init(vocabularySize: 23, contextLength: C, width: C), seed: 1)
        model.tokenEmbedding.value.withElements { $0.update(repeating: 0) }
        model.positionEmbedding.value.withElements { e in
            for i in e.indices { e[i] = i / C == i % C ? 10 : 0 }
        }
        model.attention.queryKeyValue[0].weight.value.withElements { w in  // (C, 3C)
            w.update(repeating: 0)
            for i in 0..<C {
                w[i * 3 * C + i] = 1
                if i + distance < C { w[i * 3 * C + C + i + distance] = 1 }
            }
        }
        return model
    }

    @Test("The scores name the head that attends to the token before, and the one that continues what repeats")
    func scores() throws {
        // The context of 16 has room for 8 tokens and their repetition.
        func scores(_ distance: Int) throws -> HeadScores {
            try #require(
                try Explainer(Self.makeHead(distance: distance), tokenizer: nil).explain(Self.input("")).heads.first)
        }
        let previous = try scores(1), induction = try scores(7)
        #expect(previous.previousToken ?? 0 > 0.999 && previous.induction ?? 1 < 1e-6)
        #expect(induction.induction ?? 0 > 0.999)
        // Positions 1 to 6 have no position to attend to, and attend to all before them and to themselves.
        let even = (1...6).map { 1.0 / Double($0 + 1) }.reduce(0, +)
        let firstToken = try #require(induction.firstToken)
        #expect(abs(firstToken - (even + 1) / 9) < 1e-4)
    }

    @Test("Log probabilities are those of the scored text")
    func logProbabilities() throws {
        let model = Self.makeModel("llama"), neural = try #require(model.neural)
        let explanation = try Explainer(model, tokenizer: nil).explain(Self.input("llama"))
        let scored = try TextGenerator(neural, tokenizer: ByteTokenizer()).logProbabilities(of: Self.ids)
        for (token, score) in zip(explanation.tokens.dropFirst(), scored) {
            let logProbability = try #require(token.logProbability)
            #expect(token.id == score.id && abs(logProbability - score.logProbability) < 1e-5)
        }
        #expect(scored.count == Self.ids.count - 1)
    }

    @Test("Every number format of weights is explained", arguments: WeightFormat.allCases)
    func formats(_ format: WeightFormat) throws {
        let model = Self.makeModel("gpt2")
        func logProbabilities(_ format: WeightFormat) throws -> [Double] {
            try Execution.with(weights: format) {
                try Explainer(model, tokenizer: nil).explain(Self.input("gpt2")).tokens.compactMap(\.logProbability)
            }
        }
        let exact = try logProbabilities(.float32), others = try logProbabilities(format)
        #expect(exact.count == Self.ids.count - 1)
        #expect(zip(exact, others).allSatisfy { abs($0 - $1) < 0.5 } && (exact == others) == (format == .float32))
    }

    @Test("A text has pieces, labels and a translation")
    func texts() throws {
        let bytes = ByteTokenizer()
        let model = Transformer(
            TransformerConfiguration(vocabularySize: 257, contextLength: 16, layers: 1, heads: 2, width: 16), seed: 1)
        let text = try Explainer(model, tokenizer: bytes).explain("a é")
        #expect(text.tokens.map(\.piece) == ["a", " ", "<0xC3>", "<0xA9>"])

        let encoder = Encoder(
            EncoderConfiguration(
                vocabularySize: 257, contextLength: 16, layers: 1, heads: 2, width: 16,
                head: .classifier(labels: ["a", "b", "c"])), seed: 1)
        let labels = try Explainer(encoder, tokenizer: bytes).explain("abc").labels
        let result = try TextClassifier(encoder, tokenizer: bytes).classify(["abc"])[0]
        #expect(labels.count == 3 && labels[0].label == result.label)
        #expect(abs(labels[0].probability - result.probability) < 1e-12)
        #expect(zip(labels, labels.dropFirst()).allSatisfy { $0.probability >= $1.probability })

        let tokenizer = try CharacterTokenizer(alphabetOf: ["abcdefgh "]).adding(.marian)
        let padding = try #require(tokenizer.paddingID)
        let translator = EncoderDecoder(
            EncoderDecoderConfiguration(
                vocabularySize: tokenizer.vocabularySize, contextLength: 12, width: 16,
                encoder: .init(layers: 1, heads: 2, feedForwardWidth: 32),
                decoder: .init(layers: 1, heads: 2, feedForwardWidth: 32), startToken: padding, endToken: padding + 1,
                paddingToken: padding), seed: 5)
        let explanation = try Explainer(translator, tokenizer: tokenizer).explain("bad")
        let translation = try Translator(translator, tokenizer: tokenizer).translate("bad")
        #expect(explanation.translation.map { translation.hasPrefix($0) } == true)
        #expect(explanation.target.first?.id == padding && explanation.tokens.allSatisfy { $0.logProbability == nil })
        // Greedy search takes the most probable token that is not banned.
        #expect(explanation.target.dropFirst().allSatisfy { $0.alternatives.prefix(3).map(\.id).contains($0.id) })
    }

    @Test("The JSON form has the names of TransformerLens", arguments: kinds)
    func json(_ kind: String) throws {
        let explanation = try Explainer(Self.makeModel(kind), tokenizer: nil).explain(
            Self.input(kind), .init(top: 3, lensTop: 2, patterns: .all, keepsHidden: true))
        let json = explanation.json(model: "m", including: [.patterns, .hidden])
        let names = try #require(json.objectValue).map(\.key)
        var expected = ["log_probs", "top", "logit_lens", "heads"]
        let blocks = ["gpt2": 3, "llama": 3, "qwen3": 3, "masked": 3, "attention": 1, "bigram": 0]
        if let blocks = blocks[kind] {
            expected = ["model", "kind", "tokens", "ids"] + expected
            expected += (0..<blocks).map { "blocks.\($0).attn.hook_pattern" }
            expected += (0..<blocks).map { "blocks.\($0).hook_resid_pre" }
            if blocks > 0 { expected.append("blocks.\(blocks - 1).hook_resid_post") }
            if blocks == 3, kind != "masked" { expected.append("ln_final.hook_normalized") }
        } else {
            expected = ["model", "kind", "source_tokens", "source_ids", "target_tokens", "target_ids"] + expected
            expected += (0..<2).map { "encoder.blocks.\($0).attn.hook_pattern" }
            for layer in 0..<3 {
                expected += ["attn", "cross_attn"].map { "decoder.blocks.\(layer).\($0).hook_pattern" }
            }
            for (network, blocks) in [("encoder", 2), ("decoder", 3)] {
                expected += (0..<blocks).map { "\(network).blocks.\($0).hook_resid_pre" }
                expected.append("\(network).blocks.\(blocks - 1).hook_resid_post")
            }
        }
        #expect(names == expected)
        var text = ""
        explanation.write(model: "m", including: [.patterns, .hidden]) { text += $0 }
        #expect(try JSON(parsing: Array(text.utf8)) == json)

        let top = try #require(json["top"]?.arrayValue?.last?.arrayValue)
        #expect(top.count == 3 && top[0]["id"]?.intValue != nil && top[0]["log_prob"]?.doubleValue ?? 1 <= 0)
        let lens = try #require(json["logit_lens"]?.arrayValue?.last?.arrayValue?.last?.arrayValue)
        #expect(lens.count == 2 && lens[0]["probability"]?.doubleValue ?? 0 > 0 && lens[0]["token"]?.stringValue != nil)
        guard kind != "bigram" else { return }
        let head = try #require(json["heads"]?.arrayValue?.first)
        #expect(head["layer"]?.intValue == 0 && head["first_token"]?.doubleValue ?? 0 > 0)
        let pattern = json[expected.first { $0.hasSuffix("hook_pattern") } ?? ""]?.arrayValue
        #expect(pattern?[0].arrayValue?.count == Self.ids.count)
        let packed = try #require(explanation.json(model: "m", including: [.packedPatterns])["patterns"])
        let first = packed.arrayValue?.first ?? packed
        #expect(first["queries"]?.intValue == Self.ids.count && first["keys"]?.intValue == Self.ids.count)
        let base64 = first["layers"]?.arrayValue?.first?.arrayValue?.first?.stringValue
        #expect(base64?.utf8.count == (Self.ids.count * Self.ids.count + 2) / 3 * 4)
    }

    @Test("What cannot be explained is refused")
    func refusals() throws {
        let explainer = Explainer(Self.makeModel("gpt2"), tokenizer: nil)
        #expect(throws: ExplanationError.empty) { try explainer.explain(Explainer.Input([])) }
        #expect(throws: ExplanationError.tooLong(tokens: 17, contextLength: 16)) {
            try explainer.explain(Explainer.Input([Int32](repeating: 1, count: 17)))
        }
        for id: Int32 in [-1, 23] {
            #expect(throws: ExplanationError.unknownToken(id, vocabularySize: 23)) {
                try explainer.explain(Explainer.Input([id]))
            }
        }
        #expect(throws: ExplanationError.noLayer(3, count: 3)) { try explainer.attention(layer: 3, of: .init([1])) }
        #expect(throws: ExplanationError.noLayer(0, count: 0)) {
            try explainer.attention(layer: 0, .cross, of: .init([1]))
        }
        #expect(throws: ExplanationError.noTokenizer) { try explainer.explain("a") }
        let model = try #require(Self.makeModel("gpt2") as? Transformer)
        model.tokenEmbedding.value.withElements { $0.update(repeating: .greatestFiniteMagnitude) }
        #expect(throws: ExplanationError.notFinite) {
            try Explainer(model, tokenizer: nil).explain(Explainer.Input([1, 2]))
        }
    }
}
