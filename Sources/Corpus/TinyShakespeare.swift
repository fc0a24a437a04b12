import Files

/// Tiny Shakespeare (Karpathy, 2015): 1,115,394 characters, downloaded once.
public enum TinyShakespeare {
    /// Its name in messages.
    public static let name = "tiny Shakespeare"

    private static let file = PublishedFile(
        name: "tinyshakespeare.txt",
        url: "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        sha256: "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed")

    /// The text, from the folder that the environment variable `GPT_DATA` names, else from the user's cache folder, else
    /// downloaded into that.
    /// - Parameter willDownload: called before the text is downloaded, which may take some seconds.
    /// - Throws: why the text is not available, in one line.
    public static func load(willDownload: () -> Void = {}) throws -> NamedText {
        try text(mayDownload: true, willDownload: willDownload)
    }

    /// The text, if it is available without a network.
    /// - Throws: why it is not, in one line.
    public static func kept() throws -> String { try text(mayDownload: false).text }

    private static func text(mayDownload: Bool, willDownload: () -> Void = {}) throws -> NamedText {
        do {
            let bytes = try file.contents(mayDownload: mayDownload, willDownload: willDownload)
            return NamedText(name: name, text: String(decoding: bytes, as: UTF8.self))
        } catch let failure as PublishedFile.Failure {
            switch failure {
            case .differs(let path):
                throw CorpusError(
                    "\(path) is not tiny Shakespeare: its SHA-256 differs; delete it to download the text again")
            case .noCacheFolder:
                throw CorpusError("tiny Shakespeare cannot be cached: neither HOME nor XDG_CACHE_HOME is set")
            case .missing:
                throw CorpusError("tiny Shakespeare is neither in $GPT_DATA nor in the cache of downloaded files")
            case .download(_, let reason): throw reason
            }
        }
    }
}
