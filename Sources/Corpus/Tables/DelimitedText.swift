/// Reads the records of a text of separated values, one after another, with the line on which each begins.
///
/// **CSV** is that of RFC 4180 (Shafranovich, 2005). A record ends at CR LF, LF or CR. A field that begins with a quotation mark
/// ends at the next single one: separators and line ends within are part of it, and `""` is one quotation mark. After the
/// closing mark only a separator or the end of the line may follow. A quotation mark within a field that does not begin with
/// one is a character like another, as spreadsheets and Python's `csv` read it. Spaces are part of a field.
///
/// **TSV** is plain: a record is a line, which ends at LF or CR LF, a field is what stands between tabs, and a quotation mark is
/// a character. So are the files of most data sets (GLUE, SST, Tatoeba), in which sentences begin with quotation marks. A text
/// with tabs or line ends is for CSV or JSON.
///
/// In both, empty lines are skipped.
package struct DelimitedText {
    /// A record of a text.
    package struct Record: Sendable, Equatable {
        /// The number of the line on which it begins, from 1.
        package let line: Int
        /// At least one.
        package var fields: [String]
    }

    private let name: String
    private let bytes: [UInt8]
    private let separator: UInt8
    private let hasQuotes: Bool
    private var position = 0
    private var line = 1

    /// - Parameters:
    ///   - text: the text; a byte-order mark is left out by whoever read it (`TextFile.readText`).
    ///   - name: the name of the text in messages.
    ///   - separator: what stands between two fields.
    ///   - hasQuotes: whether a field may be quoted: CSV rather than plain TSV.
    package init(_ text: String, name: String, separator: UInt8, hasQuotes: Bool) {
        self.name = name
        self.separator = separator
        self.hasQuotes = hasQuotes
        bytes = Array(text.utf8)
    }

    /// A CSV text.
    package static func csv(_ text: String, name: String) -> DelimitedText {
        DelimitedText(text, name: name, separator: UInt8(ascii: ","), hasQuotes: true)
    }

    /// A TSV text.
    package static func tsv(_ text: String, name: String) -> DelimitedText {
        DelimitedText(text, name: name, separator: UInt8(ascii: "\t"), hasQuotes: false)
    }

    /// The next record, or nil at the end.
    /// - Throws: one line that names the text, the line and what is wrong with it.
    package mutating func next() throws(CorpusError) -> Record? {
        while position < bytes.count, let end = lineEnd(at: position) { startLine(end) }
        guard position < bytes.count else { return nil }
        var record = Record(line: line, fields: [])
        while true {
            let isQuoted = hasQuotes && position < bytes.count && bytes[position] == Self.quote
            record.fields.append(isQuoted ? try quotedField() : plainField())
            guard position < bytes.count else { return record }
            if let end = lineEnd(at: position) {
                startLine(end)
                return record
            }
            position += 1
        }
    }

    private static let quote = UInt8(ascii: "\"")

    /// The position after the line end at `position`, if there is one.
    private func lineEnd(at position: Int) -> Int? {
        switch bytes[position] {
        case 0x0A: return position + 1
        case 0x0D:
            if position + 1 < bytes.count, bytes[position + 1] == 0x0A { return position + 2 }
            // The last line of a file may end in the CR alone.
            return hasQuotes || position + 1 == bytes.count ? position + 1 : nil
        default: return nil
        }
    }

    private mutating func startLine(_ start: Int) {
        position = start
        line += 1
    }

    private mutating func plainField() -> String {
        let start = position
        while position < bytes.count, bytes[position] != separator, lineEnd(at: position) == nil { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// The field whose opening mark is at the position.
    private mutating func quotedField() throws(CorpusError) -> String {
        let first = line
        var field: [UInt8] = []
        position += 1
        while position < bytes.count {
            if bytes[position] == Self.quote {
                position += 1
                let isEnd = position == bytes.count || bytes[position] == separator || lineEnd(at: position) != nil
                if isEnd { return String(decoding: field, as: UTF8.self) }
                guard bytes[position] == Self.quote else {
                    throw CorpusError(
                        "\(shown(path: name)): line \(line) has text after the closing quotation mark of a field; write a "
                            + "quotation mark within a quoted field twice")
                }
            }
            if let end = lineEnd(at: position) {
                field += bytes[position..<end]
                startLine(end)
            } else {
                field.append(bytes[position])
                position += 1
            }
        }
        throw CorpusError(
            "\(shown(path: name)): the field that begins with a quotation mark in line \(first) has no closing one")
    }
}
