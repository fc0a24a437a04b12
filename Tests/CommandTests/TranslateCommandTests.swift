import GPTKit
import Interchange
import TestSupport
import Testing

@Suite struct TranslateCommandTests {
    let directory = TemporaryDirectory()

    private func makeModel() throws -> String {
        let tokenizer = try CharacterTokenizer(alphabetOf: ["abcdefgh\n"]).adding(.marian)
        let padding = try #require(tokenizer.paddingID), path = directory.file("model")
        let model = EncoderDecoder(
            EncoderDecoderConfiguration(
                vocabularySize: tokenizer.vocabularySize, contextLength: 12, width: 16,
                encoder: .init(layers: 1, heads: 2, feedForwardWidth: 32),
                decoder: .init(layers: 1, heads: 2, feedForwardWidth: 32), startToken: padding, endToken: padding + 1,
                paddingToken: padding), seed: 5)
        try ModelDirectory.save(
            model, tokenizer: tokenizer,
            description: ModelDescription(for: tokenizer, of: .encoderDecoder(model.configuration)), to: path)
        return path
    }

    private func expected(_ model: String, _ texts: [String], beams: Int = 1) throws -> String {
        var translator = try Translator(ModelDirectory.load(model))
        translator.settings.beams = beams
        return try texts.map { text in
            text.isEmpty
                ? "\n" : String(try translator.translate(text).map { $0.isNewline ? " " : $0 }) + "\n"
        }.joined()
    }

    @Test("A line is translated to a line, from arguments, a file and standard input")
    func lines() throws {
        let model = try makeModel(), texts = (0..<40).map { String("abcdefgh".dropFirst($0 % 8)) }
        let result = try runCommand(["translate", model] + texts)
        #expect(result.status == 0 && result.errorText == "")
        #expect(try result.text == expected(model, texts))
        let file = directory.file("texts.txt"), withBlank = ["abc", "", "h", "bad"]
        try directory.write(Array(withBlank.joined(separator: "\r\n").utf8), to: "texts.txt")
        let lines = try expected(model, withBlank)
        #expect(try runCommand(["translate", model, "--text", file]).text == lines)
        #expect(try runCommand(["translate", model], input: "abc\n\nh\nbad\n").text == lines)
        #expect(try runCommand(["translate", model, "--text", "-"], input: "").text == "")
        #expect(
            try runCommand(["translate", model, "--beams", "3", "abc", "h"]).text
                == expected(model, ["abc", "h"], beams: 3))
    }

    @Test("Lines are translated as they arrive")
    func flushed() throws {
        let model = try makeModel(), command = try RunningCommand(["translate", model])
        command.write("a\n")
        try command.wait { text, _ in text.hasSuffix("\n") }
        command.write("b\n")
        #expect(try command.finish().text == expected(model, ["a", "b"]))
    }

    @Test("A line that cannot be translated is named, after the lines before it")
    func refusals() throws {
        let model = try makeModel(), first = try expected(model, ["abc"])
        let unknown = try runCommand(["translate", model], input: "abc\naxc\nabc\n")
        #expect(unknown.status == 1 && unknown.text == first)
        #expect(
            unknown.errorText
                == "gpt: standard input, line 2: the character 'x' (U+0078) at position 1 is not in the alphabet of 9 "
                + "characters; --replace-unknown CHARACTER replaces it with another\n")
        let replaced = try runCommand(["translate", model, "--replace-unknown", "b"], input: "abc\naxc\n")
        #expect(replaced.text == first + first)
        let long = try runCommand(["translate", model, "abc", "abcdabcdabcd"])
        #expect(long.status == 1 && long.text == first)
        #expect(long.errorText.contains("text 2: the text has 13 tokens, more than the 12 that the model reads"))
        let other = TemporaryDirectory()
        let refused = try runCommand(["translate", try Models.parrot(in: other), "a"])
        #expect(refused.status == 1 && refused.errorText.contains("which cannot translate; give a model"))
    }

    @Test(
        "Options out of their range are wrong usage",
        arguments: [
            ["--beams", "0"], ["--max-length", "0"], ["--length-penalty", "nan"], ["--text", "file", "text"],
            ["--text", ""],
        ])
    func usage(_ arguments: [String]) throws {
        #expect(try runCommand(["translate", "model"] + arguments).status == 64)
    }

    @Test("Options have their effects")
    func options() throws {
        let model = try makeModel()
        #expect(try runCommand(["translate", model, "--max-length", "1", "abc"]).text == "\n")
        let long = try runCommand(["translate", model, "--max-length", "13", "abc"])
        #expect(long.status == 1 && long.errorText.contains("more than the context of"))
        for precision in ["bf16", "int8"] {
            #expect(try runCommand(["translate", model, "--precision", precision, "abc"]).status == 0)
        }
    }
}
