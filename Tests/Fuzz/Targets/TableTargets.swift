import Corpus
import TestSupport

extension FuzzSuite {
    /// Files of texts in rows.
    static func tables() -> FuzzSuite {
        FuzzSuite(
            "tables", "texts in rows: CSV, TSV, JSON Lines, labels, pairs, speeches",
            [DelimitedTextTarget(), LabelledTextsTarget(), TextPairsTarget()])
    }
}

private let tableSamples: [[UInt8]] = [
    "text,label\r\n\"one, \"\"two\"\"\",p\r\nthree,q\r\n\"four\nfive\",p\r\n",
    "label\ttext\np\t\"one\nq\ttwo, three\nq\tfour\n",
    #"{"text": "one", "label": 1}"# + "\n" + #"{"label": true, "text": "tw\u006f", "more": [1]}"# + "\n",
    "en,de,by\none,eins,\ntwo,\"zwei, \",x\n", "en\tde\none\teins\ntwo\tzwei\n",
    #"{"translation": {"en": "one", "de": "eins"}}"# + "\n" + #"{"translation": {"de": "zwei", "en": "two"}}"#,
    #"{"source": "one", "target": "eins"}"#, "ANNA:\nOne.\nTwo.\n\nBERT:\nThree.\n\nANNA:\nFour.\n",
].map { Array($0.utf8) }

private let tableWords: [[UInt8]] = [
    "\"", "\"\"", ",", "\t", "\n", "\r\n", "\r", ",\"", "\",", "\"\r\n\"", "text", "label", "source", "\u{FEFF}",
    "\u{2028}", " ",
    "{", "}", "[", "null", "translation", ":", "\u{301}", "é",
].map { Array($0.utf8) }

/// CSV is written and read again as the same fields, and TSV is what splitting the text at line ends and tabs gives.
private struct DelimitedTextTarget: FuzzTarget {
    let name = "delimited-text"
    private let mutator = Mutator(tableSamples, words: tableWords)

    func input(using generator: inout SeededGenerator) -> [UInt8] { mutator.input(using: &generator) }

    func run(_ input: [UInt8]) throws {
        let text = String(decoding: input, as: UTF8.self)
        let plain = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
            .map { $0.last == 0x0D ? $0.dropLast() : $0 }.filter { !$0.isEmpty }
            .map { $0.split(separator: 0x09, omittingEmptySubsequences: false).map { Array($0) } }
        let read = try records(.tsv(text, name: "a")).map { $0.fields.map { Array($0.utf8) } }
        try demand(read == plain, "the TSV is \(read)")
        do {
            let fields = try records(.csv(text, name: "a")).map(\.fields)
            let written = fields.map { $0.map { "\"\($0.doublingQuotes)\"" }.joined(separator: ",") + "\r\n" }.joined()
            try demand(
                try records(.csv(written, name: "a")).map(\.fields) == fields, "the CSV is not read as it was written")
        } catch let error as CorpusError { try demandNamed(error) }
    }

    private func records(_ text: DelimitedText) throws -> [DelimitedText.Record] {
        var text = text, records: [DelimitedText.Record] = []
        while let record = try text.next() {
            try demand(!record.fields.isEmpty, "a record has no fields")
            try demand(record.line > (records.last?.line ?? 0), "line \(record.line) comes twice")
            records.append(record)
        }
        return records
    }
}

/// Labelled texts are a one-line error, or have two labels or more, no empty text, and parts that are the whole.
private struct LabelledTextsTarget: FuzzTarget {
    let name = "labelled-texts"
    private let mutator = Mutator(tableSamples, words: tableWords + Mutator.numbers)

    func input(using generator: inout SeededGenerator) -> [UInt8] { mutator.input(using: &generator) }

    func run(_ input: [UInt8]) throws {
        let text = String(decoding: input, as: UTF8.self)
        for format in TableFormat.allCases {
            do { try check(LabelledTexts(parsing: text, name: "a", format: format)) } catch let error as CorpusError {
                try demandNamed(error)
            }
        }
        do { try check(Speeches.labelled(NamedText(name: "a", text: text), atLeast: 1)) } catch let error as CorpusError
        {
            try demandNamed(error)
        }
    }

    private func check(_ texts: LabelledTexts) throws {
        try demand(texts.labels.count > 1 && texts.counts.allSatisfy { $0 > 0 }, "the labels are \(texts.labels)")
        try demand(texts.examples.allSatisfy { $0.text.contains { !$0.isWhitespace } }, "a text is empty")
        let parts = texts.split(validation: 0.3, seed: 1)
        try demand(
            parts.training.examples.count + parts.validation.examples.count == texts.examples.count,
            "the parts are not the whole")
        try demand(parts.training.counts.allSatisfy { $0 > 0 }, "a label is in no example of the training part")
    }
}

/// Pairs are a one-line error, or have no empty text, and parts that are the whole. A text is the parallel file of itself.
private struct TextPairsTarget: FuzzTarget {
    let name = "text-pairs"
    private let mutator = Mutator(tableSamples, words: tableWords)

    func input(using generator: inout SeededGenerator) -> [UInt8] { mutator.input(using: &generator) }

    func run(_ input: [UInt8]) throws {
        let text = String(decoding: input, as: UTF8.self)
        for format in TableFormat.allCases {
            for source in [nil, "de"] {
                do { try check(TextPairs(parsing: text, name: "a", format: format, source: source)) } catch let error
                    as CorpusError
                { try demandNamed(error) }
            }
        }
        do {
            let pairs = try TextPairs(parsing: text, text, sources: "a", targets: "a.b")
            try check(pairs)
            try demand(pairs.pairs.allSatisfy { $0.source == $0.target }, "a line is not itself")
        } catch { try demandNamed(error) }
    }

    private func check(_ pairs: TextPairs) throws {
        let texts = pairs.pairs.flatMap { [$0.source, $0.target] }
        try demand(!texts.isEmpty && texts.allSatisfy { $0.contains { !$0.isWhitespace } }, "a text is empty")
        let parts = pairs.split(validation: 0.3, seed: 1)
        try demand(
            parts.training.pairs.count + parts.validation.pairs.count == pairs.pairs.count,
            "the parts are not the whole")
    }
}

/// Checks that an error is one line that begins with the name of the text, "a".
private func demandNamed(_ error: any Error) throws(FuzzFailure) {
    if let failure = error as? FuzzFailure { throw failure }
    try demandOneLine(error)
    try demand("\(error)".hasPrefix("a"), "the error does not name the text: \(error)")
}

extension String {
    fileprivate var doublingQuotes: String {
        split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
    }
}
