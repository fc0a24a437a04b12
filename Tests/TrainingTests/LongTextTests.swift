import Corpus
import Files
import Inference
import Models
import Tensors
import TestSupport
import Testing
import Tokenizers
import Training

@Suite("Texts that are not in memory")
struct LongTextTests {
    private let directory = TemporaryDirectory()

    /// A text of several blocks, with characters of several bytes.
    private static let words: String = {
        var generator = SeededGenerator(seed: 7)
        let words = ["the", "cat", "sat", "é", "中文", "mat\n", "<|endoftext|>", "it's", "x=1;\n\n"]
        return (0..<150_000).map { _ in words.randomElement(using: &generator) ?? "" }.joined(separator: " ")
    }()

    private static let tokenizers: [any Tokenizer] = [
        CharacterTokenizer(alphabetOf: [words + "\"{}\\"]), ByteTokenizer(),
        (try? TokenizerSpecification.bytePairs(300).make(
            for: [NamedText(name: "", text: String(words.prefix(20_000)))], validation: 0.5)) ?? ByteTokenizer(),
    ]

    /// Encodes texts in memory and in files, and compares.
    private func compare(
        _ paths: [String], _ tokenizer: any Tokenizer, separator: String? = nil,
        special: SpecialTokenTreatment = .text
    ) throws {
        func divided(_ texts: [NamedText]) throws -> [NamedText] {
            try separator.map { separator in try texts.map { try $0.separated(by: separator) } } ?? texts
        }
        func dataset(_ texts: [NamedText]) throws -> TokenDataset {
            try TokenDataset(
                texts, tokenizer: tokenizer, validation: 0.3, contextLength: 8, special: special, joinsTexts: true)
        }
        let short = try divided(TextSource.read(paths)), long = try divided(TextSource.read(paths, longFrom: 0))
        #expect(long.allSatisfy { $0.long != nil && $0.text.isEmpty } && long.map(\.sha256) == short.map(\.sha256))
        let one = try dataset(short)
        let name = directory.file("prepared-\(tokenizer.vocabularySize)-\(special.rawValue)-\(paths.count)")
        let preparation = TextPreparation(
            tokenizer: .bytes, validation: 0.3, specialTokens: special, documentSeparator: separator)
        _ = try preparation.prepare(paths, to: name, with: tokenizer)
        let other = try dataset(TextSource.read([name], longFrom: 0))
        #expect(one.documents.map(\.name) == other.documents.map(\.name))
        for (one, other) in zip(one.documents, other.documents) {
            #expect(one.training.elementsEqual(other.training) && one.validation.elementsEqual(other.validation))
        }
        #expect(one.hasEnds == other.hasEnds && one.validationBytesPerToken == other.validationBytesPerToken)
        #expect(one.score(1).charactersAndBytes == other.score(1).charactersAndBytes)
        Files.removeAll(name)
    }

    @Test("What is known of a text is the same as what was read", arguments: ["a.txt", "a.jsonl"])
    func records(_ name: String) throws {
        let isText = name == "a.txt"
        let contents = isText ? "\u{FEFF}abé中\r\n" : "{\"text\": \"ab\"}\n{\"text\": \"é中\"}\n"
        try AtomicFile.write(contents, to: directory.file(name))
        var notices: [String] = []
        let long = try #require(
            try TextSource.read([directory.file(name)], longFrom: 0) { notices.append($0) }.first?.long)
        #expect(notices.count == (isText ? 2 : 0))
        let record = Array(long.record(sha256: "abc", notices: notices).utf8)

