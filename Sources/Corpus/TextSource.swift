import Files

/// Reads texts from files.
public enum TextSource {
    /// Whether a file contains token ids rather than text, by its name.
    package static func holdsTokens(_ path: String) -> Bool { TokenShard.isOne(path) }

    /// Reads files, each as a separate text. `-` is standard input. A file that ends in `.bin` contains token ids in the format
    /// of nanoGPT or llm.c; one that ends in `.jsonl` contains documents (`{"text": "..."}` on each line). A byte-order mark at
    /// the beginning of a text is left out; it is no part of the text's hash either.
    /// - Parameters:
    ///   - paths: the files.
    ///   - notice: called with a sentence if a byte-order mark is left out, or if the lines of a text end in CR LF.
    /// - Throws: one line that names the file and the reason: it cannot be read, it is not UTF-8, it contains NUL bytes.
    public static func read(_ paths: [String], notice: (String) -> Void = { _ in }) throws -> [NamedText] {
        guard paths.filter({ $0 == "-" }).count <= 1 else {
            throw CorpusError("standard input can be read only once: give - a single time")
        }
        return try paths.map {
            if holdsTokens($0) { return try TokenShard.read($0) }
            if DocumentFile.isOne($0) { return try DocumentFile.read($0, notice: notice) }
            return NamedText(
                name: $0 == "-" ? "standard input" : $0, text: try TextFile.readText($0, for: .encoding, notice: notice)
            )
        }
    }
}
