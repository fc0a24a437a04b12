import Files
import StrictJSON

extension TextPairs {
    /// Reads a file of pairs. The end of its name says how they are written:
    ///
    /// - `.csv` (RFC 4180) and `.tsv` (tabs, without quoting): the first line has the names of the columns;
    /// - `.jsonl`, `.ndjson`, `.json`: on each line `{"translation": {"en": "...", "es": "..."}}`, as Hugging Face's tools write
    ///   pairs, or `{"source": "...", "target": "..."}`.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - source: the column or the language of the sources. By default the first one, or in JSON without `translation`
    ///     the member `source`.
    ///   - target: the column or the language of the targets. By default the first one that is not the source's, or in JSON
    ///     without `translation` the member `target`.
    ///   - notice: called with a sentence if a byte-order mark is left out, and with the names of the columns if they are the
    ///     first two of the file: its first line may be a pair rather than names.
    /// - Throws: one line that names the file, and the line in it: a column that is not there, a row with too few or too many
    ///   values, an empty text; no rows.
    public static func read(
        _ path: String, source: String? = nil, target: String? = nil, notice: (String) -> Void = { _ in }
    ) throws -> TextPairs {
        let format = try TableFormat(path: path)
        let text = try TextFile.readText(path, for: .encoding, reportsLineEnds: false, notice: notice)
        let pairs = try TextPairs(parsing: text, name: path, format: format, source: source, target: target)
        if format != .jsonLines, source == nil || target == nil {
            notice(
                "The first line of \(shown(path: path)) names its columns: the sources are \(shown(pairs.columns.source)), the "
                    + "targets \(shown(pairs.columns.target)).")
        }
        return pairs
    }

    /// Parses the text of a file; see `read`.
    package init(
        parsing text: String, name: String, format: TableFormat, source: String? = nil, target: String? = nil
    ) throws {
        var names: (source: String, target: String)?
        var pairs: [Pair] = []
        try TableRow.forEach(in: text, name: name, format: format) { row in
            var row = row
            var defaults = row.columns
            if let translation = row.member("translation") {
                guard let object = translation.objectValue else {
                    throw row.failure("has \(translation.kind) as \"translation\", which must be an object")
                }
                row = row.row(of: object)
                defaults = row.columns
            } else if format == .jsonLines {
                defaults = ["source", "target"]
            }
            let columns = try names ?? Self.columns(source, target, defaults, of: row)
            names = columns
            pairs.append(
                Pair(source: try Self.filled(columns.source, of: row), target: try Self.filled(columns.target, of: row))
            )
        }
        guard let names else { throw CorpusError("\(shown(path: name)): it has no rows with texts") }
        self.init(name: name, columns: names, pairs: pairs, sha256: SHA256.hexDigest(of: text.utf8))
    }

    /// The names of the two columns. If a name was not given, the first other column is used.
    private static func columns(
        _ source: String?, _ target: String?, _ defaults: [String], of row: TableRow
    ) throws(CorpusError) -> (source: String, target: String) {
        let first = source ?? defaults.first { $0 != target }
        guard let first, let second = target ?? defaults.first(where: { $0 != first }) else {
            throw row.failure("has \(counted(defaults.count, "text")), where a pair has two")
        }
        guard first != second else {
            throw row.failure("cannot have \(shown(first)) as both texts of a pair")
        }
        return (first, second)
    }

    private static func filled(_ column: String, of row: TableRow) throws(CorpusError) -> String {
        let text = try row.text(column)
        if text.trimmingSpaces.isEmpty { throw row.failure("has an empty \(shown(column))") }
        return text
    }

    /// Reads two parallel files: a line of one is the translation of the same line of the other. Lines end at LF or CR LF.
    /// Pairs of empty lines are left out.
    /// - Parameters:
    ///   - sources: the file of the sources, such as `train.de`.
    ///   - targets: the file of the targets, such as `train.en`.
    ///   - notice: called with a sentence if a byte-order mark is left out.
    /// - Throws: one line that names the files: other numbers of lines, or a line that is empty in only one of them.
    public static func read(
        sources: String, targets: String, notice: (String) -> Void = { _ in }
    ) throws -> TextPairs {
        func text(_ path: String) throws -> String {
            try TextFile.readText(path, for: .encoding, reportsLineEnds: false, notice: notice)
        }
        return try TextPairs(parsing: text(sources), text(targets), sources: sources, targets: targets)
    }

    /// Parses the texts of two parallel files; see `read`.
    package init(parsing source: String, _ target: String, sources: String, targets: String) throws(CorpusError) {
        let lines = (source: Self.lines(source), target: Self.lines(target))
        guard lines.source.count == lines.target.count else {
            throw CorpusError(
                "\(shown(path: sources)) has \(counted(lines.source.count, "line")) and \(shown(path: targets)) has "
                    + "\(lines.target.count); each line of one must be the translation of the same line of the other")
        }
        var pairs: [Pair] = []
        for (number, pair) in zip(lines.source, lines.target).enumerated() {
            let isEmpty = (source: pair.0.trimmingSpaces.isEmpty, target: pair.1.trimmingSpaces.isEmpty)
            if isEmpty.source, isEmpty.target { continue }
            if isEmpty.source || isEmpty.target {
                let (empty, other) = isEmpty.source ? (sources, targets) : (targets, sources)
                throw CorpusError(
                    "\(shown(path: empty)): line \(number + 1) is empty, and that of \(shown(path: other)) is not")
            }
            pairs.append(Pair(source: pair.0, target: pair.1))
        }
        guard !pairs.isEmpty else { throw CorpusError("\(shown(path: sources)): it has no lines with texts") }
        let digest = SHA256.hexDigest(of: (SHA256.hexDigest(of: source.utf8) + SHA256.hexDigest(of: target.utf8)).utf8)
        self.init(
            name: "\(sources) and \(targets)", columns: (Self.ending(sources), Self.ending(targets)), pairs: pairs,
            sha256: digest)
    }

    /// The lines of a text without their ends. The end of the last line begins no other.
    private static func lines(_ text: String) -> [String] {
        var lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines.map { line in
            let end = line.last == 0x0D ? line.index(before: line.endIndex) : line.endIndex
            return String(text[line.startIndex..<end])
        }
    }

    /// The end of the name of a file: "de" of `train.de`; else the name.
    private static func ending(_ path: String) -> String {
        let file = path.split(separator: "/").last ?? ""
        let parts = file.split(separator: ".", omittingEmptySubsequences: true)
        return String(parts.count > 1 ? parts[parts.count - 1] : file)
    }
}
