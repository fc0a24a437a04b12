import Models
import Tensors
import TestSupport
import Testing

@Suite("Encoder-decoder")
struct EncoderDecoderTests {
    private static let configuration = EncoderDecoderConfiguration(
        vocabularySize: 20, contextLength: 10, width: 16,
        encoder: .init(layers: 1, heads: 2, feedForwardWidth: 24),
        decoder: .init(layers: 2, heads: 4, feedForwardWidth: 20), startToken: 1, endToken: 0, paddingToken: 1)

    private static let sources: [[Int32]] = [[5, 6, 7], [8], [9, 10, 11, 12, 13]]
    private static let targets: [[Int32]] = [[1, 7, 6, 5], [1, 8], [1, 13, 12, 11, 10, 9]]
    private static let labels: [Int32] = [7, 6, 5, 0, 8, 0, 13, 12, 11, 10, 9, 0]

    @Test("Parameters are as many as the configuration says, and the bias of the logits is not trained")
    func parameters() {
        let model = EncoderDecoder(Self.configuration, seed: 1)
        #expect(model.parameterCount == ModelSpecification.encoderDecoder(Self.configuration).parameterCount)
        #expect(model.parameters[0].name == "final_logits_bias")
        #expect(model.parameters.contains { $0.name == "model.decoder.layers.1.encoder_attn.k_proj.bias" })
        #expect(model.parameters.contains { $0.name == "model.encoder.layers.0.self_attn_layer_norm.weight" })
        loss(of: model)
        for named in model.parameters {
            #expect((named.parameter.gradient == nil) == (named.name == "final_logits_bias"))
        }
    }

    @discardableResult
    private func loss(of model: EncoderDecoder, smoothing: Float = 0) -> Double {
        model.loss(
            TokenBatch(Self.sources), TokenBatch(Self.targets), labels: Self.labels, smoothing: smoothing,
            gradientScale: 1 / Float(Self.labels.count)) / Double(Self.labels.count)
    }

    @Test("A target depends on its own source and on its earlier tokens only", arguments: [1, 2])
    func dependencies(threads: Int) {
        onThreads(threads) {
            let model = EncoderDecoder(Self.configuration, seed: 2)
            let V = 20, all = model.logits(TokenBatch(Self.sources), TokenBatch(Self.targets)).values
            for (sources, targets, unchanged) in [
                ([[5, 6, 7], [8], [9, 10, 11, 12, 4]], Self.targets, 0..<6),
                (Self.sources, [[1, 7, 6, 5], [1, 8], [1, 13, 12, 11, 2, 9]], 0..<10),
                ([[5, 6, 3], [8], [9, 10, 11, 12, 13]], Self.targets, 4..<12),
            ] as [([[Int32]], [[Int32]], Range<Int>)] {
                let changed = model.logits(TokenBatch(sources), TokenBatch(targets)).values
                let same = (0..<12).filter { row in
                    changed[row * V..<(row + 1) * V] == all[row * V..<(row + 1) * V]
                }
                #expect(same == Array(unchanged))
            }
        }
    }

    @Test("The padding token's embedding is trained by the classifier only")
    func padding() throws {
        func gradient(_ padding: Int32?) throws -> [Float] {
            var configuration = Self.configuration
            configuration.paddingToken = padding
            let model = EncoderDecoder(configuration, seed: 2)
            loss(of: model)
            return try #require(model.embedding.gradient).values
        }
        let with = try gradient(1), without = try gradient(nil)
        let differing = Set(with.indices.filter { with[$0] != without[$0] }.map { $0 / 16 })
        #expect(differing == [1])
    }

    @Test("Label smoothing divides a part of the probability among all tokens")
    func smoothing() {
        let model = EncoderDecoder(Self.configuration, seed: 2)
        // The loss is linear in the smoothing.
        let losses = [0, 0.5, 1].map { loss(of: model, smoothing: $0) }
        #expect(abs(losses[1] - (losses[0] + losses[2]) / 2) < 1e-6)
        #expect(losses[0] != losses[2])
    }

