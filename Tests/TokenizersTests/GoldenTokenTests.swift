import FuzzTargets
import StrictJSON
import TestSupport
import Testing
import Tokenizers

/// The ids that tiktoken and Hugging Face's tokenizers give to texts chosen to be awkward.
@Suite struct GoldenTokens {
    private static let vocabularies = Fixtures.data.map { $0 + "/tokenizers" }

    private static func lines(_ path: String) throws -> [JSON] {
        try Fixtures.bytes(path).split(separator: UInt8(ascii: "\n")).map { try JSON(parsing: Array($0)) }
    }

    private static func ids(_ json: JSON?) -> [Int32]? {
        json?.arrayValue.map { $0.compactMap { $0.intValue.map { Int32($0) } } }
    }

    static let published = Published()

    /// Each published encoding, read once.
    actor Published {
        private var tokenizers: [String: BPETokenizer] = [:]

        func tokenizer(_ name: String) throws -> BPETokenizer {
            if let tokenizer = tokenizers[name] { return tokenizer }
            let encoding = try #require(PublishedEncoding(name: name))
            let folder = try #require(vocabularies)
            let tokenizer = try encoding.tokenizer(
                files: encoding.files.map { try Fixtures.bytes(folder + "/" + $0.name) })
            tokenizers[name] = tokenizer
            return tokenizer
        }
    }

    @Test(
        .enabled(if: Fixtures.golden != nil, "GPT_GOLDEN names no folder"),
        .enabled(if: vocabularies != nil, "GPT_DATA names no folder with published vocabularies"))
    func tiktoken() async throws {
        let lines = try Self.lines(try #require(Fixtures.golden) + "/tiktoken.jsonl")
        #expect(lines.count > 2_000)
        for line in lines {
            let tokenizer = try await Self.published.tokenizer(line["encoding"]?.stringValue ?? "")
            let text = try #require(line["text"]?.stringValue)
            let allowed = line["allowed_special"]
            let names = Set(allowed?.arrayValue?.compactMap(\.stringValue) ?? [])
            let special =
                allowed == "all" ? .allowed : SpecialTokenPolicy(allowed: .some(names), refused: .none)
            let ids = try tokenizer.encode(text, special: special)
            #expect(ids == Self.ids(line["ids"]), "\(line.serialized().prefix(300))")
            #expect(try tokenizer.count(text, special: special) == ids.count)
            #expect(try tokenizer.text(of: ids).utf8.elementsEqual(text.utf8))
        }
    }

    @Test(
        .enabled(if: Fixtures.golden != nil, "GPT_GOLDEN names no folder"),
        .enabled(if: vocabularies != nil, "GPT_DATA names no folder with published vocabularies"))
    func tiktokenDecodes() async throws {
        let lines = try Self.lines(try #require(Fixtures.golden) + "/tiktoken-decode.jsonl")
        #expect(lines.count > 200)
        for line in lines {
            let tokenizer = try await Self.published.tokenizer(line["encoding"]?.stringValue ?? "")
            let ids = try #require(Self.ids(line["ids"]))
            guard line["error"] == nil else {
                #expect(throws: TokenizerError.self) { try tokenizer.bytes(of: ids) }
                continue
            }
            let text = try tokenizer.text(of: ids)
            #expect(text.utf8.elementsEqual(try #require(line["text"]?.stringValue).utf8))
            var decoder = StreamingDecoder(tokenizer, spellingSpecialTokens: true)
            let streamed = ids.map { decoder.append($0) }.joined() + decoder.finish()
            #expect(streamed.utf8.elementsEqual(text.utf8))
            if let offsets = line["offsets"]?.arrayValue {
                #expect(try tokenizer.offsets(of: ids).map(\.scalars.lowerBound) == offsets.compactMap(\.intValue))
            }
        }
    }

    @Test(arguments: ["512", "1024"])
    func huggingFace(_ size: String) throws {
        let folder = Fixtures.tokenizers + "/hf-bpe-\(size)-"
        let file = try Fixtures.bytes(folder + "tokenizer.json")
        let tokenizer = try #require(try TokenizerFile.tokenizer(from: file) as? BPETokenizer)
        let saved = try TokenizerFile.contents(for: tokenizer)
        let again = try #require(try TokenizerFile.tokenizer(from: Array(saved.utf8)) as? BPETokenizer)
        let lines = try Self.lines(folder + "golden.jsonl")
        #expect(lines.count == 100)
        for line in lines {
            let text = try #require(line["text"]?.stringValue)
            let tokens = try tokenizer.encodeWithOffsets(text, special: .refused)
            #expect(tokens.map(\.id) == Self.ids(line["ids"]), "\(line.serialized().prefix(300))")
            let offsets = line["offsets"]?.arrayValue?.map { $0.arrayValue?.compactMap(\.intValue) }
            #expect(tokens.map { [$0.scalars.lowerBound, $0.scalars.upperBound] } == offsets)
            #expect(try again.encode(text) == tokens.map(\.id))
            #expect(try tokenizer.offsets(of: tokens.map(\.id)) == tokens)
        }
    }

    /// Vocabularies that are saved in Hugging Face's form have the merges written out, and must give the same ids.
    @Test(
        .enabled(if: vocabularies != nil, "GPT_DATA names no folder with published vocabularies"),
        arguments: ["gpt2", "p50k_edit", "cl100k_base", "o200k_harmony"])
    func savedVocabularies(_ name: String) async throws {
        let tokenizer = try await Self.published.tokenizer(name)
        let saved = try TokenizerFile.contents(for: tokenizer)
        let again = try #require(try TokenizerFile.tokenizer(from: Array(saved.utf8)) as? BPETokenizer)
        #expect(again.vocabularySize == tokenizer.vocabularySize)
        #expect(again.endOfText == tokenizer.endOfText)
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<200 {
            let text = RandomText.text(using: &generator) + "<|endoftext|>"
            #expect(try again.encode(text, special: .allowed) == tokenizer.encode(text, special: .allowed))
        }
    }
}
