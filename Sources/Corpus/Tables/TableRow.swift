import StrictJSON

/// A row of a table of texts: values by the names of their columns.
package struct TableRow {
    /// The name of the table in messages.
    private let name: String
    /// The number of the line on which the row begins.
    package let line: Int
    private let values: Values

    private enum Values {
        case fields([String], columns: [String])
        case members(JSONObject)
    }

    /// The names of the columns, in the order of the file.
    package var columns: [String] {
        switch values {
        case .fields(_, let columns): columns
        case .members(let object): object.map(\.key)
        }
    }

    /// The value of a column, which must be a string in JSON.
    /// - Throws: if there is none.
    package func text(_ column: String) throws(CorpusError) -> String {
        switch try value(column) {
        case .string(let text): return text
        case let other: throw failure("has \(other.kind) as \(shown(column)), which must be a string")
        }
    }

    /// The value of a column as a word without spaces around it: a string, or in JSON also a number or a boolean as it is
    /// written there.
    /// - Throws: if there is none.
    package func word(_ column: String) throws(CorpusError) -> String {
        switch try value(column) {
        case .string(let text): return text.trimmingSpaces
        case .number(let number): return number.text
        case .bool(let value): return "\(value)"
        case let other: throw failure("has \(other.kind) as \(shown(column)), which must be a string or a number")
        }
    }

    /// The member of that name if the row is an object in JSON and has one.
    package func member(_ key: String) -> JSON? {
        if case .members(let object) = values { object[key] } else { nil }
    }

    /// A row whose values are those of a member, an object.
    package func row(of object: JSONObject) -> TableRow { TableRow(name: name, line: line, values: .members(object)) }

    /// An error about this row.
    /// - Parameter reason: what follows "line 17", such as "has no text".
    package func failure(_ reason: String) -> CorpusError {
        CorpusError("\(shown(path: name)): line \(line) \(reason)")
    }

    private func value(_ column: String) throws(CorpusError) -> JSON {
        switch values {
        case .fields(let fields, let columns):
            guard let index = columns.firstIndex(of: column) else {
                throw CorpusError(
                    "\(shown(path: name)) has no column \(shown(column)); the columns in its first line are \(shown(columns))"
                )
            }
            guard columns[(index + 1)...].firstIndex(of: column) == nil else {
                throw CorpusError(
                    "\(shown(path: name)): its first line names the column \(shown(column)) twice; rename one of them")
            }
            return .string(fields[index])
        case .members(let object):
            guard let value = object[column] else {
                let others = object.isEmpty ? "it is empty" : "its members are \(shown(columns))"
                throw failure("has no member \(shown(column)); \(others)")
            }
            return value
        }
    }

    /// Reads a table row by row.
    /// - Parameters:
    ///   - text: the text of the file.
    ///   - name: its name in messages.
    ///   - format: how the rows are written. The first record of CSV and TSV has the names of the columns.
    ///   - body: called with each row.
    /// - Throws: one line that names the file and the line; what `body` throws.
    package static func forEach(
        in text: String, name: String, format: TableFormat, body: (TableRow) throws -> Void
    ) throws {
        switch format {
        case .csv: try forEach(in: .csv(text, name: name), name: name, body: body)
        case .tsv: try forEach(in: .tsv(text, name: name), name: name, body: body)
        case .jsonLines:
            if text.utf8.first(where: { $0 > 0x20 }) == UInt8(ascii: "[") {
                throw CorpusError(
                    "\(shown(path: name)): it is one array; write an object on each line, for example with jq -c '.[]'")
            }
            try JSONLines.read(text, name: name) { line, json in
                guard let object = json.objectValue else {
                    throw CorpusError("\(shown(path: name)): line \(line) is \(json.kind), which must be an object")
                }
                try body(TableRow(name: name, line: line, values: .members(object)))
            }
        }
    }

    private static func forEach(
        in records: consuming DelimitedText, name: String, body: (TableRow) throws -> Void
    ) throws {
        var records = records
        guard let header = try records.next() else { return }
        let columns = header.fields.map(\.trimmingSpaces)
        while let record = try records.next() {
            guard record.fields.count == columns.count else {
                throw CorpusError(
                    "\(shown(path: name)): line \(record.line) has \(counted(record.fields.count, "field")) where the header "
                        + "has \(columns.count)")
            }
            try body(TableRow(name: name, line: record.line, values: .fields(record.fields, columns: columns)))
        }
    }
}

extension String {
    /// The text without white space at its beginning and its end.
    var trimmingSpaces: String {
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(scalars[first...last])
    }
}
