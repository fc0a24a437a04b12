import StrictJSON

/// Reads a text in JSON Lines: a JSON value on each line. Lines of spaces are skipped.
enum JSONLines {
    /// Calls `body` with each value and the number of its line, from 1.
    /// - Parameters:
    ///   - text: the text.
    ///   - name: the name of the text in messages.
    ///   - first: the number of its first line.
    /// - Throws: one line that names the text and the line that is not JSON; what `body` throws.
    static func read(
        _ text: String, name: String, from first: Int = 1, body: (_ line: Int, _ value: JSON) throws -> Void
    ) throws {
        for (number, line) in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
            let json: JSON
            do { json = try JSON(parsing: Array(line)) } catch {
                throw CorpusError(
                    "\(shown(path: name)), line \(first + number): not JSON: \(error.problem) at column \(error.column)"
                )
            }
            try body(first + number, json)
        }
    }
}
