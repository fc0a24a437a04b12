import Files
import Interchange
import Models
import StrictJSON
import Tensors
import TestSupport
import Testing
import Tokenizers

/// An imported directory: a copy that has nothing in common with its source.
@Suite struct ModelImportTests {
    private let directory = TemporaryDirectory()
    private var source: String { directory.file("source") }
    private var copy: String { directory.file("copy") }

    /// A directory that was saved here.
    private func makeOwnSource() throws {
        let tokenizer = CharacterTokenizer(alphabetOf: ["\nabcd"])
        let model = Transformer(
            TransformerConfiguration(
                .llama, vocabularySize: tokenizer.vocabularySize, contextLength: 8, layers: 2, heads: 2, width: 8),
            seed: 1)
        try ModelDirectory.save(model, tokenizer: tokenizer, to: source)
    }

    /// A directory as transformers writes it: in half precision, without checksums, in one file or several.
    private func makeSource(files: Int) throws {
        try makeOwnSource()
        let whole = try SafetensorsFile(path: source + "/model.safetensors")
        let tensors = try whole.names.map { name in
            let bits = try whole.floats(name).map { UInt16($0.bitPattern >> 16) }
            return SafetensorsTensor(name: name, dtype: .bfloat16, shape: try whole.shape(name)) { piece in
                try bits.withUnsafeBytes(piece)
            }
        }
        try Files.remove(source + "/model.safetensors")
        if files == 1 {
            return try SafetensorsWriter.write(
                to: source + "/model.safetensors", metadata: ["format": "pt"], tensors: tensors)
        }
        var map = JSONObject()
        for part in 0..<files {
            let name = "model-0000\(part + 1)-of-0000\(files).safetensors"
            let share = stride(from: part, to: tensors.count, by: files).map { tensors[$0] }
            try SafetensorsWriter.write(to: "\(source)/\(name)", metadata: ["format": "pt"], tensors: share)
            for tensor in share { map[tensor.name] = .string(name) }
        }
        let index: JSON = ["metadata": ["total_size": 1], "weight_map": .object(map)]
        try directory.write(Array(index.serialized().utf8), to: "source/model.safetensors.index.json")
    }

    private func logits(_ path: String) throws -> [Float] {
        let model = try #require(try ModelDirectory.load(path).model as? Transformer)
        return model.logits(TokenBatch([1, 2, 3])).values
    }

    private func refusal() -> String {
        do { _ = try ModelDirectory.load(copy) } catch { return "\(error)" }
        return "none"
    }

    @Test("The copy has the same numbers, and nothing in common with the source", arguments: [1, 2])
    func copies(files: Int) throws {
        try makeSource(files: files)
        #expect(try ModelImport.run(source, to: copy).isInPlace)
        #expect(try Files.contents(ofDirectory: copy) == Files.contents(ofDirectory: source))
        let expected = try logits(source)
        #expect(try logits(copy) == expected)
        // Edited in place, as no careful program does.
        for name in try Files.contents(ofDirectory: source) {
            let file = "\(source)/\(name)"
            try #require(Fixtures.write([UInt8](repeating: 0, count: try Fixtures.bytes(file).count), to: file))
        }
        #expect(try logits(copy) == expected)
    }

    @Test("In the copy of a model that was saved here, damage to the weights and edits of other files are found")
    func verified() throws {
        try makeOwnSource()
        _ = try ModelImport.run(source, to: copy)
        #expect(refusal() == "none")
        for name in try Files.contents(ofDirectory: copy) {
            let whole = try Fixtures.bytes("\(copy)/\(name)")
            var bytes = whole
            if name.hasSuffix(".json") {
                var object = try #require(try JSON(parsing: bytes).objectValue)
                let first = try #require(object.first)
                object[first.key] = ["changed": true]
                bytes = Array(JSON.object(object).serialized().utf8)
            } else {
                bytes[bytes.count - 3] ^= 1
            }
            try directory.write(bytes, to: "copy/\(name)")
            #expect(refusal() != "none", "\(name)")
            try directory.write(whole, to: "copy/\(name)")
        }
        #expect(refusal() == "none")
    }

    @Test("Importing a directory with accepted edits makes one whose record is of the edited files")
    func edited() throws {
        try makeOwnSource()
        _ = try ModelImport.run(source, to: copy)
        var config = try #require(try JSON(parsing: Fixtures.bytes(copy + "/config.json")).objectValue)
        config["rms_norm_eps"] = 0.01
        try directory.write(Array(JSON.object(config).serialized().utf8), to: "copy/config.json")
        let again = directory.file("again")
        #expect(throws: ModelError.self) { try ModelImport.run(copy, to: again) }
        _ = try ModelImport.run(copy, to: again, acceptingEdits: true)
        let model = try #require(try ModelDirectory.load(again).model as? Transformer)
        #expect(model.configuration.normEpsilon == 0.01)
    }

    @Test("Of an index every entry names a file", arguments: ["3", "null", "[]", #""../x.safetensors""#, #""x.bin""#])
    func index(value: String) throws {
        try makeSource(files: 2)
        let path = source + "/model.safetensors.index.json"
        var map = try #require(try JSON(parsing: Fixtures.bytes(path))["weight_map"]?.objectValue)
        map["model.norm.weight"] = .some(try JSON(parsing: value))
        let index: JSON = ["weight_map": .object(map)]
        try directory.write(Array(index.serialized().utf8), to: "source/model.safetensors.index.json")
        let error = #expect(throws: ModelError.self) { try ModelDirectory.load(source) }
        #expect(error?.description.contains("model.norm.weight") == true)
    }

    @Test(
        "Keys of a GGUF file are read as llama.cpp reads them: renamed ones are missing, and have no default of ours",
        arguments: [
            ("llama.attention.layer_norm_rms_epsilon", nil), ("llama.context_length", nil),
            ("llama.rope.scaling.type", RotaryFrequencies(base: 300, scaling: .linear(factor: 2))),
            ("llama.rope.scaling.factor", nil),
            ("llama.rope.freq_base", RotaryFrequencies(scaling: .linear(factor: 2))),
        ] as [(String, RotaryFrequencies?)])
    func gguf(key: String, positions: RotaryFrequencies?) throws {
        let tokenizer = CharacterTokenizer(alphabetOf: ["\nabcd"])
        var shape = TransformerConfiguration(
            .llama, vocabularySize: tokenizer.vocabularySize, contextLength: 8, layers: 1, heads: 2, width: 8)
        shape.positions = .rotary(RotaryFrequencies(base: 300, scaling: .linear(factor: 2)))
        try ModelDirectory.save(Transformer(shape, seed: 1), tokenizer: tokenizer, to: source)
        let file = directory.file("model.gguf")
        _ = try ModelExport.run(source, to: .gguf, precision: .f32, at: file)
        var bytes = try Fixtures.bytes(file)
        let place = try #require(bytes.firstRange(of: Array(key.utf8)))
        bytes[place.upperBound - 1] = UInt8(ascii: "X")
        try directory.write(bytes, to: "model.gguf")
        guard let positions else {
            let error = #expect(throws: ModelError.self) { try ModelDirectory.load(file) }
            #expect(error?.description == "\(file): \(key) is missing")
            return
        }
        let model = try #require(try ModelDirectory.load(file).model as? Transformer)
        #expect(model.configuration.positions == .rotary(positions))
    }
}
