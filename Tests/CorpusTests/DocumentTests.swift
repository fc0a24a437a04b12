import Corpus
import TestSupport
import Testing

/// Texts that consist of documents.
@Suite struct DocumentTests {
    let directory = TemporaryDirectory()

    @Test("A JSON Lines file is a text of documents")
    func jsonLines() throws {
        let lines = #"""
            {"text": "né", "id": 1}

            {"text": "two\nlines"}
            {"text": ""}
            """#
        let text = try TextSource.read([try directory.file("a.jsonl", containing: lines)])[0]
        #expect(text.text == "nétwo\nlines")
        #expect(text.documentLengths == [2, 9])
    }

    @Test("Lines with messages are conversations, and lines of both kinds do not mix")
    func conversations() throws {
        let line = #"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}"#
        let text = try TextSource.read([try directory.file("c.jsonl", containing: line + "\n" + line)])[0]
        #expect(text.conversations?.map(\.count) == [2, 2])
        #expect(text.conversations?[0][1].content == "b")
        for mixed in [line + "\n{\"text\": \"a\"}", "{\"text\": \"a\"}\n" + line] {
            let path = try directory.file("d.jsonl", containing: mixed)
            #expect { try TextSource.read([path]) } throws: { "\($0)".contains("line 2: it has no member") }
        }
    }

    @Test(
        "A line that is not a document is named",
        arguments: [
            (#"{"text": "a"}"# + "\n[1]", "line 2: it has no member"), (#"{"texts": "a"}"#, "line 1: it has no member"),
            ("{", "line 1: not JSON"), (#"{"text": 5}"#, "line 1: it has no member"), ("\n", "no documents"),
        ])
    func errors(contents: String, words: String) throws {
        let path = try directory.file("b.jsonl", containing: contents)
        #expect { try TextSource.read([path]) } throws: { "\($0)".contains(words) && "\($0)".hasPrefix(path) }
    }

    @Test(
        "A separator divides a text, and belongs to no document",
        arguments: [
            ("a--b--c", "--", [1, 1, 1]), ("--ab--", "--", [2]), ("a---b", "--", [1, 2]), ("né\n\nb", "\n\n", [2, 1]),
            ("x\r\ny", "\r\n", [1, 1]),
        ])
    func separators(text: String, separator: String, lengths: [Int]) throws {
        let whole = NamedText(name: "t", text: text)
        let divided = try whole.separated(by: separator)
        #expect(divided.documentLengths == lengths)
        #expect(!divided.text.utf8.elementsEqual(text.utf8))
        #expect(divided.sha256 == whole.sha256)
    }

    @Test("A separator that does not occur is an error")
    func absent() {
        #expect(throws: CorpusError.self) { try NamedText(name: "t", text: "abc").separated(by: "--") }
    }
}
