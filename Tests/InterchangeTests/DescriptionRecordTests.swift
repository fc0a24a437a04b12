import Files
import Inference
import Interchange
import Models
import StrictJSON
import Tensors
import TestSupport
import Testing
import Tokenizers

/// A change of one member of a JSON object that keeps the file valid JSON.
enum MemberChange: String, CaseIterable {
    case altered, null, string, renamed, removed

    /// The object with its member `key` changed; nil where this is no change.
    func apply(to object: JSONObject, _ key: String) -> JSONObject? {
        guard let value = object[key] else { return nil }
        var object = object
        switch self {
        case .altered:
            switch value {
            case .null: object[key] = 3
            case .bool(let value): object[key] = .bool(!value)
            case .number(let number):
                object[key] = number.int.map { .int($0 + 1) } ?? .double(2 * (number.double ?? 0) + 0.001)
            case .string(let text): object[key] = .string(text + "x")
            case .array: object[key] = .array([value])
            case .object(let members):
                object[key] = members.first.flatMap { apply(to: members, $0.key) }.map(JSON.object)
            }
        case .null: object[key] = value.isNull ? nil : .some(.null)
        case .string: object[key] = .string(value.stringValue.map { $0 + " " } ?? value.serialized())
        case .renamed:
            object[key] = nil
            object[key + "x"] = value
        case .removed: object[key] = nil
        }
        return object
    }
}

/// The files beside the weights of a directory of ours say what they said when it was saved.
@Suite struct DescriptionRecordTests {
    private static let tokenizer = CharacterTokenizer(alphabetOf: ["\nabcdé"])
    private static let kinds = ["gpt2", "llama", "qwen3", "transformer", "attention", "bigram", "ngram"]

    /// A small model of a `model_type`.
    private static func model(_ kind: String) throws -> any LanguageModel {
        let size = tokenizer.vocabularySize
        if let family = TransformerConfiguration.Family(rawValue: kind) {
            return Transformer(
                TransformerConfiguration(family, vocabularySize: size, contextLength: 8, layers: 1, heads: 2, width: 8),
                seed: 1)
        }
        switch kind {
        case "attention": return AttentionModel(.init(vocabularySize: size, contextLength: 8, width: 6), seed: 3)
        case "bigram": return BigramModel(vocabularySize: size, seed: 4)
        case "ngram": return try NGramModel(order: 3, vocabularySize: size, documents: [[1, 2, 3, 1, 2, 4]])
        default:
            return Transformer(
                TransformerConfiguration(
                    vocabularySize: size, contextLength: 8, layers: 1, heads: 2, width: 8, normalization: .rmsNorm,
                    positions: .rotary(RotaryFrequencies()), feedForward: .relu), seed: 2)
        }
    }

    private let directory = TemporaryDirectory()

    private func save(_ kind: String = "llama", _ tokenizer: any Tokenizer = Self.tokenizer) throws {
        try ModelDirectory.save(try Self.model(kind), tokenizer: tokenizer, to: directory.path)
    }

    private func object(_ name: String) throws -> JSONObject {
        try #require(try JSON(parsing: Fixtures.bytes(directory.file(name))).objectValue)
    }

    private func write(_ object: JSONObject, to name: String) throws {
        try directory.write(Array(JSON.object(object).serialized().utf8), to: name)
    }

    private func refusal(acceptingEdits: Bool = false) -> String? {
        do { _ = try ModelDirectory.load(directory.path, acceptingEdits: acceptingEdits) } catch { return "\(error)" }
        return nil
    }

    @Test(
        "Every key of every file decides, whatever is done to it", arguments: kinds,
        ["config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json"])
    func everyKey(kind: String, name: String) throws {
        try save(kind)
        let original = try object(name)
        #expect(original.count > 2)
        for (key, value) in original {
            for change in MemberChange.allCases {
                guard let changed = change.apply(to: original, key), changed != original else { continue }
                try write(changed, to: name)
                let message = try #require(refusal(), "\(change) \(key) (\(value.serialized()))")
                #expect(message.hasPrefix(directory.file(name) + ": edited since the model was saved: "))
                #expect(message.contains(key) && message.contains("accept edited files") && !message.contains("\n"))
            }
        }
        try write(original, to: name)
        #expect(refusal() == nil)
    }

    @Test("A number of the rotary positions is found below the first level, and both values are named")
    func nested() throws {
        try save()
        var config = try object("config.json")
        var parameters = try #require(config["rope_parameters"]?.objectValue)
        parameters["rope_theta"] = 20000.0
        config["rope_parameters"] = .object(parameters)
        try write(config, to: "config.json")
        #expect(refusal()?.contains("rope_parameters.rope_theta was 10000.0 and is 20000.0") == true)
    }

