import Interchange
import Models
import Tensors
import TestSupport
import Tokenizers

extension FuzzSuite {
    /// Model files.
    static func models() throws -> FuzzSuite {
        FuzzSuite("models", "safetensors and GGUF", [try SafetensorsTarget(), try GGUFTarget()])
    }
}

/// A file is a one-line error; or every number in it can be read, as many as in its shape.
private struct SafetensorsTarget: FuzzTarget {
    let name = "safetensors"
    private let mutator: Mutator
    private let directory = TemporaryDirectory()

    init() throws {
        let path = directory.file("sample")
        func sample(_ tensors: [SafetensorsTensor], checksum: Bool) throws -> [UInt8] {
            try SafetensorsWriter.write(to: path, metadata: ["format": "pt"], tensors: tensors, checksum: checksum)
            return try Fixtures.bytes(path)
        }
        let floats = SafetensorsTensor(name: "a", shape: [2, 3], floats: [0, -1, 0x1p-149, .infinity, .nan, 2])
        let integers = SafetensorsTensor(name: "b", shape: [2], integers: [.min, .max])
        let others = SafetensorsType.allCases.map { type in
            SafetensorsTensor(name: type.rawValue, dtype: type, shape: [2, 1]) { write in
                try [UInt8](repeating: 0x7F, count: 2 * type.size).withUnsafeBytes(write)
            }
        }
        let words =
            ["\"dtype\":", "\"shape\":[", "\"data_offsets\":[0,", "\"__metadata__\":{", "\"BF16\"", "{", "}", "[", "]"]
            + [
                "[0,0]", "[-1,2]", "[9223372036854775807,2]", "[4611686018427387904,4]", "\"checksum\":",
                "\"\\u0061\":",
            ]
        mutator = Mutator(
            [
                try sample([floats, integers], checksum: false), try sample([floats], checksum: true),
                try sample(others, checksum: false), try sample([], checksum: false),
            ], words: words.map { Array($0.utf8) } + Mutator.binaryNumbers)
    }

    func input(using generator: inout SeededGenerator) -> [UInt8] {
        var input = mutator.input(using: &generator)
        // Changes of the header mostly change its length, which a parser reads first.
        if Bool.random(using: &generator), let end = input.dropFirst(8).lastIndex(of: UInt8(ascii: "}")) {
            let length = UInt64(end - 7)
            for index in 0..<8 { input[index] = UInt8(truncatingIfNeeded: length >> (8 * UInt64(index))) }
        }
        return input
    }

    func run(_ input: [UInt8]) throws { try directory.withFile(of: input) { try read($0, input.count) } }

    private func read(_ path: String, _ size: Int) throws {
        let file: SafetensorsFile
        do { file = try SafetensorsFile(path: path) } catch { return try demandOneLine(error) }
        var total = 0
        for name in file.names {
            let entry = try file.entry(name)
            try demand(entry.shape.allSatisfy { $0 >= 0 }, "a dimension is negative")
            total += try file.withBytes(name) { $0.count }
            for read in [{ try file.floats(name).count }, { try file.integers(name).count }] {
                do { try demand(try read() == entry.count, "\(name) has another count") } catch let error as FuzzFailure
                {
                    throw error
                } catch { try demandOneLine(error) }
            }
        }
        try demand(total <= size, "the tensors have more bytes than the file")
        do { try file.verifyChecksum() } catch { try demandOneLine(error) }
    }
}

/// A file is a one-line error; or it is a model that computes logits, and its tokenizer is valid.
private struct GGUFTarget: FuzzTarget {
    let name = "gguf"
    private let mutator: Mutator
    private let directory = TemporaryDirectory()

    init() throws {
        let small = try Fixtures.bytes(Fixtures.tokenizers + "/hf-bpe-512-tokenizer.json")
        let tokenizers: [any Tokenizer] = [
            CharacterTokenizer(alphabetOf: ["ab\u{E9}\u{1F600}\n"]), ByteTokenizer(),
            try TokenizerFile.tokenizer(from: small),
        ]
        var samples: [[UInt8]] = []
        for (number, tokenizer) in tokenizers.enumerated() {
            let shape = TransformerConfiguration(
                vocabularySize: tokenizer.vocabularySize, contextLength: 8, layers: 1, heads: 2, width: 32,
                feedForwardWidth: 32, tiesEmbeddings: number > 0)
            let model = directory.file("model-\(number)"), file = directory.file("model.gguf")
            try ModelDirectory.save(Transformer(shape, seed: 1), tokenizer: tokenizer, to: model)
            for precision in number == 0 ? ExportFormat.gguf.precisions : [.q8_0] {
                _ = try ModelExport.run(model, to: .gguf, precision: precision, at: file)
                samples.append(try Fixtures.bytes(file))
            }
        }
        let words = [
            "GGUF", "general.architecture", "general.alignment", "gpt2", "llama", "gpt2.block_count",
            "token_embd.weight",
            "output.weight", "blk.0.attn_qkv.weight", "tokenizer.ggml.tokens", "tokenizer.ggml.merges", "gpt-2",
            "qwen2",
            "<|endoftext|>", " ", "\u{C4}\u{A0}",
        ]
        mutator = Mutator(samples, words: words.map { Array($0.utf8) } + Mutator.binaryNumbers + Mutator.binaryNumbers)
    }

    func input(using generator: inout SeededGenerator) -> [UInt8] {
        var input = mutator.input(using: &generator)
        // The part before the numbers is short, and where parsing can fail.
        if Bool.random(using: &generator), !input.isEmpty {
            let words = Mutator.binaryNumbers
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let word = words[Int.random(in: words.indices, using: &generator)]
                let index = Int.random(in: 0..<min(input.count, 3000), using: &generator)
                for (offset, byte) in word.enumerated() where index + offset < input.count {
                    input[index + offset] = byte
                }
            }
        }
        return input
    }

    func run(_ input: [UInt8]) throws { try directory.withFile(of: input) { try read($0, input.count) } }

    private func read(_ path: String, _ size: Int) throws {
        do {
            let file = try GGUFFile(path: path)
            for key in file.keys {
                for read in [{ _ = try file.strings(key) }, { _ = try file.integers(key) }] {
                    do { try read() } catch { try demandOneLine(error) }
                }
            }
            for name in file.names {
                let entry = try file.entry(name)
                try demand(entry.range.upperBound <= size, "\(name) is not in the file")
                let bytes = entry.encoding.size(of: entry.count)
                try demand(bytes == entry.range.count && bytes > 0, "\(name) has another size")
            }
        } catch { return try demandOneLine(error) }
        let saved: SavedModel
        do { saved = try ModelDirectory.load(path) } catch { return try demandOneLine(error) }
        if let model = saved.model as? any NeuralLanguageModel, model.parameterCount < 1 << 20 {
            let logits = model.logits(TokenBatch([Int32(model.vocabularySize - 1)]))
            try demand(logits.count == model.vocabularySize, "there are \(logits.count) logits")
        }
        let tokenizer: any Tokenizer
        do { tokenizer = try saved.tokenizer } catch { return try demandOneLine(error) }
        try demandSense(tokenizer)
    }
}
