import Corpus
import TestSupport
import Testing

/// Labelled texts out of tables: what is read, what is refused, and the split.
@Suite("Labelled texts")
struct LabelledTextsTests {
    private let directory = TemporaryDirectory()

    private func read(
        _ name: String, _ contents: String, columns: LabelledTexts.Columns = .init(), labels: [String]? = nil,
        notice: (String) -> Void = { _ in }
    ) throws -> LabelledTexts {
        try LabelledTexts.read(
            directory.file(name, containing: contents), columns: columns, labels: labels, notice: notice)
    }

    @Test(
        "The same examples are in each format",
        arguments: [
            ("a.csv", "id,label,text\n1,good,\"Yes, \"\"it\"\" is\"\n2,bad,no\n"),
            ("A.CSV", "\u{FEFF}id,label,text\r\n1,good,\"Yes, \"\"it\"\" is\"\r\n\r\n2, bad ,no\r\n"),
            ("a.tsv", "text\tlabel\nYes, \"it\" is\tgood\nno\tbad\n"),
            ("a.tab", "text\tlabel\r\nYes, \"it\" is\tgood\r\nno\tbad"),
            ("a.jsonl", #"{"text": "Yes, \"it\" is", "label": "good"}"# + "\n\n" + #"{"label": "bad", "text": "no"}"#),
            ("a.json", #" {"text": "Yes, \"it\" is", "label": "good"}"# + "\r\n" + #"{"label": "bad", "text": "no"}"#),
        ])
    func formats(name: String, contents: String) throws {
        var notices: [String] = []
        let texts = try read(name, contents) { notices.append($0) }
        #expect(texts.labels == ["bad", "good"])
        #expect(texts.examples.map(\.text) == ["Yes, \"it\" is", "no"] && texts.examples.map(\.label) == [1, 0])
        #expect(texts.counts == [1, 1] && texts.examples.allSatisfy { $0.pair == nil } && texts.sha256.count == 64)
        // Line ends of CR LF are no part of the texts, so nothing is said about them.
        #expect(notices.count == (contents.first == "\u{FEFF}" ? 1 : 0))
    }

    @Test("Columns have names, and examples may have two texts")
    func columns() throws {
        let columns = LabelledTexts.Columns(text: "a", pair: "b", label: "follows")
        let texts = try read("a.csv", "follows,a,b\nyes,one,two\nno,three,four\n", columns: columns)
        #expect(texts.examples.map(\.text) == ["one", "three"] && texts.examples.map(\.pair) == ["two", "four"])
        #expect(texts.examples.map(\.label) == [1, 0])
    }

    @Test(
        "Labels are words, in the order of their values or of their characters",
        arguments: [
            ([#""b""#, #""B""#, #""a""#], ["B", "a", "b"]), (["10", "9", "-1"], ["-1", "9", "10"]),
            (["true", "false"], ["false", "true"]), (["10", "9", #""x""#], ["10", "9", "x"]),
            (["1.5", "1e3"], ["1.5", "1e3"]),
        ])
    func labels(values: [String], labels: [String]) throws {
        let lines = values.map { #"{"text": "t", "label": \#($0)}"# }.joined(separator: "\n")
        #expect(try read("a.jsonl", lines).labels == labels)
    }

    @Test("The labels of a model keep its order, and one of them alone is enough")
    func knownLabels() throws {
        let texts = try read("a.csv", "text,label\na,low\n", labels: ["none", "low"])
        #expect(texts.labels == ["none", "low"] && texts.examples.map(\.label) == [1])
        #expect { try read("b.csv", "text,label\na,low\nb,high\n", labels: ["none", "low"]) } throws: {
            "\($0)" == #"\#(directory.file("b.csv")): line 3 has the label "high", which is none of "none" and "low""#
        }
    }

    @Test("Examples of a program have the labels of the model, or their own")
    func program() throws {
        let rows = [(text: "a", label: "q"), (text: "b", label: "p")]
        #expect(try LabelledTexts(name: "t", rows).labels == ["p", "q"])
        #expect(try LabelledTexts(name: "t", rows, labels: ["q", "r", "p"]).examples.map(\.label) == [0, 2])
        #expect { try LabelledTexts(name: "t", rows, labels: ["q", "r"]) } throws: {
            "\($0)" == #"t: the label "p" is none of "q" and "r""#
        }
    }

    @Test(
        "What is wrong is said in one line with the place",
        arguments: [
            ("a.csv", "text,label\na,b,c\n", ": line 2 has 3 fields where the header has 2"),
            ("a.tsv", "text\tlabel\na\tb\n\nc\n", ": line 4 has 1 field where the header has 2"),
            (
                "a.csv", "text,stars\na,b\n",
                #" has no column "label"; the columns in its first line are "text" and "stars""#
            ),
            ("a.csv", "text\n", ": it has no rows with texts"), ("a.csv", "\n\n", ": it has no rows with texts"),
            ("a.jsonl", "\n", ": it has no rows with texts"),
            ("a.csv", "text,label\n\"x\ny\",p\n  ,q\n", #": line 4 has an empty "text""#),
            ("a.csv", "text,label\nx,p\ny, \n", #": line 3 has an empty "label""#),
            ("a.csv", "text,label\nx,p\ny,p\n", #": every row has the label "p"; give rows of two labels or more"#),
            (
                "a.csv", "text,label,text\nx,p,y\n",
                #": its first line names the column "text" twice; rename one of them"#
            ),
            (
                "a.csv", "text,label\n\"x,p\n",
                ": the field that begins with a quotation mark in line 2 has no closing one"
            ),
            ("a.jsonl", #"{"text": "a"}"#, #": line 1 has no member "label"; its members are "text""#),
            ("a.jsonl", "{}", #": line 1 has no member "text"; it is empty"#),
            ("a.jsonl", #"{"text": 1, "label": 1}"#, #": line 1 has a number as "text", which must be a string"#),
            (
                "a.jsonl", #"{"text": "a", "label": null}"#,
                #": line 1 has null as "label", which must be a string or a number"#
            ),
            ("a.jsonl", #"{"text": "a", "label": 1}"# + "\n[1]", ": line 2 is an array, which must be an object"),
            ("a.jsonl", "{", ", line 1: not JSON: "),
            (
                "a.json", "\n [{\"text\": 1}]",
                ": it is one array; write an object on each line, for example with jq -c '.[]'"
            ),
            ("a.txt", "a", ": the end of its name does not say what it contains; rename it to .csv, .tsv or .jsonl"),
        ])
    func errors(name: String, contents: String, words: String) throws {
        let path = try directory.file(name, containing: contents)
        #expect { try LabelledTexts.read(path) } throws: { "\($0)".hasPrefix(path + words) }
    }

    @Test("Standard input has no name that says how its rows are written")
    func standardInput() {
        #expect { try LabelledTexts.read("-") } throws: {
            "\($0)".hasPrefix("standard input: rows are read from a file")
        }
    }

    @Test("A column of which nearly every value is different is not one of labels")
    func notLabels() throws {
        let rows = (0..<101).map { "t\($0),\($0)" }.joined(separator: "\n")
        #expect { try read("a.csv", "text,label\n" + rows) } throws: {
            "\($0)".hasSuffix("name the column of the labels")
        }
        #expect(try read("a.csv", "text,label\n" + rows.dropLast(9)).labels.count == 100)
    }

    @Test("A message shows names from the file on one line")
    func messages() throws {
        let header = "\"te\nxt\"," + (0..<20).map { "c\($0)" }.joined(separator: ",")
        #expect { try read("a.csv", "\(header)\n\(header)") } throws: {
            "\($0)".hasSuffix(#"are "te\nxt", "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8" and 11 more"#)
        }
    }

    private static func numbered(_ counts: [Int]) throws -> LabelledTexts {
        try LabelledTexts(
            name: "numbers",
            counts.enumerated().flatMap { label, count in (0..<count).map { ("\(label).\($0)", "\(label)") } }
                .shuffledOnce)
    }

    @Test(
        "The split keeps the shares of the labels, and each label with two rows is in both parts",
        arguments: [
            ([100, 50, 10], 0.1, [10, 5, 1]), ([2, 3, 1], 0.1, [1, 1, 0]), ([5, 5], 1, [4, 4]), ([9, 9], 0, [0, 0]),
        ] as [([Int], Double, [Int])])
    func split(counts: [Int], fraction: Double, validation: [Int]) throws {
        let texts = try Self.numbered(counts)
        let parts = texts.split(validation: fraction, seed: 1)
        #expect(parts.validation.counts == validation)
        #expect(parts.training.counts == zip(counts, validation).map { $0 - $1 })
        #expect(parts.training.labels == texts.labels && parts.validation.labels == texts.labels)
        // Every example once, in the order of the whole.
        let rest = Set(parts.validation.examples.map(\.text))
        #expect(texts.examples.filter { rest.contains($0.text) } == parts.validation.examples)
        #expect(texts.examples.filter { !rest.contains($0.text) } == parts.training.examples)
    }

    @Test("The seed decides the split, and it is the same everywhere")
    func seeds() throws {
        let texts = try Self.numbered([40, 40])
        let first = texts.split(validation: 0.05, seed: 1).validation.examples
        #expect(texts.split(validation: 0.05, seed: 1).validation.examples == first)
        #expect(texts.split(validation: 0.05, seed: 2).validation.examples != first)
        #expect(Set(first.map(\.text)) == ["0.14", "0.37", "1.9", "1.15"])
    }

    @Test("Equal texts are in the same part")
    func repetitions() throws {
        let rows = (0..<30).flatMap { [("a\($0 % 10)", "p"), ("b\($0)", "q")] } + [("b0", "q")]
        let texts = try LabelledTexts(name: "t", rows)
        for seed: UInt64 in 0..<20 {
            let parts = texts.split(validation: 0.2, seed: seed)
            #expect(Set(parts.training.examples.map(\.text)).isDisjoint(with: parts.validation.examples.map(\.text)))
            #expect(parts.validation.counts == [6, 6])
        }
        // Where one text is too frequent, the other one is for validation.
        let uneven = try LabelledTexts(
            name: "t", [("a", "p"), ("b", "p")] + (0..<9).map { _ in ("a", "p") } + [("c", "q")])
        #expect(uneven.split(validation: 0.5, seed: 1).validation.examples.map(\.text) == ["b"])
    }
}

extension Array {
    /// The elements in another order, the same each time.
    fileprivate var shuffledOnce: [Element] {
        var generator = SeededGenerator(seed: 7)
        return shuffled(using: &generator)
    }
}
