import Files
import StrictJSON

/// Files of documents in JSON Lines: on each line an object whose member `text` is a document, as in most published corpora.
enum DocumentFile {
    /// Whether a file contains documents, by its name.
    static func isOne(_ path: String) -> Bool { path.hasSuffix(".jsonl") }

    /// Reads a file.
    /// - Throws: one line that names the file, the line and what is wrong with it.
    static func read(_ path: String, notice: (String) -> Void) throws -> NamedText {
        let text = try TextFile.readText(path, for: .encoding, notice: notice)
        var documents: [Substring] = []
        for (number, line) in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
            func failure(_ reason: String) -> CorpusError { CorpusError("\(path), line \(number + 1): \(reason)") }
            let json: JSON
            do { json = try JSON(parsing: Array(line)) } catch {
                throw failure("not JSON: \(error.problem) at column \(error.column)")
            }
            guard let document = json["text"]?.stringValue else {
                throw failure(
                    "it has no member \"text\" that is a string; give a document on each line, {\"text\": \"...\"}")
            }
            if !document.isEmpty { documents.append(document[...]) }
        }
        guard !documents.isEmpty else { throw CorpusError("\(path): it has no documents") }
        return NamedText(name: path, documents: documents, sha256: SHA256.hexDigest(of: text.utf8))
    }
}
