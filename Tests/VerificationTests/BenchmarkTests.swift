import Models
import Tensors
import Testing
import Training
import Verification

@Suite("What a benchmark counts")
struct BenchmarkTests {
    /// Counted by hand from the shapes of the parameters.
    @Test(
        "The bytes of a token are those of its weights, keys and values", arguments: [WeightFormat.float32, .bfloat16])
    func bytesRead(format: WeightFormat) {
        let shape = TransformerConfiguration(vocabularySize: 57, contextLength: 40, layers: 3, heads: 2, width: 64)
        var bytes = 0.0
        for parameter in Transformer(shape, seed: 1).parameters where parameter.name != "transformer.wpe.weight" {
            let size = parameter.parameter.value.shape.rank == 2 && format == .bfloat16 ? 2 : 4
            bytes += Double(parameter.parameter.value.count * size)
        }
        let cache = Double(2 * 3 * 64 * 4 * 10)
        #expect(shape.bytesRead(perTokenAfter: 10, format) == bytes + cache)
    }

    /// The same of a model that shares keys, has a gate, and a classifier beside the embedding.
    @Test("The bytes of a Qwen3's token", arguments: [WeightFormat.float32, .bfloat16])
    func bytesReadByQwen3(format: WeightFormat) {
        let shape = TransformerConfiguration(
            .qwen3, vocabularySize: 57, contextLength: 40, layers: 3, heads: 4, width: 64, keyValueHeads: 2,
            headSize: 20, tiesEmbeddings: false)
        var bytes = 0.0
        for parameter in Transformer(shape, seed: 1).parameters where parameter.name != "model.embed_tokens.weight" {
            let size = parameter.parameter.value.shape.rank == 2 && format == .bfloat16 ? 2 : 4
            bytes += Double(parameter.parameter.value.count * size)
        }
        #expect(shape.bytesRead(perTokenAfter: 10, format) == bytes + Double(2 * 3 * 40 * 4 * 10))
    }

    @Test("Memory is read at some rate, also with more threads than pieces")
    func bandwidth() {
        for threads in [1, 2, 5] {
            let rate = Execution(threads: threads).measuredBandwidth(seconds: 0, bytes: 1 << 24)
            #expect(rate > 0 && rate.isFinite)
        }
    }

    /// Two ways of counting: op by op, and from the number of parameters.
    @Test("The arithmetic of the ops is that of the whole model", arguments: [8, 33])
    func arithmetic(length: Int) throws {
        let shape = TransformerConfiguration(vocabularySize: 57, contextLength: 40, layers: 3, heads: 2, width: 64)
        let result = Benchmark(configuration: shape, batch: 2, length: length).train(seconds: 0.01, isProfiled: true)
        let profile = try #require(result.profile)
        let counted = profile.entries.reduce(0) { $0 + $1.flops } / Double(profile.steps * 2 * length)
        // Biases and norms are parameters that multiply nothing.
        let idle = 6 * Double(3 * (4 + 9) * 64 + 2 * 64)
        #expect((counted + idle) / shape.trainingFlopsPerToken(length: length) == 1)
    }
}
