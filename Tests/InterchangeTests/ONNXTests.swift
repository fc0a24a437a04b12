import Files
import Interchange
import Layers
import Models
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite("ONNX")
struct ONNXTests {
    private static let tokenizer = CharacterTokenizer(alphabetOf: ["\nabcdé"])
    private static let size = tokenizer.vocabularySize

    /// Models of each kind that has a graph, and of each option.
    private static func models() -> [any NeuralLanguageModel] {
        func transformer(_ family: TransformerConfiguration.Family, heads: Int, keyValueHeads: Int, headSize: Int)
            -> Transformer
        {
            Transformer(
                TransformerConfiguration(
                    family, vocabularySize: size, contextLength: 12, layers: 2, heads: heads, width: 8,
                    keyValueHeads: keyValueHeads, headSize: headSize, tiesEmbeddings: family != .llama), seed: 1)
        }
        func transformer(
            width: Int, _ positions: Positions, _ feedForward: FeedForwardKind, biases: Biases = []
        ) -> Transformer {
            Transformer(
                TransformerConfiguration(
                    vocabularySize: size, contextLength: 9, layers: 1, heads: 1, width: width, feedForwardWidth: 11,
                    normEpsilon: 1e-3, positions: positions, feedForward: feedForward, biases: biases,
                    tiesEmbeddings: false), seed: 2)
        }
        let models: [any NeuralLanguageModel] = [
            transformer(.gpt2, heads: 2, keyValueHeads: 2, headSize: 4),
            transformer(.llama, heads: 4, keyValueHeads: 2, headSize: 2),
            transformer(.qwen3, heads: 2, keyValueHeads: 1, headSize: 6),
            BigramModel(vocabularySize: size, seed: 4),
            AttentionModel(.init(vocabularySize: size, contextLength: 12, width: 6), seed: 3),
            transformer(width: 9, .sinusoidal, .relu),
            transformer(width: 8, .sinusoidal, .gelu, biases: .attentionInput),
            transformer(width: 5, .absent, .swiglu, biases: .feedForward),
            transformer(width: 6, .linearBiases, .swiglu),
            Transformer(
                TransformerConfiguration(vocabularySize: size, contextLength: 1, layers: 1, heads: 1, width: 4), seed: 5
            ),
        ]
        for model in models { roughen(model) }
        return models
    }

    /// Larger weights than new ones, so that what they do is seen.
    private static func roughen(_ model: any NeuralLanguageModel) {
        var random = Philox(9)
        for named in model.parameters {
            let values = named.parameter.value.values
            named.parameter.load(values.map { $0 + Float(0.3 * random.nextNormal()) })
        }
    }

    private func write(
        _ model: any LanguageModel, _ options: ONNXExport.Options = .init(), in directory: TemporaryDirectory
    ) throws -> String {
        let path = directory.file("model.onnx")
        try ONNXExport.write(model, tokenizer: Self.tokenizer, to: path, options: options)
        return path
    }

