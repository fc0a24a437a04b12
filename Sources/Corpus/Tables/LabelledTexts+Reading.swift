import Files

extension LabelledTexts {
    /// The names of the columns that a table of labelled texts has.
    public struct Columns: Sendable, Equatable {
        /// The column of the texts.
        public var text: String
        /// The column of second texts, for examples of two; nil for examples of one.
        public var pair: String?
        /// The column of the labels.
        public var label: String

        public init(text: String = "text", pair: String? = nil, label: String = "label") {
            self.text = text
            self.pair = pair
            self.label = label
        }
    }

    /// Reads a file of rows with named values. The end of its name says how they are written:
    ///
    /// - `.csv`: comma-separated values as RFC 4180 defines them; the first line has the names of the columns;
    /// - `.tsv`: values separated by tabs, without quoting; the first line has the names of the columns;
    /// - `.jsonl`, `.ndjson`, `.json`: a JSON object on each line. A label may be a number or a boolean.
    ///
    /// A byte-order mark is left out, and so are spaces around labels.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - columns: the names of the columns; others are ignored.
    ///   - labels: the labels that a model has, in its order; nil if the file defines them.
    ///   - notice: called with a sentence if a byte-order mark is left out.
    /// - Throws: one line that names the file, and the line in it: a column that is not there, a row with too few or too many
    ///   values, an empty text, a label that is not one of `labels`; no rows; one label only.
    public static func read(
        _ path: String, columns: Columns = Columns(), labels: [String]? = nil, notice: (String) -> Void = { _ in }
    ) throws -> LabelledTexts {
        let format = try TableFormat(path: path)
        let text = try TextFile.readText(path, for: .encoding, reportsLineEnds: false, notice: notice)
        return try LabelledTexts(parsing: text, name: path, format: format, columns: columns, labels: labels)
    }

    /// Parses the text of a file; see `read`.
    package init(
        parsing text: String, name: String, format: TableFormat, columns: Columns = Columns(), labels: [String]? = nil
    ) throws {
        var builder = Builder(name: name, known: labels)
        try TableRow.forEach(in: text, name: name, format: format) { row in
            func filled(_ column: String) throws(CorpusError) -> String {
                let text = try row.text(column)
                if text.trimmingSpaces.isEmpty { throw row.failure("has an empty \(shown(column))") }
                return text
            }
            let text = try filled(columns.text)
            let pair = try columns.pair.map(filled)
            let label = try row.word(columns.label)
            if label.isEmpty { throw row.failure("has an empty \(shown(columns.label))") }
            do { try builder.append(text, pair: pair, label: label) } catch {
                throw row.failure("has the label \(shown(label)), which is none of \(shown(labels ?? []))")
            }
        }
        self = try builder.finish(sha256: SHA256.hexDigest(of: text.utf8))
    }
}
