import GPTKit
import StrictJSON
import TestSupport
import Testing

@Suite struct EmbedCommandTests {
    private func model(in directory: TemporaryDirectory) throws -> String {
        let tokenizer = CharacterTokenizer(alphabetOf: ["\nabc "]), path = directory.file("model")
        let encoder = Encoder(
            EncoderConfiguration(
                vocabularySize: tokenizer.vocabularySize, contextLength: 6, layers: 1, heads: 2, width: 4,
                head: .none(hasPooler: false)), seed: 1)
        try ModelDirectory.save(encoder, tokenizer: tokenizer, to: path)
        return path
    }

    @Test("A line for each line, as numbers or as JSON, whatever the batch")
    func lines() throws {
        let directory = TemporaryDirectory(), path = try model(in: directory)
        let text = try directory.file(containing: "ab c\na\nabcabcabc\r\nab c")
        let plain = try runCommand(["embed", path, "--text", text])
        #expect(plain.status == 0 && plain.lines.count == 4, "\(plain.errorText)")
        #expect(plain.lines[0] == plain.lines[3] && plain.lines[0] != plain.lines[1])
        #expect(
            plain.errorText.contains("no modules.json") && plain.errorText.contains("1 line had more than 6 tokens"))
        let numbers = plain.lines.map { $0.split(separator: " ").compactMap { Float($0) } }
        #expect(numbers.allSatisfy { $0.count == 4 })
        let json = try runCommand(["embed", path, "--json", "--batch", "1", "--threads", "1"], input: "ab c\na\n")
        #expect(json.status == 0 && json.lines.count == 2)
        for (line, expected) in zip(json.lines, numbers) {
            let values = try #require(JSON(parsing: Array(line.utf8)).arrayValue).compactMap(\.doubleValue)
            #expect(values.map { Float($0) } == expected)
        }
        let none = try runCommand(["embed", path], input: "")
        #expect(none.status == 0 && none.output.isEmpty)
    }

    @Test("What has no embedding is one line that says where")
    func failures() throws {
        let directory = TemporaryDirectory(), path = try model(in: directory)
        let empty = try runCommand(["embed", path], input: "a\n\nb\n")
        #expect(empty.status == 1 && empty.errorText.contains("text 2 is empty"), "\(empty.errorText)")
        let others = TemporaryDirectory()
        let refused = try runCommand(["embed", Models.transformer(in: others)], input: "a\n")
        #expect(refused.status == 1 && refused.errorLines.count == 1)
        #expect(try runCommand(["embed", path, "--batch", "0"]).status == 64)
    }
}