    @Test("What is written passes its check, with and without a cache", arguments: 0..<10, [false, true])
    func check(index: Int, hasCache: Bool) throws {
        let directory = TemporaryDirectory(), network = Self.models()[index]
        if hasCache, case .transformer(let configuration)? = network.specification,
            configuration.positions == .linearBiases
        {
            let error = #expect(throws: ModelError.self) { try write(network, .init(hasCache: true), in: directory) }
            #expect(error?.description.contains("linear position biases") == true && directory.contents == [])
            return
        }
        let path = try write(network, .init(hasCache: hasCache), in: directory)
        #expect(directory.contents == ["model.onnx"])
        let model = try ONNXFile(path: path).model
        #expect(model.version == 8 && model.operatorSet == 17)
        #expect(
            model.metadata.map(\.key)
                == ["config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"])
        #expect(try model.metadata[1].value == TokenizerFile.contents(for: Self.tokenizer))
        #expect(model.metadata[0].value.contains(#""vocab_size":"#))
    }

    @Test("Weights of 16 bits, which are those that were rounded", arguments: [ONNXType.float16, .bfloat16])
    func rounded(type: ONNXType) throws {
        let directory = TemporaryDirectory()
        let model = Self.models()[0]
        let file = try ONNXFile(path: write(model, .init(weights: type), in: directory))
        for named in model.parameters {
            let tensor = try #require(file.model.tensors.first { $0.name == "\(named.name).\(type)" })
            #expect(tensor.type == type && tensor.byteCount == 2 * named.parameter.value.count)
        }
    }

    @Test("A weight too large for half precision is not made infinite")
    func tooLarge() throws {
        let directory = TemporaryDirectory(), model = Self.models()[3]
        model.parameters[0].parameter.value.withElements { $0[4] = -70_000 }
        #expect(throws: ModelError.self) { try write(model, .init(weights: .float16), in: directory) }
        #expect(directory.contents == [])
        _ = try write(model, .init(weights: .bfloat16), in: directory)
    }

    @Test("Weights in a file of their own", arguments: [ONNXType.float32, .bfloat16])
    func external(type: ONNXType) throws {
        let directory = TemporaryDirectory()
        let options = ONNXExport.Options(hasCache: true, weights: type, greatestFile: 1000)
        let path = try write(Self.models()[0], options, in: directory)
        #expect(directory.contents == ["model.onnx", "model.onnx.data"])
        // Alone, the graph does not lead to another file.
        let file = try ONNXFile(path: path)
        let tensor = try #require(file.model.tensors.first { $0.byteCount ?? 0 > 300 })
        guard case .external("model.onnx.data", let offset, let count) = tensor.content else {
            Issue.record("\(tensor.name) is not external")
            return
        }
        #expect(offset % 4096 == 0 && count == tensor.byteCount)
        #expect(throws: ModelError.self) { try file.location(of: tensor) }
        // One that is cut off is found out.
        try directory.write(Array(try Fixtures.bytes(path + ".data").dropLast()), to: "cut")
        let cut = try ONNXFile(path: path, data: directory.file("cut"))
        #expect(throws: ModelError.self) { for tensor in cut.model.tensors { _ = try cut.location(of: tensor) } }
    }

    @Test("A file that has its weights itself takes the place of one with its weights beside it, and of both")
    func replacesBoth() throws {
        let directory = TemporaryDirectory(), model = Self.models()[0]
        let path = try write(model, .init(greatestFile: 1000), in: directory)
        #expect(try ONNXExport.write(model, tokenizer: nil, to: path).removesDataFile)
        #expect(directory.contents == ["model.onnx"])
        // Another's file of that name stays.
        try directory.write([1], to: "model.onnx.data")
        #expect(try !ONNXExport.write(model, tokenizer: nil, to: path).removesDataFile)
        #expect(directory.contents == ["model.onnx", "model.onnx.data"])
    }

    @Test("A model without a graph is refused, and leaves no file")
    func refused() throws {
        let directory = TemporaryDirectory()
        let model = try NGramModel(order: 2, vocabularySize: Self.size, documents: [[1, 2, 3, 1, 2]])
        #expect(throws: ModelError.self) { try write(model, in: directory) }
        #expect(directory.contents == [])
    }

    @Test("What fails its check is removed, and what was there stays", arguments: [1 << 30, 1000])
    func failing(greatestFile: Int) throws {
        let directory = TemporaryDirectory(), model = Self.models()[0]
        _ = try write(model, in: directory)
        let before = try Fixtures.bytes(directory.file("model.onnx"))
        let weight = model.parameters[3].parameter
        weight.load(weight.value.values.map { _ in .nan })
        #expect {
            try write(model, .init(greatestFile: greatestFile), in: directory)
        } throws: {
            "\($0)".contains("not finite numbers") && !"\($0)".contains("\n")
        }
        #expect(directory.contents == ["model.onnx"])
        #expect(try Fixtures.bytes(directory.file("model.onnx")) == before)
    }

    /// Whose angles are large, and in 32-bit floats would be rounded by more than a sum of products is.
    @Test("Late positions are turned as exactly as early ones", arguments: [10_000, 1_000_000.0])
    func latePositions(base: Double) throws {
        let table = AngleTable(.rotary, width: 8, frequencies: AngleTable.frequencies(width: 8, base: base))
        var random = Philox(4), builder = GraphBuilder()
        let vectors = Parameter(.normal([5, 16], deviation: 1, using: &random))
        let x = builder.gather(builder.parameter("x", vectors), rows: builder.tokens(TokenBatch([0])))
        let turned = Rotary(table).reference([x], &builder)
        let model = ONNXModel(builder.finished([Graph.NamedValue(name: "logits", value: turned)]))
        let interpreter = try ONNXInterpreter(model) { tensor in
            switch tensor.content {
            case .parameter(let parameter): .floats(parameter.value)
            case .bytes(let bytes): try bytes.withUnsafeBytes { try tensor.array($0) }
            default: throw ONNXInterpreter.Failure("another file")
            }
        }
        let ids = TokenBatch((0..<30_000).map { $0 % 5 })
        let output = try interpreter.run(["input_ids": .integers(ids.ids.map(Int.init), shape: [1, ids.length])])
        guard case .floats(let turned)? = output["logits"] else {
            Issue.record("there is no output")
            return
        }
        let embedded = Embedding(ids, hasPositions: false).forward([vectors.value], recording: false).output
        let expected = Rotary(table).forward([embedded], recording: false).output
        let largest = zip(turned.values, expected.values).map { abs($0 - $1) }.max() ?? 0
        #expect(largest < 3e-5)
    }

    /// The check itself: a file that is valid, and not the model's.
    @Test("Another model's file does not pass")
    func otherModel() throws {
        let directory = TemporaryDirectory(), models = Self.models()
        let path = try write(models[0], in: directory)
        try ONNXCheck(models[0], Graph(tracing: models[0]), hasCache: false, path: path).run(graph: path, data: nil)
        for other in models.dropFirst() {
            #expect(throws: ModelError.self) {
                try ONNXCheck(other, Graph(tracing: other), hasCache: false, path: path).run(graph: path, data: nil)
            }
        }
        let weight = models[0].parameters[2].parameter
        let values = weight.value.values
        weight.load(values.dropLast() + [values[values.count - 1].nextUp])
        #expect(throws: ModelError.self) {
            try ONNXCheck(models[0], Graph(tracing: models[0]), hasCache: false, path: path).run(graph: path, data: nil)
        }
    }

    @Test("Files that were cut off or altered are read or refused, and never trap")
    func hostile() throws {
        let directory = TemporaryDirectory()
        let bytes = try Fixtures.bytes(write(Self.models()[0], .init(hasCache: true), in: directory))
        func read(_ bytes: [UInt8]) -> Bool {
            bytes.withUnsafeBytes { (try? ONNXReader(path: "model.onnx", bytes: $0).readModel()) != nil }
        }
        #expect(read(bytes))
        #expect(!read([]))
        // What comes last are the metadata, without which it is still a model.
        let end = try #require(bytes.firstRange(of: Array("config.json".utf8))).lowerBound - 8
        for end in stride(from: 1, to: end, by: 7) { #expect(!read(Array(bytes[..<end]))) }
        var random = SeededGenerator(seed: 3)
        var refused = 0
        for _ in 0..<500 where !read(mutated(bytes, using: &random)) { refused += 1 }
        #expect(refused > 0)
    }

    /// Shapes, numbers and names that do not belong together, to the operators themselves.
    @Test("A graph that was altered is computed or refused, and never traps", arguments: [false, true])
    func hostileGraph(hasCache: Bool) throws {
        let directory = TemporaryDirectory()
        let bytes = try Fixtures.bytes(write(Self.models()[0], .init(hasCache: hasCache), in: directory))
        var random = SeededGenerator(seed: 5), failures = 0
        for _ in 0..<400 {
            // Single bytes, so that more files are still readable.
            var changed = bytes
            for _ in 0..<3 { changed[Int.random(in: 0..<bytes.count, using: &random)] = UInt8(random.next() & 0xFF) }
            guard let model = try? changed.withUnsafeBytes({ try ONNXReader(path: "", bytes: $0).readModel() }) else {
                continue
            }
            do { _ = try run(model, changed, batch: 2, length: 3) } catch { failures += 1 }
        }
        #expect(failures > 0)
        let model = try bytes.withUnsafeBytes { try ONNXReader(path: "", bytes: $0).readModel() }
        #expect(try run(model, bytes, batch: 2, length: 3)["logits"]?.shape == [2, 3, Self.size])
    }

    private func run(
        _ model: ONNXModel, _ bytes: [UInt8], batch: Int, length: Int
    ) throws -> [String: ONNXInterpreter.Array] {
        let interpreter = try ONNXInterpreter(model) { tensor in
            guard case .range(let range) = tensor.content else { throw ONNXInterpreter.Failure("not in the file") }
            return try bytes.withUnsafeBytes { try tensor.array(UnsafeRawBufferPointer(rebasing: $0[range])) }
        }
        let ids = ONNXInterpreter.Array.integers((0..<batch * length).map { $0 % 5 }, shape: [batch, length])
        return try interpreter.run(interpreter.emptyPast(batch: batch).merging(["input_ids": ids]) { $1 })
    }
}