        try AtomicFile.write(isText ? "x" : "{\"text\": \"x\"}\n", to: directory.file("other-" + name))
        var other = try #require(try TextSource.read([directory.file("other-" + name)], longFrom: 0).first?.long)
        var repeated: [String] = []
        #expect(other.restore(from: record) { repeated.append($0) } == "abc")
        #expect(other.count == long.count && other.bytes == long.bytes && other.alphabet == long.alphabet)
        #expect(other.documentLengths == long.documentLengths && repeated == notices)
        for damaged in [Array("{}".utf8), Array(record.dropLast())] {
            #expect(other.restore(from: damaged, notice: { _ in }) == nil)
        }
    }

    @Test("A text is not read again, until it changes")
    func scannedOnce() throws {
        let path = directory.file("text.txt")
        try AtomicFile.write("\u{FEFF}abc", to: path)
        func scan() throws -> (count: Int, hash: String, notices: Int) {
            let record = FileRecord("text", of: path, cache: directory.file("cache"), now: .max)
            var notices = 0
            let (text, hash) = try #require(
                try LongText.scan(path, name: "text", record: record, notice: { _ in notices += 1 }))
            return (text.count, hash, notices)
        }
        let first = try scan()
        let second = try scan()
        #expect(first == (3, SHA256.hexDigest(of: "abc".utf8), 1) && second == first)
        // What is in the record is used.
        let folder = directory.file("cache/records")
        let record = folder + "/" + (try #require(try Files.contents(ofDirectory: folder).first))
        try AtomicFile.write(
            TextFile.read(record).replacing("\"characters\":3", with: "\"characters\":4"), to: record)
        #expect(try scan().count == 4)
        try AtomicFile.write("abcdef", to: path)
        #expect(try scan().count == 6)
    }

    @Test("They have the ids of texts in memory", arguments: 0..<3)
    func ids(_ number: Int) throws {
        let tokenizer = Self.tokenizers[number]
        let one = try directory.file(containing: Self.words)
        let other = directory.file("other.txt")
        try directory.write(Array(String(Self.words.reversed()).utf8), to: "other.txt")
        try compare([one], tokenizer)
        try compare([one], tokenizer, special: .allow)
        try compare([one, other], tokenizer)
        try compare([one], tokenizer, separator: "\n\n")
        try compare([one], tokenizer, separator: "at the")
    }

    @Test("Documents in JSON Lines have the ids of documents in memory", arguments: 0..<3)
    func documents(_ number: Int) throws {
        let lines = Self.words.split(separator: "mat\n").prefix(3_000).map { line in
            let text = line.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
            return "{\"text\": \"\(text)\"}\n"
        }
        let path = directory.file("documents.jsonl")
        try directory.write(Array(lines.joined().utf8), to: "documents.jsonl")
        try compare([path], Self.tokenizers[number])
    }

    @Test("An alphabet and a vocabulary are made of the training part alone, wherever the text is")
    func vocabularies() throws {
        let path = try directory.file(containing: Self.words)
        let short = try TextSource.read([path]), long = try TextSource.read([path], longFrom: 0)
        for choice in [TokenizerSpecification.characters, .bytePairs(280)] {
            for special in [SpecialTokenTreatment.text, .allow] {
                let one = try choice.make(for: short, validation: 0.2, special: special)
                let other = try choice.make(for: long, validation: 0.2, special: special)
                #expect(try TokenizerFile.contents(for: one) == TokenizerFile.contents(for: other))
            }
        }
    }

    @Test("A sample is spread over the training part, and says so")
    func sample() throws {
        let path = try directory.file(containing: Self.words)
        let text = try TextSource.read([path], longFrom: 0)[0]
        let long = try #require(text.long)
        var length = 0, notices: [String] = []
        try TrainingSample(text, validation: 0.2, limit: 1 << 10).forEachPart(notice: { notices.append($0) }) {
            length += $0.utf8.count
        }
        #expect(notices.count == 1 && length < long.bytes / 2)
        #expect(long.count == Self.words.unicodeScalars.count && long.bytes == Self.words.utf8.count)
    }

    @Test("Windows are drawn across files, and models are evaluated on them, as in memory")
    func windows() throws {
        let path = try directory.file(containing: String(Self.words.prefix(20_000)))
        var preparation = TextPreparation(tokenizer: .bytes)
        preparation.shardLength = 700
        _ = try preparation.prepare([path], to: directory.file("shards"))
        let files = try Files.contents(ofDirectory: directory.file("shards"))
        #expect(files.count > 20 && files.contains("train_000020.bin") && files.contains("val_000000.bin"))
        let short = try TokenDataset(TextSource.read([path]), tokenizer: ByteTokenizer(), contextLength: 64)
        let long = try TokenDataset(
            TextSource.read([directory.file("shards")], longFrom: 0), tokenizer: ByteTokenizer(), contextLength: 64)
        for step in 0..<20 {
            let one = short.batch(batch: 8, length: 64, seed: 2, step: step, microBatch: 0)
            let other = long.batch(batch: 8, length: 64, seed: 2, step: step, microBatch: 0)
            #expect(one.inputs.ids == other.inputs.ids && one.targets == other.targets)
        }
        let counted = try [short, long].map {
            try #require(try NGramBaseline.run($0, order: 4, vocabularySize: 257, atMost: 9, length: 32)).result
        }
        #expect(counted[0] == counted[1])
        let tokens = StoredTokens(short.documents[0].training)
        #expect(tokens.part(10..<20).elementsEqual(long.documents[0].training[10..<20]))
        #expect(tokens[1_399] == long.documents[0].trainingIDs[1_399])
    }

    @Test("A preparation that is made again gives the same files, and replaces nothing")
    func again() throws {
        let path = try directory.file(containing: String(Self.words.prefix(50_000)))
        let preparation = TextPreparation(tokenizer: .bytePairs(300))
        for name in ["one", "two"] { _ = try preparation.prepare([path], to: directory.file(name)) }
        let names = try Files.contents(ofDirectory: directory.file("one"))
        #expect(names == ["tokenizer.json", "tokens.json", "train_000000.bin", "val_000000.bin"])
        for name in names {
            #expect(
                try TextFile.bytes(directory.file("one/\(name)")).elementsEqual(
                    TextFile.bytes(directory.file("two/\(name)"))))
        }
        #expect(throws: TrainingError.self) { try preparation.prepare([path], to: directory.file("one")) }
    }

    @Test("A preparation that is interrupted after any file is continued, and gives the same files", arguments: 0..<3)
    func interrupted(_ number: Int) throws {
        let paths = try [3_000, 500, 2_000].enumerated().map { i, length in
            let path = directory.file("text-\(i).txt")
            try AtomicFile.write(String(Self.words.dropFirst(100 * i).prefix(length)), to: path)
            return path
        }
        var preparation = TextPreparation(
            tokenizer: .bytes, validation: 0.3, documentSeparator: number == 1 ? "\n" : nil)
        preparation.shardLength = 700
        let tokenizer = Self.tokenizers[number]
        _ = try preparation.prepare(paths, to: directory.file("whole"), with: tokenizer)

        // It is interrupted after each file once, by an error of the disk. Each time some files are there already.
        let out = directory.file("parts")
        var runs = 0, tokens = 0, notices: [String] = []
        while !Files.isDirectory(out), runs < 100 {
            runs += 1
            do {
                _ = try preparation.prepare(paths, to: out, with: tokenizer, notice: { notices.append($0) }) {
                    #expect($0 > tokens)
                    tokens = $0
                    throw FileError("cannot write", out, "the disk is full")
                }
            } catch is FileError { #expect(Files.isDirectory(out + ".unfinished")) }
        }
        let names = try Files.contents(ofDirectory: directory.file("whole"))
        #expect(runs > 2 && notices.count { $0.hasPrefix("Continuing") } == runs - 1)
        #expect(try Files.contents(ofDirectory: out) == names && !Files.exists(out + ".unfinished"))
        for name in names {
            let whole = try TextFile.bytes(directory.file("whole/\(name)"))
            #expect(try TextFile.bytes("\(out)/\(name)").elementsEqual(whole), "\(name)")
        }
    }

    @Test("What another preparation has left, or a damaged file, is not continued")
    func notContinued() throws {
        let path = directory.file("text.txt"), out = directory.file("parts")
        try AtomicFile.write(String(Self.words.prefix(5_000)), to: path)
        var preparation = TextPreparation(tokenizer: .bytes, validation: 0.4)
        preparation.shardLength = 700
        func interrupt() throws -> [String] {
            var notices: [String] = []
            #expect(throws: FileError.self) {
                try preparation.prepare([path], to: out, notice: { notices.append($0) }) { _ in
                    throw FileError("cannot write", out, "the disk is full")
                }
            }
            return notices.filter { $0.hasPrefix("Continuing") }
        }
        #expect(try interrupt() == [])
        #expect(try interrupt().count == 1)
        try AtomicFile.write("damaged", to: out + ".unfinished/train_000001.bin")
        #expect(try interrupt() == [])
        preparation.validation = 0.3
        #expect(try interrupt() == [])
        try AtomicFile.write(String(Self.words.prefix(4_000)), to: path)
        _ = try preparation.prepare([path], to: out)
        #expect(!Files.exists(out + ".unfinished") && Files.exists(out + "/tokens.json"))
        // A text that cannot be encoded leaves nothing.
        let alphabet = CharacterTokenizer(alphabetOf: ["abc"])
        #expect(throws: TrainingError.self) {
            try preparation.prepare([path], to: directory.file("none"), with: alphabet)
        }
        #expect(!Files.exists(directory.file("none")) && !Files.exists(directory.file("none.unfinished")))
    }

    @Test("A directory that is empty, damaged or of another tokenizer is an error of one line")
    func refused() throws {
        let path = try directory.file(containing: String(Self.words.prefix(50_000)))
        let name = directory.file("prepared")
        _ = try TextPreparation(tokenizer: .bytes).prepare([path], to: name)
        func error(_ tokenizer: any Tokenizer = ByteTokenizer(), at path: String? = nil) -> String {
            do {
                let texts = try TextSource.read([path ?? name], longFrom: 0)
                _ = try TokenDataset(texts, tokenizer: tokenizer, contextLength: 8)
                return ""
            } catch { return "\(error)" }
        }
        #expect(error() == "")
        #expect(error(Self.tokenizers[0]).contains("another tokenizer"))
        try Files.makeDirectory(directory.file("empty"))
        #expect(error(at: directory.file("empty")).contains("is empty"))
        let shard = name + "/train_000000.bin", bytes = try TextFile.bytes(shard)
        try AtomicFile.write(Array(bytes.dropLast(2)), to: shard)
        #expect(error().contains("train_000000.bin") && error().contains("truncated"))
        try AtomicFile.write(Array(bytes.dropLast(2)) + [0xFF, 0xFF], to: shard)
        #expect(error().contains("the id 65535 is not below 257"))
        try AtomicFile.write(bytes, to: shard)
        #expect(error() == "")
        let record = name + "/tokens.json", text = try TextFile.read(record)
        for (old, new) in [
            ("train_000000.bin", "../train_000000.bin"), ("\"vocabulary_size\": 257", "\"vocabulary_size\": -1"),
            ("\"documents\"", "\"others\""), ("{", ""), ("\"validation\": 0.1", "\"validation\": 7"),
        ] {
            try AtomicFile.write(text.replacing(old, with: new, maxReplacements: 1), to: record)
            #expect(error().contains("damaged"), "\(error())")
        }
        try Files.remove(shard)
        try AtomicFile.write(text, to: record)
        #expect(error().contains("train_000000.bin"))
    }

    @Test("What no text in memory may be is refused with the same words")
    func invalid() throws {
        for content in ["a\u{0}b", ""] {
            let path = try directory.file(containing: content)
            func error(_ limit: Int) -> String {
                do { return "\(try TextSource.read([path], longFrom: limit).count)" } catch { return "\(error)" }
            }
            #expect(error(0) == error(.max) && error(0).contains(path))
        }
        try directory.write(Array("{\"messages\": []}\n".utf8), to: "chat.jsonl")
        #expect(throws: (any Error).self) {
            _ = try TextPreparation(tokenizer: .bytes).prepare(
                [directory.file("chat.jsonl")], to: directory.file("chat"))
        }
        let path = try directory.file(containing: String(repeating: "abc ", count: 300_000) + "z")
        let tokenizer = CharacterTokenizer(alphabetOf: ["abc "])
        #expect(throws: TrainingError.unknownCharacter("z", name: path, position: 1_200_000, alphabet: 4)) {
            _ = try TextPreparation(tokenizer: .bytes).prepare(
                [path], to: directory.file("unknown"), with: tokenizer)
        }
        #expect(!Files.exists(directory.file("unknown")))
    }
}

extension TextScore {
    fileprivate var charactersAndBytes: [Int] { [characters, bytes] }
}
