import Files
import Interchange
import Layers
import Models
import StrictJSON
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Exports of models that are no language models.
@Suite("Exports of encoders and encoder-decoders")
struct EncoderExportTests {
    private let directory = TemporaryDirectory()
    private static let tokenizer = CharacterTokenizer(alphabetOf: ["\n abcdefé"])
    private static let size = tokenizer.vocabularySize

    /// Larger weights than new ones, so that what they do is seen.
    private static func roughen(_ model: any TrainableModel) {
        var random = Philox(9)
        for named in model.parameters {
            named.parameter.load(named.parameter.value.values.map { $0 + Float(0.3 * random.nextNormal()) })
        }
    }

    static let heads: [EncoderConfiguration.Head] = [
        .none(hasPooler: false), .none(hasPooler: true), .classifier(labels: ["no", "perhaps", "é"]), .maskedTokens,
    ]

    private static func encoder(
        _ head: EncoderConfiguration.Head, feedForward: FeedForwardKind = .exactGELU, context: Int = 9
    ) -> Encoder {
        let model = Encoder(
            EncoderConfiguration(
                vocabularySize: size, contextLength: context, layers: 2, heads: 2, width: 8, feedForwardWidth: 11,
                feedForward: feedForward, head: head), seed: 1)
        roughen(model)
        return model
    }

    private static func translator(context: Int = 9) -> EncoderDecoder {
        let model = EncoderDecoder(
            EncoderDecoderConfiguration(
                vocabularySize: size, contextLength: context, width: 10,
                encoder: .init(layers: 2, heads: 2, feedForwardWidth: 7),
                decoder: .init(layers: 3, heads: 5, feedForwardWidth: 6), startToken: Int32(size - 1), endToken: 0,
                paddingToken: Int32(size - 1)), seed: 1)
        roughen(model)
        return model
    }

    private func save(_ model: any Model) throws -> String {
        let path = directory.file("model")
        try ModelDirectory.save(model, tokenizer: Self.tokenizer, to: path)
        return path
    }

    // MARK: Directories for transformers