    @Test(
        "It learns to reverse its sources, and every search finds the reversed source with its end", arguments: [1, 3])
    func learns(beams: Int) {
        let model = EncoderDecoder(Self.configuration, seed: 3)
        for _ in 0..<150 { model.descend(0.1) { loss(of: $0) } }
        #expect(loss(of: model) < 0.1)
        for (source, target) in zip(Self.sources, Self.targets) {
            for stopsEarly in [false, true] {
                let settings = BeamSearchSettings(beams: beams, stopsEarly: stopsEarly, maximumLength: 10)
                #expect(model.translate(source, settings: settings) == Array(target.dropFirst()) + [0])
            }
        }
    }

    @Test("A target of the maximum length ends with the end token")
    func maximumLength() {
        let model = EncoderDecoder(Self.configuration, seed: 4)
        for beams in [1, 2, 5] {
            for length in [1, 2, 7] {
                let target = model.translate([5, 6], settings: BeamSearchSettings(beams: beams, maximumLength: length))
                #expect(target.count <= length)
                #expect(target.last == 0)
            }
        }
    }

    @Test("A banned token is never generated, and the last of several not after the others", arguments: [1, 2, 3])
    func banned(beams: Int) {
        let model = EncoderDecoder(Self.configuration, seed: 4)
        let settings = BeamSearchSettings(beams: beams, maximumLength: 9)
        func translate(_ banned: [[Int32]]) -> [Int32] { model.translate([5, 6], settings: settings, banned: banned) }
        let free = translate([]), tokens = Set(free.filter { $0 != 0 })
        #expect(Set(translate(tokens.map { [$0] })).isDisjoint(with: tokens))
        // The end token is not banned, and neither is what the vocabulary does not have.
        #expect(translate([[0], [20], [-1]]) == free)
        for position in 1..<free.count - 1 {
            let sequence = [1] + free[..<(position + 1)]
            #expect(Array(translate([sequence]).prefix(position + 1)) != Array(free[...position]))
        }
    }

    @Test("A target that is not forced to end may have the maximum length without an end")
    func unforced() {
        let model = EncoderDecoder(Self.configuration, seed: 4)
        for beams in [1, 3] {
            var settings = BeamSearchSettings(beams: beams, maximumLength: 3)
            let forced = model.translate([5, 6], settings: settings)
            settings.forcesEnd = false
            let free = model.translate([5, 6], settings: settings)
            #expect(forced.last == 0 && free.count <= 3)
            #expect(beams > 1 || free.last != 0 && free.dropLast() == forced.dropLast())
        }
    }

    @Test("Several sources have the targets that each of them has alone", arguments: [1, 2, 3, 5], [1, 2])
    func together(beams: Int, threads: Int) {
        onThreads(threads) {
            var configuration = Self.configuration
            configuration.contextLength = 30
            let model = EncoderDecoder(configuration, seed: 6)
            let sources = (0..<23).map { number in (0...number % 7).map { Int32(2 + (number * 5 + $0 * 3) % 18) } }
            let settings = BeamSearchSettings(beams: beams, maximumLength: 12)
            let together = model.translate(sources, settings: settings)
            #expect(together == sources.map { model.translate($0, settings: settings) })
            #expect(Set(together).count > 5)
        }
    }

    @Test("The search with one beam is greedy, token by token")
    func greedy() {
        let model = EncoderDecoder(Self.configuration, seed: 8)
        var target: [Int32] = [1]
        for _ in 0..<8 {
            let logits = model.logits(TokenBatch([[5, 6, 7]]), TokenBatch([target])).values.suffix(20)
            let best = Int32(logits.firstIndex(of: logits.max() ?? 0)! - logits.startIndex)
            target.append(best)
            if best == 0 { break }
        }
        let found = model.translate([5, 6, 7], settings: BeamSearchSettings(maximumLength: 9))
        #expect(Array(found.prefix(8)) == Array(target.dropFirst().prefix(found.count)))
    }
}
