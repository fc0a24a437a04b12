/// The form of a file of rows with named values, which follows from the end of its name.
package enum TableFormat: String, Sendable, CaseIterable {
    /// Comma-separated values, with quotes (`DelimitedText`): `.csv`.
    case csv
    /// Tab-separated values, without quotes (`DelimitedText`): `.tsv`, `.tab`.
    case tsv
    /// A JSON object on each line: `.jsonl`, `.ndjson`, `.json`.
    case jsonLines = "jsonl"

    private static let extensions: [(ending: String, format: TableFormat)] = [
        (".csv", .csv), (".tsv", .tsv), (".tab", .tsv), (".jsonl", .jsonLines), (".ndjson", .jsonLines),
        (".json", .jsonLines),
    ]

    /// - Throws: if the end of the name says none.
    package init(path: String) throws(CorpusError) {
        if path == "-" {
            throw CorpusError("standard input: rows are read from a file whose name ends in .csv, .tsv or .jsonl")
        }
        let lowercase = path.lowercased()
        guard let format = Self.extensions.first(where: { lowercase.hasSuffix($0.ending) })?.format else {
            throw CorpusError(
                "\(shown(path: path)): the end of its name does not say what it contains; rename it to .csv, .tsv or .jsonl"
            )
        }
        self = format
    }
}