    @Test(
        "A directory for transformers is the same model", arguments: heads, [ExportPrecision.f32, .f16, .bf16])
    func encoders(head: EncoderConfiguration.Head, precision: ExportPrecision) throws {
        let model = Self.encoder(head), path = try save(model), out = directory.file("out")
        let report = try ModelExport.run(path, to: .hf, precision: precision, at: out)
        #expect(report.difference.map { precision == .f32 ? $0 == 0 : $0 > 0 } == true)
        let read = try #require(try ModelDirectory.load(out).model.encoder)
        #expect(read.configuration == model.configuration)
        // An encoder generates nothing.
        #expect(
            try Files.contents(ofDirectory: out) == [
                "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
            ])
    }

    @Test("A directory of an encoder-decoder has its tokens where other programs look for them")
    func encoderDecoders() throws {
        let model = Self.translator(), path = try save(model), out = directory.file("out")
        #expect(try ModelExport.run(path, to: .hf, precision: .f32, at: out).difference == 0)
        let saved = try ModelDirectory.load(out)
        #expect(saved.model.encoderDecoder?.configuration == model.configuration)
        for file in ["config.json", "generation_config.json"] {
            let json = try JSON(parsing: Fixtures.bytes("\(out)/\(file)"))
            #expect(json["decoder_start_token_id"]?.intValue == Self.size - 1)
            #expect(json["eos_token_id"]?.intValue == 0 && json["pad_token_id"]?.intValue == Self.size - 1)
            // Sampling would translate at random.
            #expect(json["do_sample"] == nil)
        }
        #expect(saved.description.roles.ends == [0])
    }

    @Test("Files of sentence-transformers are part of the export")
    func embeddings() throws {
        let path = try save(Self.encoder(.none(hasPooler: false))), out = directory.file("out")
        let modules = #"[{"type": "x.Transformer"}, {"type": "x.Pooling", "path": "1_Pooling"}]"#
        try Files.makeDirectory(path + "/1_Pooling")
        try directory.write(Array(modules.utf8), to: "model/modules.json")
        try directory.write(Array(#"{"pooling_mode": "max"}"#.utf8), to: "model/1_Pooling/config.json")
        _ = try ModelExport.run(path, to: .hf, precision: .f32, at: out)
        #expect(try EmbeddingSettings(directory: out) == EmbeddingSettings(pooling: [.max], maximumLength: 9))
        // They decide results, so they are compared when the export is read.
        try directory.write(Array(#"{"pooling_mode": "cls"}"#.utf8), to: "out/1_Pooling/config.json")
        #expect(throws: ModelError.self) { try ModelDirectory.load(out) }
    }

    // MARK: Refusals

    @Test("What a format does not support is refused, with those that do")
    func refused() throws {
        for (model, format, others) in [
            (Self.encoder(.maskedTokens), .gguf, "hf or onnx or torchscript"),
            (Self.translator(), .gguf, "hf or onnx"), (Self.translator(), .torchscript, "hf or onnx"),
        ] as [(any Model, ExportFormat, String)] {
            let path = try save(model)
            let error = #expect(throws: ModelError.self) {
                try ModelExport.run(path, to: format, precision: .f32, at: directory.file("new/out"))
            }
            #expect(
                error?.reason.contains(
                    "'\(model.modelType)' cannot be exported to \(format.rawValue); export it to \(others)") == true)
        }
        let path = try save(Self.encoder(.maskedTokens))
        #expect(throws: ModelError.self) {
            try ModelExport.run(path, to: .onnx, precision: .f32, at: directory.file("out"), hasCache: true)
        }
        #expect(directory.contents == ["model"])
    }

    // MARK: ONNX

    @Test(
        "The graph of an encoder passes its check, for padded batches", arguments: heads,
        [FeedForwardKind.exactGELU, .gelu, .relu])
    func encoderGraphs(head: EncoderConfiguration.Head, feedForward: FeedForwardKind) throws {
        let model = Self.encoder(head, feedForward: feedForward), out = directory.file("model.onnx")
        let report = try ModelExport.run(try save(model), to: .onnx, precision: .f32, at: out)
        #expect(report.difference.map { $0 < 1e-4 } == true)
        let file = try ONNXFile(path: out).model
        #expect(file.inputs.map(\.name).sorted() == ["attention_mask", "input_ids", "token_type_ids"])
        #expect(file.outputs.map(\.name) == model.outputs(TokenBatch([0]), ForwardPass(.inference)).map(\.name))
        #expect(file.tensors.count { $0.byteCount ?? 0 > 8 } > 20)
        // Another model does not pass, whose graph is the same.
        let other = Encoder(model.configuration, seed: 2)
        for (own, new) in zip(other.parameters, model.parameters) where own.name.hasSuffix("LayerNorm.bias") {
            own.parameter.load(new.parameter.value.values)
        }
        #expect(throws: ModelError.self) {
            try ONNXCheck(other, Graph(tracing: other), path: out).run(graph: out, data: nil)
        }
    }

    @Test("A model with room for one token has a graph", arguments: [EncoderConfiguration.Head.maskedTokens])
    func shortest(head: EncoderConfiguration.Head) throws {
        let path = try save(Self.encoder(head, context: 1))
        _ = try ModelExport.run(path, to: .onnx, precision: .bf16, at: directory.file("model.onnx"))
    }

    @Test(
        "An encoder-decoder is three graphs, which translate token by token", arguments: [9, 1],
        [ExportPrecision.f32, .f16])
    func translation(context: Int, precision: ExportPrecision) throws {
        let out = directory.file("out")
        let report = try ModelExport.run(
            try save(Self.translator(context: context)), to: .onnx, precision: precision, at: out)
        #expect(precision != .f32 || report.difference.map { $0 < 1e-4 } == true)
        #expect(
            try Files.contents(ofDirectory: out) == [
                "config.json", "decoder_model.onnx", "decoder_with_past_model.onnx", "encoder_model.onnx",
                "generation_config.json", "tokenizer.json", "tokenizer_config.json",
            ])
        func names(_ name: String) throws -> (inputs: [String], outputs: [String]) {
            let model = try ONNXFile(path: "\(out)/\(name).onnx").model
            return (model.inputs.map(\.name).sorted(), model.outputs.map(\.name))
        }
        func cache(_ prefix: String, _ sides: [String]) -> [String] {
            (0..<3).flatMap { layer in
                sides.flatMap { side in ["key", "value"].map { "\(prefix).\(layer).\(side).\($0)" } }
            }
        }
        let (encoder, first, next) = try (
            names("encoder_model"), names("decoder_model"), names("decoder_with_past_model")
        )
        #expect(encoder.inputs == ["attention_mask", "input_ids"] && encoder.outputs == ["last_hidden_state"])
        #expect(first.inputs == ["encoder_attention_mask", "encoder_hidden_states", "input_ids"])
        #expect(first.outputs == ["logits"] + cache("present", ["decoder", "encoder"]))
        #expect(
            next.inputs
                == (["encoder_attention_mask", "input_ids"] + cache("past_key_values", ["decoder", "encoder"])).sorted()
        )
        #expect(next.outputs == ["logits"] + cache("present", ["decoder"]))
        // A directory that has files is not written to.
        #expect(throws: FileError.self) {
            try ModelExport.run(directory.file("model"), to: .onnx, precision: .f32, at: out)
        }
    }

    // MARK: Graphs

    @Test("A graph has only what its outputs depend on")
    func pruned() throws {
        let model = Self.translator()
        let names = { (graph: Graph) in Set(graph.parameters.map(\.name)) }
        let encoder = try Graph(tracingEncoderOf: model)
        let first = try Graph(tracingDecoderOf: model, isFirst: true)
        let next = try Graph(tracingDecoderOf: model, isFirst: false)
        #expect(names(encoder).union(names(first)) == Set(model.parameters.map(\.name)))
        // The keys and values of the memory are inputs, so their projections are not used.
        let projections = names(first).subtracting(names(next))
        #expect(projections.count == 3 * 4 && projections.allSatisfy { $0.contains("encoder_attn.") })
        for graph in [encoder, first, next] {
            var used = Set(graph.outputs.map(\.value))
            for (number, node) in graph.nodes.enumerated().reversed() {
                #expect(node.outputs.contains { used.contains($0) })
                used.formUnion(node.inputs)
                for output in node.outputs {
                    guard case .node(number) = graph[output].origin else {
                        Issue.record("value \(output) does not lead to its node")
                        continue
                    }
                }
            }
            for value in graph.inputs.map(\.value) + graph.parameters.map(\.value) { #expect(used.contains(value)) }
        }
    }

    // MARK: TorchScript

    @Test("An archive of an encoder has its weights, its labels and one method for token ids", arguments: heads)
    func torchScript(head: EncoderConfiguration.Head) throws {
        let model = Self.encoder(head), out = directory.file("model.pt")
        let report = try ModelExport.run(try save(model), to: .torchscript, precision: .f32, at: out)
        #expect(report.remarks.isEmpty)
        let text = String(decoding: try Fixtures.bytes(out), as: UTF8.self)
        #expect(text.contains("attention_mask: Optional[Tensor]=None") && !text.contains("generate_ids"))
        let isPair = if case .none(hasPooler: true) = head { true } else { false }
        #expect(text.contains("-> Tuple[Tensor, Tensor]") == isPair)
        if case .classifier = head { #expect(text.contains("labels : List[str]")) }
    }

    @Test(
        "The references of encoders are exported in every format that they have", arguments: Fixtures.encoderReferences)
    func references(path: String) throws {
        let formats: [ExportFormat] = path.contains("marian") ? [.hf, .onnx] : [.hf, .onnx, .torchscript]
        for format in formats {
            let out = directory.file("out-\(format.rawValue)")
            let report = try ModelExport.run(path, to: format, precision: .f32, at: out)
            #expect(report.remarks.contains { $0.contains("token ids") }, "they have no tokenizer")
            #expect(report.difference.map { $0 < 1e-4 } ?? (format == .torchscript))
        }
    }
}
