import Corpus
import Testing

/// Records of CSV and TSV: their fields, the lines on which they begin, and what is refused.
@Suite("Delimited text")
struct DelimitedTextTests {
    private static func records(_ text: DelimitedText) throws -> [DelimitedText.Record] {
        var text = text, records: [DelimitedText.Record] = []
        while let record = try text.next() { records.append(record) }
        return records
    }

    @Test(
        "CSV is that of RFC 4180",
        arguments: [
            ("", []), ("a", [["a"]]), ("a,b", [["a", "b"]]), ("a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]),
            ("a,b\nc,d", [["a", "b"], ["c", "d"]]), ("a,b\rc,d\r", [["a", "b"], ["c", "d"]]),
            (",", [["", ""]]), ("a,", [["a", ""]]), ("a,\n,b", [["a", ""], ["", "b"]]), ("\"\"", [[""]]),
            (#""a","b""#, [["a", "b"]]), (#""a,b",c"#, [["a,b", "c"]]), (#""say ""ah""",c"#, [["say \"ah\"", "c"]]),
            ("\"a\r\nb\",c\r\nd,e", [["a\r\nb", "c"], ["d", "e"]]), ("\"\"\"\",\",\"", [["\"", ","]]),
            // A mark within a field, and spaces before one: characters like others.
            (#"5" disk,b"#, [["5\" disk", "b"]]), (#"a, "b"#, [["a", " \"b"]]), (" a , b ", [[" a ", " b "]]),
            // Empty lines are no records, whatever ends them.
            ("\n\na\n\r\n\rb\n\n", [["a"], ["b"]]), ("\r\n", []),
            ("né,\u{65E5}\u{1F600}", [["né", "\u{65E5}\u{1F600}"]]), ("a\tb,c", [["a\tb", "c"]]),
        ] as [(String, [[String]])])
    func csv(text: String, fields: [[String]]) throws {
        #expect(try Self.records(.csv(text, name: "a.csv")).map(\.fields) == fields)
    }

    @Test(
        "TSV is plain",
        arguments: [
            ("a\tb\nc\td\n", [["a", "b"], ["c", "d"]]), ("a\tb\r\nc\td\r\n", [["a", "b"], ["c", "d"]]),
            ("\"a\tb\"", [["\"a", "b\""]]), ("a,b\t\"\"", [["a,b", "\"\""]]), ("\t", [["", ""]]),
            ("a\rb\tc\r", [["a\rb", "c"]]),
            ("\n\na\t\n\n", [["a", ""]]),
        ] as [(String, [[String]])])
    func tsv(text: String, fields: [[String]]) throws {
        #expect(try Self.records(.tsv(text, name: "a.tsv")).map(\.fields) == fields)
    }

    @Test(
        "A record has the number of the line on which it begins",
        arguments: [
            ("a\nb\n\nc", [1, 2, 4]), ("a\r\nb\r\n\r\nc", [1, 2, 4]), ("\"a\n\r\nb\"\nc", [1, 4]),
            ("\"a\rb\"\rc", [1, 3]),
        ])
    func lines(text: String, lines: [Int]) throws {
        #expect(try Self.records(.csv(text, name: "a.csv")).map(\.line) == lines)
    }

    @Test(
        "A wrong quotation mark is an error that names its line",
        arguments: [
            ("a\n\"b", "a.csv: the field that begins with a quotation mark in line 2 has no closing one"),
            ("\"", "a.csv: the field that begins with a quotation mark in line 1 has no closing one"),
            ("a,\"b\n\"\"\nc", "a.csv: the field that begins with a quotation mark in line 1 has no closing one"),
            ("a\n\"b\nc\" d", "a.csv: line 3 has text after the closing quotation mark of a field"),
            ("\"a\"b\"", "a.csv: line 1 has text after the closing quotation mark of a field"),
        ])
    func errors(text: String, words: String) {
        #expect { try Self.records(.csv(text, name: "a.csv")) } throws: { "\($0)".hasPrefix(words) }
    }
}
