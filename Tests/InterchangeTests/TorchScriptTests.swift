import Files
import Interchange
import Layers
import Models
import Tensors
import TestSupport
import Testing
import Tokenizers

/// What can be known of an archive without PyTorch; Tests/References/check_torchscript.py has PyTorch run it.
@Suite struct TorchScriptTests {
    private static let tokenizer = CharacterTokenizer(alphabetOf: ["\nabcdé"])
    private static let size = tokenizer.vocabularySize

    private static var transformer: Transformer {
        Transformer(
            TransformerConfiguration(vocabularySize: size, contextLength: 8, layers: 2, heads: 2, width: 8), seed: 1)
    }

    private func exported(_ model: any LanguageModel, _ tokenizer: (any Tokenizer)?) throws -> ZipArchive {
        let directory = TemporaryDirectory()
        try TorchScriptExport.write(model, tokenizer: tokenizer, to: directory.file("a.pt"))
        #expect(directory.contents == ["a.pt"])
        return try ZipArchive(path: directory.file("a.pt"))
    }

    private func code(_ archive: ZipArchive) throws -> String {
        String(decoding: try archive.bytes(of: "model/code/__torch__.py"), as: UTF8.self)
    }

    @Test("An archive has what PyTorch looks for, and the numbers of each parameter", arguments: 0..<3)
    func contents(index: Int) throws {
        let models: [any NeuralLanguageModel] = [
            Self.transformer, AttentionModel(.init(vocabularySize: Self.size, contextLength: 8, width: 6), seed: 3),
            BigramModel(vocabularySize: Self.size, seed: 4),
        ]
        let archive = try exported(models[index], Self.tokenizer)
        let parameters = models[index].parameters
        #expect(
            archive.names.sorted()
                == (["data.pkl", "code/__torch__.py", "constants.pkl", "version", "byteorder"]
                + parameters.indices.map { "data/\($0)" }).map { "model/" + $0 }.sorted())
        #expect(try archive.bytes(of: "model/version") == Array("10\n".utf8))
        #expect(try archive.bytes(of: "model/constants.pkl") == [0x80, 0x02, 0x29, 0x2E])
        for (number, named) in parameters.enumerated() {
            let values = named.parameter.value.values
            #expect(try archive.bytes(of: "model/data/\(number)") == values.withUnsafeBytes { Array($0) })
            #expect(try archive.range(of: "model/data/\(number)").lowerBound % 64 == 0)
        }
        let code = try code(archive)
        for method in ["forward", "step", "generate_ids", "encode", "decode", "generate"] {
            #expect(code.contains("  def \(method)(self: __torch__.Model, "))
        }
    }

    @Test("A class of code serves all modules that are alike")
    func classes() throws {
        let code = try code(exported(Self.transformer, nil))
        #expect(code.lines(startingWith: "class ") == 8)
        #expect(code.contains("__annotations__[\"1\"] = __torch__.Part\n"))
        #expect(code.contains("getattr(self.transformer.h, \"1\").attn.c_attn.weight"))
        #expect(!code.contains("def encode"))
        #expect(code.contains("  def generate_ids(self: __torch__.Model, "))
    }

    @Test("Byte pairs have text but where they are cut by o200k's pattern", arguments: SplitPattern.allCases)
    func patterns(pattern: SplitPattern) throws {
        let bytes = (UInt8.min...UInt8.max).map { [$0] }
        for rule in 0..<2 {
            let vocabulary =
                rule == 0
                ? try BPEVocabulary(tokens: bytes + [[97, 98]], merges: [Merge(left: 97, right: 98, result: 256)])
                : try BPEVocabulary(rankedTokens: bytes + [[97, 98]])
            let tokenizer = try BPETokenizer(vocabulary, pattern: pattern)
            let archive = try exported(BigramModel(vocabularySize: 257, seed: 1), tokenizer)
            #expect(try code(archive).contains("def encode") == (pattern != .o200k))
        }
    }

    @Test("A model that counts is refused, and so is one of another vocabulary; nothing is left")
    func refused() throws {
        let directory = TemporaryDirectory(), path = directory.file("a.pt")
        let counts = try NGramModel(order: 3, vocabularySize: Self.size, documents: [[1, 2, 3, 1, 2, 4, 1, 2, 3]])
        for (model, tokenizer) in [(counts, Self.tokenizer), (Self.transformer, ByteTokenizer())]
            as [(any LanguageModel, any Tokenizer)]
        {
            #expect(throws: ModelError.self) { try TorchScriptExport.write(model, tokenizer: tokenizer, to: path) }
        }
        #expect(directory.contents.isEmpty)
        #expect(throws: FileError.self) {
            try TorchScriptExport.write(Self.transformer, tokenizer: nil, to: directory.file("none/a.pt"))
        }
    }

    @Test("Progress goes from 0 to 1")
    func progress() throws {
        let directory = TemporaryDirectory()
        var shares: [Double] = []
        try TorchScriptExport.write(Self.transformer, tokenizer: nil, to: directory.file("a")) { shares.append($0) }
        #expect(shares == shares.sorted())
        #expect(shares.last == 1)
    }
}

extension String {
    /// How often lines begin with `start`.
    fileprivate func lines(startingWith start: String) -> Int {
        split(separator: "\n").filter { $0.hasPrefix(start) }.count
    }
}
