import Files
import Inference
import Interchange
import Models
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite("Embeddings of texts")
struct TextEmbedderTests {
    private static let words = [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "tea", "for", "two", "##s", "and", ".", "σας", "σασ",
    ]

    private static func tokenizer() throws -> WordPieceTokenizer {
        try WordPieceTokenizer(
            WordPieceVocabulary(tokens: words), specialTokens: (0..<4).map { SpecialToken(words[$0], id: Int32($0)) },
            template: TokenTemplate(before: [2], after: [3]))
    }

    private static func encoder(_ head: EncoderConfiguration.Head = .none(hasPooler: false)) -> Encoder {
        let model = Encoder(
            EncoderConfiguration(
                vocabularySize: words.count, contextLength: 12, layers: 2, heads: 2, width: 8, head: head), seed: 3)
        // Larger than at the start of training, where words hardly matter.
        for parameter in model.parameters.map(\.parameter) where parameter.value.shape.rank == 2 {
            parameter.load(parameter.value.values.map { 20 * $0 })
        }
        return model
    }

    private static let texts = ["tea for two", "", "two teas and tea for two.", "tea", "  for \t tea\n", "[SEP] tea"]

    /// The hidden vectors of a text, row by row.
    private func rows(_ encoder: Encoder, _ text: String) throws -> [[Float]] {
        let ids = try Self.tokenizer().encode(text, special: .allowed, addingSpecialTokens: true)
        let values = encoder.hiddenVectors(TokenBatch([ids])).values
        return stride(from: 0, to: values.count, by: 8).map { Array(values[$0..<$0 + 8]) }
    }

    @Test("Each way of pooling is what its equation says", arguments: EmbeddingSettings.Pooling.allCases)
    func pooling(mode: EmbeddingSettings.Pooling) throws {
        let encoder = Self.encoder()
        let embedder = TextEmbedder(encoder, tokenizer: try Self.tokenizer(), settings: .init(pooling: [mode]))
        for text in Self.texts {
            let rows = try rows(encoder, text), T = Double(rows.count)
            func sum(_ weight: (Int) -> Double = { _ in 1 }) -> [Double] {
                (0..<8).map { i in rows.indices.reduce(0) { $0 + weight($1) * Double(rows[$1][i]) } }
            }
            let expected =
                switch mode {
                case .cls: rows[0].map(Double.init)
                case .lastToken: rows[rows.count - 1].map(Double.init)
                case .max: (0..<8).map { i in Double(rows.map { $0[i] }.max() ?? 0) }
                case .mean: sum().map { $0 / T }
                case .meanSqrtLength: sum().map { $0 / T.squareRoot() }
                case .weightedMean: sum { Double($0 + 1) }.map { $0 / (1...rows.count).reduce(0) { $0 + Double($1) } }
                }
            let embedding = try embedder.embed(text)
            #expect(zip(embedding.values, expected).allSatisfy { abs(Double($0) - $1) < 1e-6 })
            #expect(embedding.tokenCount == rows.count && !embedding.isTruncated)
        }
    }

    @Test("Several ways are concatenated in the order of sentence-transformers, and normalized as a whole")
    func several() throws {
        let encoder = Self.encoder(), tokenizer = try Self.tokenizer()
        let parts = try [EmbeddingSettings.Pooling.cls, .max, .mean].flatMap {
            try TextEmbedder(encoder, tokenizer: tokenizer, settings: .init(pooling: [$0])).embed("tea for two").values
        }
        let settings = EmbeddingSettings(pooling: [.mean, .cls, .max], normalizes: true)
        let embedder = TextEmbedder(encoder, tokenizer: tokenizer, settings: settings)
        let norm = parts.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        let values = try embedder.embed("tea for two").values
        #expect(embedder.dimensions == 24 && values.count == 24)
        #expect(zip(values, parts).allSatisfy { abs(Double($0) - Double($1) / norm) < 1e-6 })
    }

