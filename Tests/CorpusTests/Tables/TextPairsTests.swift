import Corpus
import TestSupport
import Testing

/// Pairs of texts out of tables and parallel files.
@Suite("Pairs of texts")
struct TextPairsTests {
    private let directory = TemporaryDirectory()
    private static let expected = [
        TextPairs.Pair(source: "Good day, \"you\"", target: "Guten Tag"),
        TextPairs.Pair(source: "Tea?", target: "Tee?"),
    ]

    @Test(
        "The same pairs are in each format",
        arguments: [
            ("a.tsv", "en\tde\tby\nGood day, \"you\"\tGuten Tag\tA\nTea?\tTee?\tB\n", nil, nil),
            ("a.tsv", "by\tde\ten\r\nA\tGuten Tag\tGood day, \"you\"\r\nB\tTee?\tTea?\r\n", "en", "de"),
            ("a.csv", "de,en\nGuten Tag,\"Good day, \"\"you\"\"\"\nTee?,Tea?\n", "en", nil),
            ("a.csv", "de,en\nGuten Tag,\"Good day, \"\"you\"\"\"\nTee?,Tea?\n", nil, "de"),
            (
                "a.jsonl",
                #"{"translation": {"en": "Good day, \"you\"", "de": "Guten Tag"}}"# + "\n"
                    + #"{"translation": {"de": "Tee?", "en": "Tea?"}}"#, nil, nil
            ),
            (
                "a.jsonl",
                #"{"translation": {"de": "Guten Tag", "fr": "Jour", "en": "Good day, \"you\""}}"# + "\n"
                    + #"{"translation": {"de": "Tee?", "en": "Tea?"}}"#, "en", "de"
            ),
            (
                "a.json",
                #"{"id": 1, "target": "Guten Tag", "source": "Good day, \"you\""}"# + "\n"
                    + #"{"source": "Tea?", "target": "Tee?"}"#, nil, nil
            ),
            (
                "a.ndjson",
                #"{"de": "Guten Tag", "en": "Good day, \"you\""}"# + "\n" + #"{"de": "Tee?", "en": "Tea?"}"#, "en", "de"
            ),
        ] as [(String, String, String?, String?)])
    func formats(name: String, contents: String, source: String?, target: String?) throws {
        var notices: [String] = []
        let pairs = try TextPairs.read(directory.file(name, containing: contents), source: source, target: target) {
            notices.append($0)
        }
        #expect(pairs.pairs == Self.expected && pairs.sha256.count == 64)
        #expect(pairs.columns == (name == "a.json" ? ("source", "target") : ("en", "de")))
        // Where a header is not asked for by name, it may be a pair.
        #expect(notices.count == (name.hasSuffix("sv") && (source == nil || target == nil) ? 1 : 0))
    }

    @Test("Two parallel files are pairs line by line; pairs of empty lines are left out")
    func parallel() throws {
        let sources = try directory.file("a.en", containing: "Good day, \"you\"\r\n\r\nTea?\r\n")
        let targets = try directory.file("a.de", containing: "Guten Tag\n \nTee?")
        let pairs = try TextPairs.read(sources: sources, targets: targets)
        #expect(pairs.pairs == Self.expected && pairs.columns == ("en", "de"))
        #expect(pairs.name == "\(sources) and \(targets)")
        let swapped = try TextPairs.read(sources: targets, targets: sources)
        #expect(swapped.pairs.map(\.source) == pairs.pairs.map(\.target) && swapped.sha256 != pairs.sha256)
    }

    @Test(
        "Parallel files that do not fit are named",
        arguments: [
            (
                "a\nb\n", "c\n",
                "A has 2 lines and B has 1; each line of one must be the translation of the same line of the other"
            ),
            (
                "a\n", "c\n\n",
                "A has 1 line and B has 2; each line of one must be the translation of the same line of the other"
            ),
            ("a\n\n", "c\nd\n", "A: line 2 is empty, and that of B is not"),
            ("a\nb\n", "c\n \n", "B: line 2 is empty, and that of A is not"),
            ("\n", "\n", "A: it has no lines with texts"),
            ("", "a", "cannot read A: it is empty"),
        ])
    func parallelErrors(sources: String, targets: String, words: String) throws {
        let paths = (try directory.file("A", containing: sources), try directory.file("B", containing: targets))
        #expect { try TextPairs.read(sources: paths.0, targets: paths.1) } throws: {
            "\($0)".replacing(paths.0, with: "A").replacing(paths.1, with: "B") == words
        }
    }

    @Test(
        "What is wrong is said in one line with the place",
        arguments: [
            ("a.tsv", "en\nx\n", nil, ": line 2 has 1 text, where a pair has two"),
            ("a.tsv", "en\tde\nx\ty\nz\t\n", nil, #": line 3 has an empty "de""#),
            ("a.tsv", "en\tde\nx\ty\n", "fr", #" has no column "fr"; the columns in its first line are "en" and "de""#),
            ("a.tsv", "en\tde\n", nil, ": it has no rows with texts"),
            ("a.jsonl", #"{"translation": {"en": "x"}}"#, nil, ": line 1 has 1 text, where a pair has two"),
            (
                "a.jsonl", #"{"translation": "x"}"#, nil,
                #": line 1 has a string as "translation", which must be an object"#
            ),
            (
                "a.jsonl",
                #"{"translation": {"en": "x", "de": "y"}}"# + "\n" + #"{"translation": {"en": "x", "fr": "y"}}"#,
                nil, #": line 2 has no member "de"; its members are "en" and "fr""#
            ),
            (
                "a.jsonl", #"{"en": "x", "de": "y"}"#, nil,
                #": line 1 has no member "source"; its members are "en" and "de""#
            ),
        ] as [(String, String, String?, String)])
    func errors(name: String, contents: String, source: String?, words: String) throws {
        let path = try directory.file(name, containing: contents)
        #expect { try TextPairs.read(path, source: source) } throws: { "\($0)" == path + words }
    }

    @Test("The same column twice is no pair")
    func sameColumn() throws {
        let path = try directory.file("a.tsv", containing: "en\tde\nx\ty\n")
        #expect { try TextPairs.read(path, source: "en", target: "en") } throws: { "\($0)".contains("as both texts") }
    }

    @Test("The split is seeded, keeps the order, and equal sources are in the same part")
    func split() {
        let pairs = TextPairs(
            name: "t", (0..<100).map { TextPairs.Pair(source: "\($0 % 80)", target: "\($0)") })
        let parts = pairs.split(validation: 0.2, seed: 3)
        #expect(parts.validation.pairs.count == 20 && parts.training.pairs.count == 80)
        let held = Set(parts.validation.pairs.map(\.source))
        #expect(pairs.pairs.filter { held.contains($0.source) } == parts.validation.pairs)
        #expect(pairs.pairs.filter { !held.contains($0.source) } == parts.training.pairs)
        #expect(pairs.split(validation: 0.2, seed: 3).validation.pairs == parts.validation.pairs)
        #expect(pairs.split(validation: 0.2, seed: 4).validation.pairs != parts.validation.pairs)
        #expect(pairs.split(validation: 0, seed: 3).validation.pairs.isEmpty)
    }
}
