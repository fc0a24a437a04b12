import Files

/// Reads texts from files.
public enum TextSource {
    /// Whether a file contains token ids rather than text, by its name.
    package static func holdsTokens(_ path: String) -> Bool { TokenShard.isOne(path) }

    /// Reads files, each as one text. `-` is standard input, and a file whose name ends in `.bin` contains token ids, as nanoGPT
    /// and llm.c write them.
    /// - Throws: what is wrong with one of the files, in one line.
    public static func read(_ paths: [String]) throws -> [NamedText] {
        guard paths.filter({ $0 == "-" }).count <= 1 else {
            throw CorpusError("standard input can be read only once: give --text - a single time")
        }
        return try paths.map {
            if holdsTokens($0) { return try TokenShard.read($0) }
            return NamedText(name: $0 == "-" ? "standard input" : $0, text: try TextFile.read($0, for: .encoding))
        }
    }
}
