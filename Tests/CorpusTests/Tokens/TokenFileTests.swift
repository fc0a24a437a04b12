import Corpus
import TestSupport
import Testing
import Tokenizers
import Training

@Suite("Files of token ids")
struct TokenFileTests {
    private let directory = TemporaryDirectory()

    private static func bytes(_ ids: [Int], size: Int) -> [UInt8] {
        ids.flatMap { id in (0..<size).map { UInt8(truncatingIfNeeded: id >> (8 * $0)) } }
    }

    private static func header(_ numbers: [Int]) -> [UInt8] {
        bytes(numbers + [Int](repeating: 0, count: 256 - numbers.count), size: 4)
    }

    private func read(_ bytes: [UInt8]) throws -> NamedText {
        try directory.write(bytes, to: "ids.bin")
        return try #require(try TextSource.read([directory.file("ids.bin")]).first)
    }

    @Test("The formats of nanoGPT and llm.c are read")
    func forms() throws {
        let ids = [1, 2, 256, 50256]
        let files: [[UInt8]] = [
            Self.bytes(ids, size: 2), Self.header([20_240_520, 1, 4]) + Self.bytes(ids, size: 2),
            Self.header([20_240_801, 7, 4]) + Self.bytes(ids, size: 4),
        ]
        for bytes in files { #expect(try read(bytes).tokens == ids.map(Int32.init)) }
    }

    @Test("A truncated or altered file is an error")
    func refused() throws {
        let ids = Self.bytes([1, 2, 3], size: 2)
        let files: [[UInt8]] = [
            [], [1], Self.header([20_240_520, 1, 3]) + ids.dropLast(2), Self.header([20_240_520, 1, 3]),
            Self.header([20_240_520, 2, 3]) + ids, Self.header([20_240_801, 7, -1]), Self.header([20_240_520, 1, 0]),
        ]
        for bytes in files { #expect(throws: CorpusError.self) { _ = try read(bytes) } }
    }

    @Test("Ids are split into two parts, and measured by the bytes of their tokens")
    func dataset() throws {
        let text = try read(Self.bytes((0..<100).map { $0 + 100 }, size: 2))
        let data = try TokenDataset([text], tokenizer: ByteTokenizer(), validation: 0.1, contextLength: 8)
        #expect(data.documents[0].training == (100..<190).map(Int32.init))
        #expect(data.documents[0].validation == (190..<200).map(Int32.init))
        #expect(data.validationBytesPerToken == 1 && data.hashes[0].count == 64)
        #expect(throws: TrainingError.self) {
            try TokenDataset(
                [read(Self.bytes([1, 2, 3, 257, 4, 5], size: 2))], tokenizer: ByteTokenizer(), contextLength: 2)
        }
        // Too large for an id, and for a signed integer.
        let large = Self.header([20_240_801, 7, 6]) + Self.bytes([1, 2, 3, 1 << 31, 4, 5], size: 4)
        let error = #expect(throws: TrainingError.self) {
            try TokenDataset([read(large)], tokenizer: ByteTokenizer(), contextLength: 2)
        }
        #expect(error?.description.contains("the id 2147483648 ") == true, "\(error?.description ?? "")")
        #expect(throws: TrainingError.self) {
            try TokenDataset([read(Self.bytes([1, 2, 3], size: 2))], tokenizer: ByteTokenizer(), contextLength: 8)
        }
    }

    @Test("The tokenizer of the ids must be given")
    func tokenizer() throws {
        let text = try read(Self.bytes([1, 2, 3], size: 2))
        for choice in [TokenizerSpecification.characters, .bytePairs(300)] {
            #expect(throws: TrainingError.self) { _ = try choice.make(for: [text], validation: 0.1) }
        }
        #expect(try TokenizerSpecification.bytes.make(for: [text], validation: 0.1) is ByteTokenizer)
    }
}
