import Models
import Testing

@Suite("Summary of a model")
struct ModelSummaryTests {
    @Test("The parts of a Llama have its parameters, each in the part that its name says")
    func llama() throws {
        let configuration = TransformerConfiguration(
            .llama, vocabularySize: 11, contextLength: 8, layers: 3, heads: 2, width: 8, feedForwardWidth: 12)
        let summary = ModelSummary(Transformer(configuration, seed: 1))
        let counts = Dictionary(uniqueKeysWithValues: summary.parts.map { ($0.name, $0.count) })
        #expect(
            counts == [
                "token embedding": 88, "norms": 3 * 16, "attention": 3 * 4 * 64, "feed-forward": 3 * 3 * 96,
                "final norm": 8, "classifier": 0,
            ])
    }

    @Test("The parts of an encoder and of an encoder-decoder have all their parameters")
    func encoders() throws {
        let encoder = Encoder(
            EncoderConfiguration(
                vocabularySize: 11, contextLength: 8, layers: 2, heads: 2, width: 8,
                head: .classifier(labels: ["a", "b"])),
            seed: 1)
        let side = EncoderDecoderConfiguration.Side(layers: 2, heads: 2, feedForwardWidth: 12)
        let translator = EncoderDecoder(
            EncoderDecoderConfiguration(vocabularySize: 11, contextLength: 8, width: 8, encoder: side, decoder: side),
            seed: 1)
        for model in [encoder, translator] as [any TrainableModel] {
            let summary = ModelSummary(model)
            #expect(summary.parts.reduce(0) { $0 + $1.count } == model.parameterCount)
            #expect(!summary.parts.contains { $0.name == "other" })
        }
        let parts = ModelSummary(encoder).parts
        #expect(parts.first { $0.name == "norms" }?.count == 16 + 2 * 32)
        #expect(parts.first { $0.name == "feed-forward" }?.count == 2 * (2 * 8 * 32 + 32 + 8))
    }
}
