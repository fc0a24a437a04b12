import Files

/// Reads texts from files.
public enum TextSource {
    /// Whether a file contains token ids rather than text, by its name.
    package static func holdsTokens(_ path: String) -> Bool {
        TokenFile.isOne(CompressedFile.expandedName(path))
    }

    /// From this many bytes on the texts of a training are not read into memory.
    package static let longTextLength = 1 << 25

    /// Reads files, each as a separate text. `-` is standard input. A file that ends in `.bin` contains token ids in the format
    /// of nanoGPT or llm.c; one that ends in `.jsonl` contains documents (`{"text": "..."}` on each line). A file
    /// that ends in `.gz` or `.zst` is compressed; the ending before that gives its format. A byte-order mark at
    /// the beginning of a text is left out; it is no part of the text's hash either.
    /// - Parameters:
    ///   - paths: the files.
    ///   - notice: called with a sentence if a byte-order mark is left out, or if the lines of a text end in CR LF.
    /// - Throws: one line that names the file and the reason: it cannot be read, it is not UTF-8, it contains NUL bytes.
    public static func read(_ paths: [String], notice: (String) -> Void = { _ in }) throws -> [NamedText] {
        try read(paths, longFrom: .max, notice: notice)
    }

    /// Reads files as `read` does, but long ones without their text, which is read when it is encoded. A directory contains
    /// texts that were encoded ahead of time.
    /// - Parameters:
    ///   - paths: the files.
    ///   - limit: the length in bytes, of all texts together, from which on they are not read into memory.
    ///   - notice: called as in `read`.
    package static func read(
        _ paths: [String], longFrom limit: Int, notice: (String) -> Void = { _ in }
    ) throws -> [NamedText] {
        guard paths.filter({ $0 == "-" }).count <= 1 else {
            throw CorpusError("standard input can be read only once: give - a single time")
        }
        let sources = try paths.map { name in
            (name: name, path: Files.isDirectory(name) ? name : try CompressedFile.expand(name, notice: notice))
        }
        let files = sources.map(\.path).filter { $0 != "-" && !holdsTokens($0) && !Files.isDirectory($0) }
        let areLong = limit < .max && files.reduce(0) { $0 + (Files.size($1) ?? 0) } >= limit
        return try sources.map { name, path in
            if limit < .max, Files.isDirectory(path) {
                return NamedText(name: name, prepared: try TokenDirectory(path))
            }
            if holdsTokens(path) {
                let tokens = StoredTokens([try TokenFile(path)])
                return NamedText(name: name, tokens: tokens, sha256: try FileRecord.sha256(of: path))
            }
            if areLong, path != "-",
                let (text, digest) = try LongText.scan(
                    path, name: name, record: LongText.record(of: path), notice: notice)
            {
                return NamedText(name: name, long: text, sha256: digest)
            }
            if DocumentFile.isOne(path) { return try DocumentFile.read(path, name: name, notice: notice) }
            return NamedText(
                name: path == "-" ? "standard input" : name,
                text: try TextFile.readText(path, for: .encoding, notice: notice))
        }
    }
}
