import GPTKit
import Inference
import Platform
import StrictJSON
import TestSupport
import Testing

@Suite struct TokenizerCommandTests {
    let directory = TemporaryDirectory()

    /// A vocabulary of 300 that was learnt from the verse, with a special token.
    private func vocabulary() throws -> String {
        let text = try directory.file("verse.txt", containing: String(repeating: Models.verse, count: 10))
        let path = directory.file("tokens")
        let result = try runCommand([
            "tokenizer", "train", "--text", text, "--vocabulary", "300", "--special", "<|endoftext|>", "--out", path,
        ])
        try #require(result.status == 0, "\(result.errorText)")
        return path
    }

    private func run(_ arguments: String..., input: String? = nil) throws -> CommandResult {
        try runCommand(["tokenizer"] + arguments, input: input)
    }

    @Test func learnsWhatTheLibraryLearns() throws {
        let path = try vocabulary()
        var pieces = PretokenCounter()
        pieces.add(String(repeating: Models.verse, count: 10), splitBy: .gpt2)
        let trainer = try BPETrainer(vocabularySize: 300, specialTokens: ["<|endoftext|>"])
        let learnt = try #require(try trainer.train(pieces))
        let saved = try TokenizerFile.tokenizer(from: Fixtures.bytes(path + "/tokenizer.json"))
        let tokenizer = try #require(saved as? BPETokenizer)
        #expect(tokenizer.vocabulary.merges == learnt.merges)
        #expect(tokenizer.specialTokens.map(\.text) == ["<|endoftext|>"])

        // From a pipe, into a file, and not over one that is there.
        let json = directory.file("tokenizer.json")
        let text = String(repeating: Models.verse, count: 10)
        let again = try runCommand(
            ["tokenizer", "train", "--text", "-", "--vocabulary", "300", "--like", "rustbpe", "--out", json, "--json"],
            input: text)
        #expect(again.status == 0)
        let object = try JSON(parsing: Array(try #require(again.lines.last).utf8))
        #expect(object["bytes"]?.intValue == text.utf8.count)
        #expect(object["different_pieces"]?.intValue == pieces.count)
        let over = try runCommand(
            ["tokenizer", "train", "--text", "-", "--vocabulary", "300", "--out", json], input: text)
        #expect(over.status == 1)
        #expect(over.errorText.contains("already exists"))
    }

    @Test func encodesAndDecodes() throws {
        let path = try vocabulary()
        let text = "tea for two\n\nHállo\r\n  漢字 🙂 0123"
        let encoded = try run("encode", "--tokenizer", path, input: text)
        #expect(encoded.status == 0)
        let tokenizer = try #require(try TokenizerLoader.read(path) as? BPETokenizer)
        let ids = try tokenizer.encode(text)
        #expect(encoded.text == ids.map(String.init).joined(separator: " ") + "\n")
        #expect(try run("decode", "--tokenizer", path, input: encoded.text).text.utf8.elementsEqual(text.utf8))
        let array = try run("encode", "--json", "--tokenizer", path, input: text)
        #expect(try JSON(parsing: array.output).arrayValue?.count == ids.count)
        #expect(try run("decode", "--tokenizer", path, input: array.text).text.utf8.elementsEqual(text.utf8))
        let pieces = try run("encode", "--pieces", "--tokenizer", path, input: "two\n")
        #expect(pieces.lines.last?.hasSuffix("\t\"\\n\"") == true)
        let count = try run("count", "--json", "--tokenizer", path, "--tokenizer", "byte", input: text)
        let object = try JSON(parsing: Array(try #require(count.lines.last).utf8))
        #expect(object["tokens"]?[path]?.intValue == ids.count)
        #expect(object["tokens"]?["byte"]?.intValue == text.utf8.count)
        #expect(object["characters"]?.intValue == text.unicodeScalars.count)
        // Nothing in, nothing out.
        #expect(try run("encode", "--tokenizer", path, input: "").text == "\n")
        #expect(try run("decode", "--tokenizer", path, input: "").text == "")
    }

    @Test("A model of characters is shown by what it can spell")
    func charactersAreShown() throws {
        let path = try Models.parrot(in: directory)
        let result = try run("info", path, "--json")
        #expect(result.status == 0, "\(result.errorText)")
        let object = try JSON(parsing: Array(try #require(result.lines.last).utf8))
        let sentence = try #require(object["sentence"]?.stringValue)
        #expect(!sentence.isEmpty && sentence.unicodeScalars.allSatisfy { Models.verse.unicodeScalars.contains($0) })
        #expect(object["ids"]?.arrayValue?.count == sentence.unicodeScalars.count)
        // What it cannot spell of the example is said, each character once.
        #expect(result.text.contains("(omitted, because they are not in its alphabet: Thquickbxs'"), "\(result.text)")
        #expect(try !run("info", path, "--sentence", "tea").text.contains("omitted"))
    }

    @Test(
        "A published vocabulary that was altered is refused",
        .enabled(if: Fixtures.data != nil, "GPT_DATA names no folder"))
    func alteredVocabulary() throws {
        var contents = try Fixtures.bytes(#require(Fixtures.data) + "/tokenizers/r50k_base.tiktoken")
        let line = try #require(contents.firstIndex(of: 0x0A))
        contents[line - 1] = contents[line - 1] == 0x31 ? 0x32 : 0x31
        mkdir(directory.file("tokenizers"), 0o755)
        let path = directory.file("tokenizers/r50k_base.tiktoken")
        try #require(Fixtures.write(contents, to: path))
        for arguments in [["r50k_base"], [path]] {
            let result = try runCommand(
                ["tokenizer", "info"] + arguments, environment: ["GPT_DATA": directory.path])
            #expect(result.status == 1 && result.errorLines.count == 1)
            #expect(result.errorText.contains(path) && result.errorText.contains("SHA-256"), "\(result.errorText)")
        }
        // It is no reason to skip what was to be checked, as it is where there is none.
        let vector = try directory.file("vector.jsonl", containing: #"{"encoding":"r50k_base","text":"a","ids":[64]}"#)
        let altered = try run("check", vector, "--vocabularies", directory.file("tokenizers"))
        #expect(altered.status == 1 && altered.text.contains("SHA-256"), "\(altered.text)")
        let absent = try run("check", vector, "--vocabularies", directory.path)
        #expect(absent.status == 0 && absent.lines.last == "0 passed, 0 failed, 1 skipped", "\(absent.text)")
    }

    @Test("A text of many blocks has the ids of the whole")
    func blocks() throws {
        let path = try vocabulary()
        let text = String(repeating: "two teas, for tea\n", count: 400_000)
        let result = try runCommand([
            "tokenizer", "count", "--tokenizer", path, try directory.file("long.txt", containing: text),
        ])
        let tokenizer = try #require(try TokenizerLoader.read(path) as? BPETokenizer)
        let count = try tokenizer.count(text, special: .plainText)
        #expect(result.text.filter { $0 != "," }.hasPrefix("\(count) tokens"))
    }

    @Test func specialTokens() throws {
        let path = try vocabulary()
        let text = "tea<|endoftext|>two"
        let refused = try run("encode", "--tokenizer", path, input: text)
        #expect(refused.status == 1)
        #expect(refused.errorLines.count == 1)
        #expect(refused.errorText.contains("<|endoftext|> at byte 3"))
        #expect(try run("encode", "--json", "--tokenizer", path, input: text).text == "")
        let allowed = try run("encode", "--special", "allow", "--tokenizer", path, input: text)
        #expect(allowed.text.split(separator: " ").contains("0"))
        let plain = try run("encode", "--special", "text", "--tokenizer", path, input: text)
        #expect(!plain.text.split(separator: " ").contains("0"))
        for encoded in [allowed, plain] {
            #expect(try run("decode", "--tokenizer", path, input: encoded.text).text == text)
        }
        #expect(try run("decode", "--skip-special", "--tokenizer", path, input: allowed.text).text == "teatwo")
    }

    @Test func info() throws {
        let path = try vocabulary()
        let result = try run("info", path, "--sentence", "tea for two", "--merges", "3", "--json")
        #expect(result.status == 0)
        #expect(!result.text.contains("\u{1B}"))
        #expect(result.text.contains("... and"))
        let object = try JSON(parsing: Array(try #require(result.lines.last).utf8))
        #expect(object["tokens"] == ["tea", " for", " two"])
        #expect(result.text.contains("tea| for| two"))
    }

    @Test func checks() throws {
        let path = try vocabulary()
        let tokenizer = try #require(try TokenizerLoader.read(path) as? BPETokenizer)
        let ids = try tokenizer.encode("tea\n").map(String.init).joined(separator: ",")
        let good = [
            #"{"text":"tea\n","ids":[\#(ids)],"allowed_special":[]}"#,
            #"{"ids":[\#(ids)],"bytes_hex":"7465610a","text":"tea\n","valid":true}"#,
            #"{"ids":[5,99999],"error":"invalid id"}"#, #"{"encoding":"nothing","text":"a","ids":[1]}"#,
        ]
        let bad = [
            #"{"text":"tea\n","ids":[1,2]}"#, #"{"ids":[\#(ids)],"bytes_hex":"74","text":"t"}"#,
            #"{"ids":[5],"error":"invalid id"}"#, #"{"text":"a"}"#,
        ]
        let passing = try run(
            "check", try directory.file("good.jsonl", containing: good.joined(separator: "\n") + "\n"), "--tokenizer",
            path)
        #expect(passing.status == 0)
        #expect(passing.lines.last == "3 passed, 0 failed, 1 skipped")
        let failing = try run(
            "check", try directory.file("bad.jsonl", containing: (good + bad).joined(separator: "\n")), "--tokenizer",
            path)
        #expect(failing.status == 1)
        #expect(failing.lines.last == "3 passed, 4 failed, 1 skipped")
        let unnamed = try run("check", try directory.file("other.jsonl", containing: good[0]))
        #expect(unnamed.lines.last == "0 passed, 0 failed, 1 skipped")
        #expect(try run("check", try directory.file("broken.jsonl", containing: "{\"ids\":")).status == 1)
        // A name will do, and lines that end as on Windows, empty ones among them.
        let lines = [#"{"text":"ab","ids":[97,98]}"#, "", #"{"text":"a","ids":[97]}"#, "", ""]
        let named = try run(
            "check", try directory.file("dos.jsonl", containing: lines.joined(separator: "\r\n")), "--tokenizer", "byte"
        )
        #expect(named.lines == ["2 passed, 0 failed, 0 skipped"], "\(named.errorText)")
    }

    @Test("Training that cannot be is a failure of its file, and the next file is checked")
    func checksOfImpossibleTraining() throws {
        let bad = try directory.file(
            "bad.json", containing: #"{"rule":"hf","vocab_size":3,"corpus":"all","merges":[[1,2,3,4]]}"#)
        let good = try directory.file("good.jsonl", containing: #"{"text":"a","ids":[97]}"#)
        let result = try run("check", bad, good, "--text", good, "--tokenizer", "byte")
        #expect(result.status == 1)
        #expect(result.lines.first?.hasPrefix("FAIL \(bad), vocab_size: ") == true, "\(result.text)")
        #expect(result.lines.last == "1 passed, 1 failed, 0 skipped")
    }

    @Test("The template of a vocabulary is followed where that is asked for")
    func addingSpecialTokens() throws {
        let bytes = (UInt8.min...UInt8.max).map { [$0] }
        let tokenizer = try BPETokenizer(
            BPEVocabulary(tokens: bytes, merges: []), pattern: .llama3,
            specialTokens: [SpecialToken("<s>", id: 256), SpecialToken("</s>", id: 257)],
            template: .init(before: [256], after: [257]))
        let path = try directory.file("addingSpecialTokens.json", containing: TokenizerFile.contents(for: tokenizer))
        #expect(try run("encode", "--tokenizer", path, input: "ab").text == "97 98\n")
        #expect(try run("encode", "--tokenizer", path, "--template", input: "ab").text == "256 97 98 257\n")
        #expect(
            try run("encode", "--tokenizer", path, "--template", "--json", input: "").text == "[256,257]\n")
        #expect(try run("count", "--tokenizer", path, "--template", input: "ab").text.hasPrefix("4 tokens"))
        #expect(try run("encode", "--tokenizer", "byte", "--template", "--json", input: "").text == "[]\n")
    }

    @Test("An unknown character is found where it is, however far on")
    func unknownCharacterFarOn() throws {
        let path = try Models.parrot(in: directory)
        let text = String(repeating: Models.verse, count: 200_000)
        let result = try run(
            "count", "--tokenizer", path, try directory.file("long.txt", containing: text + "\u{20AC}"))
        #expect(result.status == 1 && result.errorLines.count == 1)
        #expect(result.errorText.contains("at position \(text.utf8.count) "), "\(result.errorText)")
        #expect(!result.errorText.contains("--replace-unknown"))
    }

    @Test("Without a network the text to measure with is the built-in play")
    func benchWithoutANetwork() throws {
        let result = try runCommand(
            ["tokenizer", "bench", "--tokenizer", "byte", "--rounds", "1", "--vocabulary", "0"],
            environment: ["GPT_DATA": nil, "HOME": directory.path, "XDG_CACHE_HOME": nil, "PATH": directory.path])
        #expect(result.status == 0, "\(result.errorText)")
        #expect(result.errorLines.last?.contains("built-in play") == true)
    }

    @Test func countsOneTime() throws {
        let result = try runCommand(
            ["tokenizer", "train", "--text", "-", "--vocabulary", "257", "--out", directory.file("one")], input: "ab")
        #expect(result.text.contains("\"ab\", which occurs 1 time\n"), "\(result.text)")
    }

    @Test(
        .enabled(if: Fixtures.golden != nil, "GPT_GOLDEN is not set"),
        arguments: [
            "tiktoken.jsonl", "tiktoken-decode.jsonl", "hf-bpe-512/golden.jsonl", "hf-bpe-1024/golden.jsonl",
            "hf-bpe-512/merges-trace.jsonl", "bpe-trainers/rustbpe-512.json", "bpe-trainers/minbpe-512.json",
        ])
    func vectors(_ name: String) throws {
        let result = try run("check", try #require(Fixtures.golden) + "/" + name)
        #expect(result.status == 0, "\(result.text)")
        #expect(result.lines.last?.contains(" 0 failed") == true)
        // What needs no published vocabulary is never skipped.
        if name.hasPrefix("hf") { #expect(result.lines.last?.hasSuffix(" 0 skipped") == true) }
    }

    static let refused: [(arguments: [String], input: String, status: Int32, words: String)] = [
        (["encode", "--tokenizer", "gtp2"], "a", 64, "Unknown tokenizer 'gtp2': choose from byte, gpt2"),
        (["encode", "--tokenizer", "bpe:300"], "a", 64, "is trained on a text"),
        (["encode", "--tokenizer", "bpe"], "a", 64, "is trained on a text"),
        (["check", "missing.jsonl", "--tokenizer", "WRONG"], "", 64, "Unknown tokenizer 'WRONG'"),
        (["check", "missing.jsonl", "--tokenizer", "./missing.json"], "", 1, "missing.json: no such file"),
        (["encode", "--tokenizer", "char"], "a", 64, "is trained on a text"),
        (["encode", "--tokenizer", "./missing.json"], "a", 1, "no such file"),
        (["encode"], "a", 64, "--tokenizer"),
        (["encode", "--tokenizer", "byte", "missing.txt"], "", 1, "no such file"),
        (["encode", "--tokenizer", "byte", "--json", "--pieces"], "", 64, "not both"),
        (["decode", "--tokenizer", "byte"], "12 x", 1, "\"x\" is not a token id"),
        (["decode", "--tokenizer", "byte"], "12 999", 1, "no token with the id 999"),
        (["decode", "--tokenizer", "byte"], "99999999999", 1, "is not a token id"),
        (["train", "--text", "-", "--vocabulary", "255", "--out", "x"], "a", 64, "not between 256"),
        (["train", "--text", "-", "--vocabulary", "300", "--out", "x"], "", 1, "it is empty"),
        (["train", "--vocabulary", "300", "--out", "x"], "", 64, "--text"),
        (["train", "--text", "-", "--vocabulary", "300", "--like", "maxbpe", "--out", "x"], "a", 64, "maxbpe"),
        (["check", "missing.jsonl"], "", 1, "no such file"),
        (["bench", "--rounds", "0"], "", 64, "--rounds"), (["bench", "--vocabulary", "3"], "", 64, "not between 256"),
        (["train", "--text", "-", "--text", "-", "--vocabulary", "300", "--out", "x"], "", 64, "only once"),
        (["train", "--text", "-", "--vocabulary", "300", "--out", "-"], "a", 64, "cannot be standard output"),
        (["info", "gpt2", "--merges", "-1"], "", 64, "--merges"), (["info", "loop"], "", 1, "symbolic links"),
    ]

    @Test(arguments: refused.indices)
    func refuses(_ index: Int) throws {
        let (arguments, input, status, words) = Self.refused[index]
        symlink("loop", directory.file("loop"))
        let result = try runCommand(["tokenizer"] + arguments, input: input, directory: directory.path)
        #expect(result.status == status)
        #expect(result.errorText.contains(words), "\(result.errorText)")
        if status == 1 { #expect(result.errorLines.count == 1) }
        #expect(directory.contents.allSatisfy { $0 != "x" })
    }

    @Test func refusesATextAsTokenizer() throws {
        let path = try directory.file("notes.txt", containing: "tea for two")
        let result = try run("count", "--tokenizer", path, input: "a")
        #expect(result.status == 1)
        #expect(result.errorLines.count == 1)
        #expect(result.errorText.hasPrefix("gpt: \(path): it is not a tokenizer.json: "), "\(result.errorText)")
    }

    @Test func refusesBytesThatAreNoText() throws {
        try directory.write([0x61, 0xFF, 0x62], to: "binary")
        for command in [["encode"], ["count"]] {
            let result = try runCommand(
                ["tokenizer"] + command + ["--tokenizer", "byte", directory.file("binary")])
            #expect(result.status == 1)
            #expect(result.errorText.contains("not valid UTF-8 at byte 1"))
        }
    }

    @Test func endsOnInterrupt() throws {
        let command = try RunningCommand(["tokenizer", "encode", "--tokenizer", "byte"])
        command.write("abc")
        usleep(200_000)
        command.send(SIGINT)
        #expect(try command.finish(closingInput: false).status == 130)
    }
}
