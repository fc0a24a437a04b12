import Files
import Platform

/// Reads texts from files.
public enum TextSource {
    /// Whether a file contains token ids rather than text, by its name.
    package static func holdsTokens(_ path: String) -> Bool { TokenShard.isOne(path) }

    /// Reads files, each as a separate text. `-` is standard input, and a file that ends in `.bin` contains token ids
    /// in the format of nanoGPT or llm.c.
    /// - Throws: one line that names the file and the reason.
    public static func read(_ paths: [String]) throws -> [NamedText] {
        guard paths.filter({ $0 == "-" }).count <= 1 else {
            throw CorpusError("standard input can be read only once: give - a single time")
        }
        return try paths.map {
            if holdsTokens($0) { return try TokenShard.read($0) }
            return NamedText(name: $0 == "-" ? "standard input" : $0, text: try TextFile.read($0, for: .encoding))
        }
    }
}

/// Tiny Shakespeare (Karpathy, 2015): 1,115,394 characters, downloaded once and cached.
public enum TinyShakespeare {
    public static let name = "tiny Shakespeare"
    static let url = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
    static let sha256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
    static let fileName = "tinyshakespeare.txt"

    /// The text: from the directory in the environment variable `GPT_DATA`, else from the user's cache directory, else
    /// downloaded to that.
    /// - Parameter willDownload: called before the download, which may take some seconds.
    /// - Throws: why it is not available, in one line.
    public static func load(willDownload: () -> Void = {}) throws -> NamedText {
        if let folder = getenv("GPT_DATA").map({ String(cString: $0) }), !folder.isEmpty {
            let path = "\(folder)/\(fileName)"
            if Files.exists(path) { return NamedText(name: name, text: try TextFile.read(path)) }
        }
        guard let cache = Files.cacheDirectory else {
            throw CorpusError(
                "tiny Shakespeare cannot be cached: neither HOME nor XDG_CACHE_HOME is set")
        }
        let path = "\(cache)/\(fileName)"
        if let text = try? genuine(path) { return text }
        willDownload()
        try Files.makeDirectory(cache)
        AtomicFile.removeLeftovers(in: cache)
        try Download.fetch(url: url, to: path, sha256: sha256)
        return try genuine(path)
    }

    /// The text if it is available without a network.
    public static func kept() throws -> String {
        struct Missing: Error {}
        if let folder = getenv("GPT_DATA").map({ String(cString: $0) }), !folder.isEmpty,
            Files.exists("\(folder)/\(fileName)")
        {
            return try TextFile.read("\(folder)/\(fileName)")
        }
        guard let cache = Files.cacheDirectory else { throw Missing() }
        return try genuine("\(cache)/\(fileName)").text
    }

    /// The text at `path`, after a check of its SHA-256.
    private static func genuine(_ path: String) throws -> NamedText {
        let text = try TextFile.read(path)
        guard SHA256.hexDigest(of: text.utf8) == sha256 else {
            throw CorpusError(
                "\(path) is not tiny Shakespeare: its SHA-256 differs; delete it to download the text again")
        }
        return NamedText(name: name, text: text)
    }
}

extension BuiltInCorpus {
    /// The play as a text for training.
    public static var named: NamedText { NamedText(name: "the built-in play", text: text) }
}