    @Test("A file that was only saved again by another program is the same file", arguments: kinds)
    func savedAgain(kind: String) throws {
        try save(kind)
        for name in ["config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json"] {
            let reversed = try object(name).reversed().map { ($0.key, $0.value) }
            var text = JSON.object(JSONObject(reversed)).serialized()
            // As Python writes them.
            text = text.replacing("\u{E9}", with: #"\u00e9"#).replacing("1e-05", with: "0.00001")
            try directory.write(Array(("\n" + text + " \r\n").utf8), to: name)
        }
        #expect(refusal() == nil)
    }

    @Test(
        "A file that is missing, or no JSON any more, is named",
        arguments: ["generation_config.json", "tokenizer.json"])
    func missing(name: String) throws {
        try save()
        let bytes = try Fixtures.bytes(directory.file(name))
        try directory.write(Array(bytes.dropLast(3)), to: name)
        #expect(refusal()?.contains("\(name): edited or damaged since the model was saved") == true)
        try Files.remove(directory.file(name))
        #expect(refusal()?.contains("\(name): missing") == true)
        #expect(refusal(acceptingEdits: true) == nil)
    }

    @Test("Of a large vocabulary there is a digest, which does not depend on spaces either")
    func large() throws {
        let path = Fixtures.tokenizers + "/hf-bpe-512-tokenizer.json"
        let tokenizer = try TokenizerFile.tokenizer(from: Fixtures.bytes(path))
        try ModelDirectory.save(
            BigramModel(vocabularySize: tokenizer.vocabularySize, seed: 1), tokenizer: tokenizer, to: directory.path)
        let original = try object("tokenizer.json")
        #expect(JSON.object(original).serialized().utf8.count > 4096)
        try write(JSONObject(original.reversed().map { ($0.key, $0.value) }), to: "tokenizer.json")
        #expect(refusal() == nil)
        // The first two merges change places: as valid a vocabulary, and another one.
        var model = try #require(original["model"]?.objectValue)
        var merges = try #require(model["merges"]?.arrayValue)
        merges.swapAt(0, 1)
        model["merges"] = .array(merges)
        var changed = original
        changed["model"] = .object(model)
        try write(changed, to: "tokenizer.json")
        #expect(refusal()?.contains("tokenizer.json: edited or damaged") == true)
        #expect(refusal(acceptingEdits: true) == nil)
        let error = #expect(throws: ModelError.self) { try TokenizerLoader.read(directory.path) }
        #expect(error?.path == directory.file("tokenizer.json"))
        #expect(try TokenizerLoader.read(directory.file("tokenizer.json")).vocabularySize == tokenizer.vocabularySize)
    }

    @Test("An edit that is accepted counts")
    func accepted() throws {
        try save()
        let logits = try #require(try ModelDirectory.load(directory.path).model as? Transformer)
            .logits(TokenBatch([1, 2, 3])).values
        var config = try object("config.json")
        config["rms_norm_eps"] = 0.01
        try write(config, to: "config.json")
        let edited = try #require(
            try ModelDirectory.load(directory.path, acceptingEdits: true).model as? Transformer)
        #expect(edited.configuration.normEpsilon == 0.01)
        #expect(edited.logits(TokenBatch([1, 2, 3])).values != logits)
    }

    @Test("A directory without a record, of an older version or another program, is read as it is")
    func withoutRecord() throws {
        try save()
        let weights = try SafetensorsFile(path: directory.file("model.safetensors"))
        #expect(weights.metadata["description"] != nil)
        let tensors = try weights.names.map { name in
            SafetensorsTensor(name: name, shape: try weights.shape(name), floats: try weights.floats(name))
        }
        try SafetensorsWriter.write(
            to: directory.file("model.safetensors"), metadata: ["format": "pt"], tensors: tensors, checksum: true)
        var config = try object("config.json")
        config["rms_norm_eps"] = 0.01
        try write(config, to: "config.json")
        let model = try #require(try ModelDirectory.load(directory.path).model as? Transformer)
        #expect(model.configuration.normEpsilon == 0.01)
    }

    @Test("A record that was altered is damage to the weights")
    func alteredRecord() throws {
        try save()
        var bytes = try Fixtures.bytes(directory.file("model.safetensors"))
        let place = try #require(bytes.firstRange(of: Array("1e-06".utf8)))
        bytes.replaceSubrange(place, with: "1e-02".utf8)
        try directory.write(bytes, to: "model.safetensors")
        #expect(refusal() != nil)
        bytes.replaceSubrange(place, with: "xe-06".utf8)
        try directory.write(bytes, to: "model.safetensors")
        #expect(refusal() != nil)
        #expect(refusal(acceptingEdits: true)?.contains("checksum") == true)
    }

    @Test("A record from anyone opens no other file")
    func hostileRecord() throws {
        try directory.write(Array(#"{"secret": 1}"#.utf8), to: "secret.json")
        let model = directory.file("model")
        try ModelDirectory.save(try Self.model("bigram"), tokenizer: Self.tokenizer, to: model)
        let weights = try SafetensorsFile(path: model + "/model.safetensors")
        let tensors = try weights.names.map { name in
            SafetensorsTensor(name: name, shape: try weights.shape(name), floats: try weights.floats(name))
        }
        for (record, isRefused) in [
            (#"{"../secret.json": {"content": {"secret": 2}}}"#, false), (#"{"notes.txt": {"sha256": "0"}}"#, false),
            ("3", false), ("{", false), (#"{"config.json": 3}"#, false), (#"{"config.json": {"sha256": "0"}}"#, true),
            (#"{"config.json": {"content": null}}"#, true),
        ] {
            try SafetensorsWriter.write(
                to: model + "/model.safetensors", metadata: ["description": record], tensors: tensors, checksum: true)
            if isRefused {
                #expect(throws: ModelError.self, "\(record)") { try ModelDirectory.load(model) }
            } else {
                #expect(throws: Never.self, "\(record)") { try ModelDirectory.load(model) }
            }
        }
    }

    @Test("A file of more levels than a record has room for is verified, too")
    func deep() throws {
        let path = directory.file("source"), copy = directory.file("copy")
        try ModelDirectory.save(try Self.model("bigram"), tokenizer: Self.tokenizer, to: path)
        let deep = String(repeating: "[", count: 255) + String(repeating: "]", count: 255)
        try directory.write(Array("{\"a\": \(deep)}".utf8), to: "source/generation_config.json")
        _ = try ModelImport.run(path, to: copy, acceptingEdits: true)
        _ = try ModelDirectory.load(copy)
        try directory.write(Array("{\"b\": \(deep)}".utf8), to: "copy/generation_config.json")
        #expect(throws: ModelError.self) { try ModelDirectory.load(copy) }
    }
}
