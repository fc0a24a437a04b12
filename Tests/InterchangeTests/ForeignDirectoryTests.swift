import Files
import Interchange
import Layers
import Models
import StrictJSON
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Directories as other programs leave them.
@Suite struct ForeignDirectoryTests {
    private let directory = TemporaryDirectory()
    private static let vocabularySize = 258

    private static func shape(_ family: TransformerConfiguration.Family) -> TransformerConfiguration {
        TransformerConfiguration(
            family, vocabularySize: vocabularySize, contextLength: 8, layers: 1, heads: 2, width: 8, keyValueHeads: 2,
            tiesEmbeddings: false)
    }

    /// Writes a model without a tokenizer, and the tensors under other names.
    private func write(_ family: TransformerConfiguration.Family, name: (String) -> String = { $0 }) throws -> String {
        let model = Transformer(Self.shape(family), seed: 3), path = directory.file("model")
        try ModelDirectory.save(model, tokenizer: ByteTokenizer(), to: path)
        for file in ["tokenizer.json", "tokenizer_config.json"] { try Files.remove("\(path)/\(file)") }
        let tensors = model.parameters.map { SafetensorsTensor(name($0.name), $0.parameter.value) }
        try SafetensorsWriter.write(
            to: path + "/model.safetensors", metadata: ["format": "pt"], tensors: tensors, checksum: false)
        return path
    }

    private static func logits(_ path: String) throws -> [Float] {
        try #require(try ModelDirectory.load(path).model as? any NeuralLanguageModel)
            .logits(TokenBatch([1, 2, 3])).values
    }

    @Test(
        "The names of modules around the model are no part of its own",
        arguments: ["_orig_mod.", "module.", "module._orig_mod.", "_orig_mod.module."],
        [TransformerConfiguration.Family.gpt2, .llama])
    func wrapped(wrapper: String, family: TransformerConfiguration.Family) throws {
        let expected = try Self.logits(try write(family))
        #expect(try Self.logits(try write(family) { wrapper + $0 }) == expected)
        let bare = try write(family) { wrapper + $0.replacing("transformer.", with: "").replacing("model.", with: "") }
        #expect(try Self.logits(bare) == expected)
        let other = try write(family) { "wrapped." + $0 }
        let error = #expect(throws: ModelError.self) { try ModelDirectory.load(other) }
        #expect(error?.reason.contains("missing") == true)
    }

    /// The 256 bytes, `th` and an end of text.
    private func writeSeparateFiles(to path: String, merges: String = "#version: 0.2\nt h\n") throws {
        let symbols = ByteSymbols.scalars.map { String($0) } + ["th", "<|endoftext|>"]
        let vocabulary = JSON.object(JSONObject(symbols.enumerated().map { ($1, .int($0)) }))
        try AtomicFile.write(vocabulary.serialized(), to: path + "/vocab.json")
        try AtomicFile.write(merges, to: path + "/merges.txt")
    }

    @Test("Without a tokenizer.json, vocab.json and merges.txt are read, and imported")
    func separateFiles() throws {
        let path = try write(.gpt2), copy = directory.file("copy")
        #expect(throws: ModelError.self) { try ModelDirectory.load(path).tokenizer }
        try writeSeparateFiles(to: path)
        #expect(try ModelDirectory.load(path).tokenizer.encode("the") == [256, 101])
        #expect(try ModelImport.run(path, to: copy).remarks.isEmpty)
        #expect(try ModelDirectory.load(copy).tokenizer.encode("the") == [256, 101])
        // Damaged files make the directory unreadable, as a damaged tokenizer.json does.
        try AtomicFile.write("t h h\n", to: path + "/merges.txt")
        let error = #expect(throws: TokenizerError.self) { try ModelDirectory.load(path) }
        #expect(error?.description.hasPrefix("\(path)/merges.txt: line 1") == true, "\(error?.description ?? "")")
    }

    @Test("A Llama's split pattern does not follow from its type: the model is read, its tokenizer is not")
    func unknownPattern() throws {
        let path = try write(.llama)
        try writeSeparateFiles(to: path)
        let saved = try ModelDirectory.load(path)
        let error = #expect(throws: TokenizerError.self) { try saved.tokenizer }
        #expect(error?.description.contains("tokenizer_class") == true)
        try AtomicFile.write(#"{"tokenizer_class": "GPT2Tokenizer"}"#, to: path + "/tokenizer_config.json")
        #expect(try ModelDirectory.load(path).tokenizer.encode("the") == [256, 101])
    }
}