    @Test(
        "The embedding of a text depends on no other text, to the last bit, and comes in the order given",
        arguments: [1, 2])
    func batches(threads: Int) throws {
        try Execution.$current.withValue(Execution(threads: threads)) {
            let embedder = TextEmbedder(Self.encoder(), tokenizer: try Self.tokenizer())
            let alone = try Self.texts.map { try embedder.embed($0) }
            #expect(Set(alone.map(\.values)).count == Self.texts.count)
            for size in [1, 2, 4, 100] { #expect(try embedder.embed(Self.texts, batchSize: size) == alone) }
            #expect(try embedder.embed(Self.texts.reversed(), batchSize: 3) == alone.reversed())
        }
    }

    @Test("Weights that change are packed again")
    func changedWeights() throws {
        let encoder = Self.encoder(), embedder = TextEmbedder(encoder, tokenizer: try Self.tokenizer())
        let before = try embedder.embed("tea").values
        let weight = encoder.blocks[0].feedForward.expansion.weight
        weight.load(weight.value.values.map { -$0 })
        let after = try embedder.embed("tea").values
        #expect(before != after)
        #expect(after == (try TextEmbedder(encoder, tokenizer: Self.tokenizer()).embed("tea").values))
    }

    @Test("A long text is cut, and said to be", arguments: [(nil, 12), (5, 5), (100, 12)])
    func truncation(maximumLength: Int?, length: Int) throws {
        let settings = EmbeddingSettings(maximumLength: maximumLength)
        let encoder = Self.encoder()
        let embedder = TextEmbedder(encoder, tokenizer: try Self.tokenizer(), settings: settings)
        let long = try embedder.embed(String(repeating: "tea ", count: 20))
        let cut = try embedder.embed(String(repeating: "tea ", count: length - 2))
        #expect(long.isTruncated && long.tokenCount == length && !cut.isTruncated && long.values == cut.values)
    }

    @Test("A prompt precedes each text, and lower case is that of Python")
    func texts() throws {
        var normalization = BertNormalization()
        normalization.lowercases = false
        let tokenizer = try WordPieceTokenizer(
            WordPieceVocabulary(tokens: Self.words), normalization: normalization, template: TokenTemplate())
        func embedder(_ settings: EmbeddingSettings) -> TextEmbedder {
            TextEmbedder(Self.encoder(), tokenizer: tokenizer, settings: settings)
        }
        let lower = embedder(.init(lowercases: true))
        #expect(try lower.embed("TEA") == embedder(.init()).embed("tea"))
        #expect(try lower.embed("ΣΑΣ") == lower.embed("σας"))
        #expect(try lower.embed("ΣΑΣ") != lower.embed("σασ"))
        #expect(try embedder(.init(prompt: "tea ")).embed("for two") == embedder(.init()).embed("tea for two"))
        #expect(throws: EmbeddingError.emptyText(number: 1)) { try lower.embed(["tea", "\u{1F}\n"]) }
    }

    // MARK: Files

    private func save(_ files: [String: String], _ directory: TemporaryDirectory, _ head: EncoderConfiguration.Head)
        throws
        -> String
    {
        let path = directory.file("model")
        try ModelDirectory.save(Self.encoder(head), tokenizer: Self.tokenizer(), to: path)
        try Files.makeDirectory(path + "/1_Pooling")
        for (name, text) in files { try directory.write(Array(text.utf8), to: "model/" + name) }
        return path
    }

    private static func modules(_ types: String...) -> String {
        let modules = types.enumerated().map {
            #"{"idx": \#($0), "path": "\#($0)_\#($1)", "type": "sentence_transformers.models.\#($1)"}"#
        }
        return "[" + modules.joined(separator: ", ") + "]"
    }

    @Test(
        "The files of a directory decide, whatever the head of the model",
        arguments: [EncoderConfiguration.Head.none(hasPooler: true), .classifier(labels: ["a", "b"]), .maskedTokens])
    func directory(head: EncoderConfiguration.Head) throws {
        let directory = TemporaryDirectory()
        let path = try save(
            [
                "modules.json": Self.modules("Transformer", "Pooling", "Normalize"),
                "1_Pooling/config.json": #"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#,
                "sentence_bert_config.json": #"{"max_seq_length": 4, "do_lower_case": true}"#,
                "config_sentence_transformers.json":
                    #"{"prompts": {"query": "tea "}, "default_prompt_name": "query"}"#,
            ], directory, head)
        let embedder = try TextEmbedder(ModelDirectory.load(path))
        let expected = EmbeddingSettings(
            pooling: [.cls], normalizes: true, maximumLength: 4, lowercases: true, prompt: "tea ")
        #expect(embedder.settings == expected && embedder.hasOwnSettings)
        // They are part of the model.
        _ = try ModelImport.run(path, to: directory.file("copy"))
        #expect(try TextEmbedder(ModelDirectory.load(directory.file("copy"))).settings == expected)
    }

    @Test("Without files it is the mean")
    func noFiles() throws {
        let directory = TemporaryDirectory()
        let embedder = try TextEmbedder(ModelDirectory.load(save([:], directory, .maskedTokens)))
        #expect(embedder.settings == EmbeddingSettings() && !embedder.hasOwnSettings)
        #expect(embedder.settings.pooling == [.mean])
    }

    @Test(
        "What is not supported is named",
        arguments: [
            (["modules.json": modules("Transformer", "Pooling", "Dense")], "Dense"),
            (["modules.json": modules("Transformer")], "no module that pools"),
            (["modules.json": modules("Transformer", "Pooling")], "no such file"),
            (["modules.json": "{}"], "not a list"), (["modules.json": "["], "not JSON"),
            (["1_Pooling/config.json": #"{"pooling_mode_median_tokens": true}"#], "pooling_mode_median_tokens"),
            (["1_Pooling/config.json": #"{"pooling_mode": "median"}"#], "median"),
            (["1_Pooling/config.json": #"{"pooling_mode_mean_tokens": false}"#], "no mode"),
            (["1_Pooling/config.json": #"{"pooling_mode_mean_tokens": 1}"#], "pooling_mode_mean_tokens"),
            (["sentence_bert_config.json": #"{"max_seq_length": 0}"#], "max_seq_length"),
            (["config_sentence_transformers.json": #"{"default_prompt_name": "x"}"#], "no prompt"),
        ])
    func refused(files: [String: String], reason: String) throws {
        let directory = TemporaryDirectory()
        var known = ["modules.json": Self.modules("Transformer", "Pooling"), "1_Pooling/config.json": "{}"]
        if reason == "no such file" { known["1_Pooling/config.json"] = nil }
        let path = try save(known.merging(files) { $1 }, directory, .maskedTokens)
        let saved = try ModelDirectory.load(path)
        let error = #expect(throws: ModelError.self) { try TextEmbedder(saved) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }

    @Test("A language model has no embeddings of texts")
    func languageModel() throws {
        let directory = TemporaryDirectory(), path = directory.file("model")
        try ModelDirectory.save(BigramModel(vocabularySize: 257, seed: 1), tokenizer: ByteTokenizer(), to: path)
        let saved = try ModelDirectory.load(path)
        let error = #expect(throws: ModelError.self) { try TextEmbedder(saved) }
        #expect(error?.reason.contains("give an encoder") == true)
    }
}
