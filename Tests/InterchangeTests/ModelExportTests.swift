import Files
import Interchange
import Models
import StrictJSON
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite struct ModelExportTests {
    private let directory = TemporaryDirectory()

    /// One tokenizer of each kind.
    private static func tokenizers() throws -> [any Tokenizer] {
        [
            CharacterTokenizer(alphabetOf: ["\n abcdé茶😀"]), ByteTokenizer(),
            try TokenizerFile.tokenizer(
                from: Fixtures.bytes(Fixtures.tokenizers + "/hf-bpe-512-tokenizer.json")),
        ]
    }

    private func model(
        _ tokenizer: any Tokenizer, width: Int = 32, ties: Bool = true, change: (Transformer) -> Void = { _ in }
    ) throws -> String {
        let model = Transformer(
            TransformerConfiguration(
                vocabularySize: tokenizer.vocabularySize, contextLength: 8, layers: 2, heads: 2, width: width,
                tiesEmbeddings: ties), seed: 3)
        change(model)
        let path = directory.file("model")
        try ModelDirectory.save(model, tokenizer: tokenizer, to: path)
        return path
    }

    /// The logits of four positions, of all tokens or the first.
    private static func logits(_ path: String, tokens: Int? = nil) throws -> [Float] {
        let model = try #require(try ModelDirectory.load(path).model as? any NeuralLanguageModel)
        let logits = model.logits(TokenBatch([1, 2, 3, 4])).values, size = model.vocabularySize
        return (0..<4).flatMap { logits[$0 * size..<$0 * size + (tokens ?? size)] }
    }

    @Test(
        "A GGUF file is the same model with the same tokens", arguments: 0..<3,
        [ExportPrecision.f32, .f16, .bf16, .q8_0])
    func gguf(kind: Int, precision: ExportPrecision) throws {
        let tokenizer = try Self.tokenizers()[kind]
        let model = try model(tokenizer, ties: kind != 1), out = directory.file("model.gguf")
        let report = try ModelExport.run(model, to: .gguf, precision: precision, at: out)
        #expect(report.size == Files.size(out) && report.remarks.isEmpty)
        #expect(directory.contents == ["model", "model.gguf"])
        let size = tokenizer.vocabularySize
        let expected = try Self.logits(model), logits = try Self.logits(out, tokens: size)
        let largest = zip(expected, logits).map { abs($0 - $1) }.max() ?? .nan
        #expect(precision == .f32 ? largest == 0 : largest > 0 && largest < 0.1)
        let read = try ModelDirectory.load(out).tokenizer
        #expect(type(of: read) == type(of: tokenizer) && read.endOfText == tokenizer.endOfText ?? Int32(size))
        #expect(try read.encode("bad é茶😀 cab\n") == tokenizer.encode("bad é茶😀 cab\n"))
    }

    /// A Llama with grouped heads and biases, one with stretched positions, a Qwen3 with heads of their own size.
    private static func shapes(_ vocabularySize: Int) -> [TransformerConfiguration] {
        func shape(
            _ family: TransformerConfiguration.Family, headSize: Int? = nil, ties: Bool = true
        ) -> TransformerConfiguration {
            TransformerConfiguration(
                family, vocabularySize: vocabularySize, contextLength: 16, layers: 2, heads: 4, width: 32,
                keyValueHeads: 2, headSize: headSize, feedForwardWidth: 64, tiesEmbeddings: ties)
        }
        var biased = shape(.llama), stretched = shape(.llama, ties: false)
        biased.biases = .all
        biased.positions = .rotary(RotaryFrequencies(base: 5000, scaling: .linear(factor: 2)))
        stretched.positions = .rotary(
            RotaryFrequencies(
                base: 500_000,
                scaling: .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 8192)))
        return [biased, stretched, shape(.qwen3, headSize: 16), shape(.qwen3, ties: false)]
    }

    @Test("Families come back as they were, in the order of rows that each has", arguments: 0..<4)
    func families(number: Int) throws {
        let tokenizer = CharacterTokenizer(alphabetOf: ["\n abcdé"])
        let shape = Self.shapes(tokenizer.vocabularySize)[number]
        let model = directory.file("model"), out = directory.file("model.gguf"), back = directory.file("back")
        let original = Transformer(shape, seed: 4)
        var generator = SeededGenerator(seed: 1)
        for named in original.parameters where named.name.hasSuffix("bias") {
            named.parameter.value.withElements {
                for i in $0.indices { $0[i] = .random(in: -1...1, using: &generator) }
            }
        }
        try ModelDirectory.save(original, tokenizer: tokenizer, to: model)
        _ = try ModelExport.run(model, to: .gguf, precision: .f32, at: out)
        let saved = try #require(try ModelDirectory.load(out).model as? Transformer)
        #expect(saved.configuration == shape)
        #expect(try Self.logits(out) == Self.logits(model))
        _ = try ModelImport.run(out, to: back)
        #expect(try Self.logits(back) == Self.logits(model))
        // Of a head's rows the halves alternate in a Llama, and lie as they were in a Qwen3.
        let file = try GGUFFile(path: out)
        let query = original.parameters.first { $0.name.hasSuffix("layers.0.self_attn.q_proj.weight") }
        let row = file.withBytes(of: try file.entry("blk.0.attn_q.weight")) { bytes in
            (32..<64).map { Float(bitPattern: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)) }
        }
        let second = shape.family == .llama ? shape.headSize / 2 : 1
        #expect(query.map { Array($0.parameter.value.values[32 * second..<32 * (second + 1)]) } == row)
    }

    @Test(
        "Divisors of rotary frequencies come back as they are; Llama 3's with the published bounds as its scaling",
        arguments: [
            (.llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 32), true),
            (.llama3(factor: 32, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 8192), true),
            // Half the bounds of half the context: the published bounds of the whole.
            (.llama3(factor: 3.7, lowFrequencyFactor: 0.5, highFrequencyFactor: 2, originalContext: 50), false),
            (.llama3(factor: 3.7, lowFrequencyFactor: 0.5, highFrequencyFactor: 3, originalContext: 50), false),
            (.divisors([1, 1.5, 0.25, 100, 2, 3, 4, 5]), true),
            // Those of the first case as another program rounds them.
            (.divisors([1, Float(3.2995389).nextUp, 8, 8, 8, 8, 8, 8]), false),
        ] as [(RotaryFrequencies.Scaling, Bool)])
    func divisors(scaling: RotaryFrequencies.Scaling, isSame: Bool) throws {
        let tokenizer = CharacterTokenizer(alphabetOf: ["\n abc"])
        var shape = TransformerConfiguration(
            .llama, vocabularySize: tokenizer.vocabularySize, contextLength: 64, layers: 1, heads: 2, width: 32)
        shape.positions = .rotary(RotaryFrequencies(base: 10_000, scaling: scaling))
        let model = directory.file("model"), out = directory.file("model.gguf"), back = directory.file("back")
        try ModelDirectory.save(Transformer(shape, seed: 4), tokenizer: tokenizer, to: model)
        _ = try ModelExport.run(model, to: .gguf, precision: .f32, at: out)
        let read = try #require(try ModelDirectory.load(out).model as? Transformer)
        #expect((read.configuration == shape) == isSame)
        for (expected, logit) in zip(try Self.logits(model), try Self.logits(out)) {
            #expect(abs(expected - logit) <= (isSame ? 0 : 1e-5))
        }
        // A configuration can hold them, and so can the next file.
        _ = try ModelImport.run(out, to: back)
        let imported = try #require(try ModelDirectory.load(back).model as? Transformer)
        #expect(imported.configuration == read.configuration)
        _ = try ModelExport.run(back, to: .gguf, precision: .f32, at: directory.file("again.gguf"))
        let first = try GGUFFile(path: out), second = try GGUFFile(path: directory.file("again.gguf"))
        let expected = try Self.divisors(first), divisors = try Self.divisors(second)
        #expect(zip(expected, divisors).allSatisfy { abs($0 - $1) <= (isSame ? 0 : 1e-6 * $0) }, "\(divisors)")
    }

    private static func divisors(_ file: GGUFFile) throws -> [Float] {
        try file.withBytes(of: file.entry("rope_freqs.weight")) { bytes in
            (0..<8).map { Float(bitPattern: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)) }
        }
    }

    @Test("An export that cannot be read back is named by its own name, not by the temporary one")
    func ownName() throws {
        let tokenizer = CharacterTokenizer(alphabetOf: ["\n abc"]), out = directory.file("model.gguf")
        // Too small for a 32-bit float, as which llama.cpp stores it.
        let shape = TransformerConfiguration(
            vocabularySize: tokenizer.vocabularySize, contextLength: 8, layers: 1, heads: 2, width: 16,
            normEpsilon: 1e-60)
        try ModelDirectory.save(Transformer(shape, seed: 4), tokenizer: tokenizer, to: directory.file("model"))
        let error = #expect(throws: ModelError.self) {
            try ModelExport.run(directory.file("model"), to: .gguf, precision: .f32, at: out)
        }
        let description = error?.description ?? ""
        #expect(description.contains("read back") && description.contains(out))
        #expect(!description.replacing(out, with: "").contains(directory.path), "\(description)")
    }

    @Test("Rows that are no whole blocks are written in half precision, vectors and positions exactly")
    func blocks() throws {
        let model = try model(CharacterTokenizer(alphabetOf: ["abc"]), width: 24), out = directory.file("model.gguf")
        _ = try ModelExport.run(model, to: .gguf, precision: .q8_0, at: out)
        let file = try GGUFFile(path: out)
        #expect(try file.entry("token_embd.weight").encoding == .float16)
        #expect(try file.entry("blk.0.ffn_down.weight").encoding == .q8_0)
        #expect(try file.entry("blk.0.ffn_down.weight").shape == [24, 96])
        #expect(try file.entry("position_embd.weight").encoding == .float32)
        #expect(try file.entry("blk.1.attn_norm.bias").encoding == .float32)
    }

    @Test("A vocabulary without an end of text gets one, which is never the most probable")
    func reservedEnd() throws {
        let vocabulary =
            #"{"version":"1.0","model":{"type":"BPE","vocab":{"a":0,"b":1,"c":2,"é":3,"d":4},"merges":[]}}"#
        let tokenizer = try TokenizerFile.tokenizer(from: Array(vocabulary.utf8))
        #expect(tokenizer.endOfText == nil)
        let model = try model(tokenizer), out = directory.file("model.gguf")
        _ = try ModelExport.run(model, to: .gguf, precision: .f32, at: out)
        let saved = try ModelDirectory.load(out), read = try saved.tokenizer
        #expect(read.endOfText == 5 && saved.model.vocabularySize == 6)
        let logits = try Self.logits(out)
        for row in 0..<4 {
            let row = logits[row * 6..<row * 6 + 6]
            #expect(abs((row.last ?? 0) - row.dropLast().reduce(0, +) / 5) < 1e-5)
        }
    }

    @Test("What fails leaves nothing, and an older file stays")
    func tooGreat() throws {
        let model = try model(ByteTokenizer()) { model in
            model.tokenEmbedding.value.withElements { $0[40] = 1e6 }
        }
        let out = directory.file("model.gguf")
        try directory.write([1, 2, 3], to: "model.gguf")
        for format in [ExportFormat.gguf, .hf] {
            let path = format == .gguf ? out : directory.file("hf")
            #expect(throws: ModelError.self) { try ModelExport.run(model, to: format, precision: .f16, at: path) }
        }
        #expect(directory.contents == ["model", "model.gguf"])
        #expect(try Fixtures.bytes(out) == [1, 2, 3])
    }

    @Test("A model that no other program computes is refused", arguments: ExportFormat.allCases)
    func counts(format: ExportFormat) throws {
        let tokenizer = CharacterTokenizer(alphabetOf: ["ab"]), path = directory.file("model")
        let model = try NGramModel(
            order: 2, vocabularySize: tokenizer.vocabularySize, documents: [try tokenizer.encode("abba")])
        try ModelDirectory.save(model, tokenizer: tokenizer, to: path)
        #expect(throws: ModelError.self) {
            try ModelExport.run(path, to: format, precision: .f32, at: directory.file("new/one/out"))
        }
        #expect(directory.contents == ["model"], "no directory was made for it")
    }

    @Test(
        "Of a model whose weights are no numbers the weight is named", arguments: ExportFormat.allCases,
        [Float.nan, -.infinity])
    func notFinite(format: ExportFormat, value: Float) throws {
        // A row that no other meets: what the check computes has nothing of it.
        let model = try model(ByteTokenizer(), ties: false) { model in
            model.tokenEmbedding.value.withElements { $0[32 * 255] = value }
        }
        let error = #expect(throws: ModelError.self) {
            try ModelExport.run(model, to: format, precision: .f32, at: directory.file("out"))
        }
        #expect(error?.path == model && error?.reason.contains("(1 of the 8224 in transformer.wte.weight") == true)
        #expect(throws: ModelError.self) { try ModelImport.run(model, to: directory.file("out")) }
        #expect(directory.contents == ["model"])
    }

    @Test(
        "A directory for transformers says how its numbers are stored", arguments: [ExportPrecision.f32, .f16, .bf16])
    func hf(precision: ExportPrecision) throws {
        let model = try model(ByteTokenizer()), out = directory.file("hf")
        _ = try ModelExport.run(model, to: .hf, precision: precision, at: out)
        #expect(
            try Files.contents(ofDirectory: out) == [
                "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
            ])
        let dtype = try JSON(parsing: Fixtures.bytes(out + "/config.json"))["dtype"]?.stringValue
        #expect(dtype == [.f32: "float32", .f16: "float16", .bf16: "bfloat16"][precision])
        let weights = try SafetensorsFile(path: out + "/model.safetensors")
        #expect(try weights.entry("transformer.wte.weight").dtype.size == (precision == .f32 ? 4 : 2))
        #expect(throws: FileError.self) { try ModelExport.run(model, to: .hf, precision: precision, at: out) }
    }

    @Test("A directory is imported as it is, a GGUF file converted")
    func imports() throws {
        let model = try model(ByteTokenizer()), file = directory.file("model.gguf")
        try directory.write([], to: "model/notes.txt")
        let taken = try ModelImport.run(model, to: directory.file("taken"))
        #expect(taken.isInPlace && taken.remarks.isEmpty && taken.modelType == "gpt2")
        #expect(try !Files.contents(ofDirectory: directory.file("taken")).contains("notes.txt"))
        _ = try ModelExport.run(model, to: .gguf, precision: .bf16, at: file)
        #expect(try !ModelImport.run(file, to: directory.file("converted")).isInPlace)
        #expect(try Self.logits(directory.file("taken")) == Self.logits(model))
        #expect(try Self.logits(directory.file("converted")) == Self.logits(file))
        #expect(throws: FileError.self) { try ModelImport.run(model, to: directory.file("taken")) }
    }
}
