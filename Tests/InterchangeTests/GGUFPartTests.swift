import Files
import Interchange
import Models
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Models in several files, as `llama-gguf-split` writes them.
@Suite struct GGUFPartTests {
    private let directory = TemporaryDirectory()

    /// Writes a model and returns the file that is to be split.
    private func whole() throws -> GGUFFile {
        let tokenizer = CharacterTokenizer(alphabetOf: ["\n abc"])
        let shape = TransformerConfiguration(
            .llama, vocabularySize: tokenizer.vocabularySize, contextLength: 8, layers: 2, heads: 2, width: 8)
        try ModelDirectory.save(Transformer(shape, seed: 4), tokenizer: tokenizer, to: directory.file("model"))
        _ = try ModelExport.run(
            directory.file("model"), to: .gguf, precision: .f32, at: directory.file("whole.gguf"))
        return try GGUFFile(path: directory.file("whole.gguf"))
    }

    private static func name(_ number: Int, of count: Int = 3) -> String { "m-0000\(number)-of-0000\(count).gguf" }

    /// Writes three parts: the keys without a tensor, then half of the tensors each.
    /// - Parameter change: changes the keys of a part, which is counted from 0.
    private func split(
        _ whole: GGUFFile, change: (Int, inout [(String, GGUFWrittenValue)]) -> Void = { _, _ in },
        tensors: (Int) -> Range<Int>? = { _ in nil }
    ) throws {
        let half = whole.names.count / 2
        for part in 0..<3 {
            var keys: [(String, GGUFWrittenValue)] = [
                ("split.no", .uint32(part)), ("split.count", .uint32(3)),
                ("split.tensors.count", .uint32(whole.names.count)),
            ]
            if part == 0 { keys += try whole.keys.map { ($0, try Self.value(of: $0, in: whole)) } }
            change(part, &keys)
            let own = tensors(part) ?? [0..<0, 0..<half, half..<whole.names.count][part]
            let written = try whole.names[own].map { name in
                let entry = try whole.entry(name)
                return GGUFTensor(name: name, dtype: entry.encoding, shape: entry.shape) { write in
                    try whole.withBytes(of: entry, write)
                }
            }
            let path = directory.file(Self.name(part + 1))
            try AtomicFile.replace(at: path) { try GGUFWriter.write(keys, written, to: $0, path: path) }
        }
    }

    private static func value(of key: String, in file: GGUFFile) throws -> GGUFWrittenValue {
        switch file[key] {
        case .integer(let value): .uint32(value)
        case .number(let value): .float32(value)
        case .bool(let value): .bool(value)
        case .string(let value): .string(value)
        case .array, .huge, nil:
            if let strings = try? file.strings(key) {
                .strings(strings)
            } else {
                .int32s((try file.integers(key) ?? []).map { Int32($0) })
            }
        }
    }

    private static func logits(_ path: String) throws -> [Float] {
        try #require(try ModelDirectory.load(path).model as? any NeuralLanguageModel)
            .logits(TokenBatch([1, 2, 3, 4])).values
    }

    @Test("Whichever part is opened, the model is read from all", arguments: 1...3)
    func parts(number: Int) throws {
        let whole = try whole()
        try split(whole)
        let path = directory.file(Self.name(number))
        #expect(try Self.logits(path) == Self.logits(whole.path))
        #expect(try ModelDirectory.load(path).tokenizer.encode("cab") == [4, 2, 3])
        let file = try GGUFFile(path: path)
        #expect(file.names == whole.names)
        #expect(try file.string("general.architecture") == "llama")
    }

    @Test("A part that is missing is named", arguments: [(1, 2), (1, 3), (3, 1)])
    func missing(opened: Int, missing: Int) throws {
        try split(whole())
        try Files.remove(directory.file(Self.name(missing)))
        let path = directory.file(Self.name(opened))
        let error = #expect(throws: ModelError.self) { try ModelDirectory.load(path) }
        #expect(
            error?.description
                == "\(path): part \(missing) of 3, \(Self.name(missing)), is missing; put all parts into one directory")
    }

    @Test("A part under another name cannot find the others")
    func renamed() throws {
        try split(whole())
        try directory.write(Fixtures.bytes(directory.file(Self.name(2))), to: "other.gguf")
        let error = #expect(throws: ModelError.self) { try GGUFFile(path: directory.file("other.gguf")) }
        #expect(error?.reason.contains("part 2 of 3") == true && error?.reason.contains("-00002-of-00003.gguf") == true)
    }

    @Test("Parts that do not belong together are refused", arguments: 0..<6)
    func contradictions(number: Int) throws {
        let whole = try whole(), count = whole.names.count
        let reasons = [
            "its split.no and split.count are not those of part 2 of 3", "does not say which",
            "not between 1 and 99999", "its split.tensors.count is 7", "is in part 2 as well", "not a whole number",
        ]
        try split(
            whole,
            change: { part, keys in
                switch number {
                case 0 where part == 1: keys[0] = ("split.no", .uint32(2))
                case 1 where part == 0: keys[0] = ("split.no", .uint32(3))
                case 2 where part == 0: keys[1] = ("split.count", .uint32(100_000))
                case 3 where part == 0: keys[2] = ("split.tensors.count", .uint32(7))
                case 4: keys[2] = ("split.tensors.count", .uint32(count + 1))
                case 5 where part == 0: keys[1] = ("split.count", .string("3"))
                default: break
                }
            },
            tensors: { part in number == 4 && part == 2 ? count / 2 - 1..<count : nil })
        let error = #expect(throws: ModelError.self) { try GGUFFile(path: directory.file(Self.name(1))) }
        #expect(error?.reason.contains(reasons[number]) == true, "\(error?.description ?? "")")
    }

    @Test("A split into one file is a whole, whatever its name")
    func single() throws {
        let whole = try whole()
        let keys = try whole.keys.map { ($0, try Self.value(of: $0, in: whole)) }
        let path = directory.file("one.gguf")
        try AtomicFile.replace(at: path) {
            try GGUFWriter.write(keys + [("split.count", .uint32(1))], [], to: $0, path: path)
        }
        #expect(try GGUFFile(path: path).keys.count == keys.count + 1)
    }

    @Test("A vocabulary without merges is an error, which names the key")
    func merges() throws {
        let whole = try whole(), path = directory.file("nomerges.gguf")
        let keys = try whole.keys.filter { $0 != "tokenizer.ggml.merges" }.map {
            ($0, try Self.value(of: $0, in: whole))
        }
        try AtomicFile.replace(at: path) { try GGUFWriter.write(keys, [], to: $0, path: path) }
        let error = #expect(throws: ModelError.self) { try GGUFModel.readTokenizer(GGUFFile(path: path)) }
        #expect(error?.description.hasPrefix("\(path): tokenizer.ggml.merges is missing") == true)
    }
}
