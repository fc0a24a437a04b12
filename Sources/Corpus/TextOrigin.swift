import StrictJSON

/// Where the text of a run is from, so that a resumed run can read it again.
public enum TextOrigin: Sendable, Equatable {
    /// Files, by their absolute paths; `-` is standard input.
    case files([String])
    case tinyShakespeare
    case builtIn

    package var json: JSON {
        switch self {
        case .files(let paths): ["files": .array(paths.map(JSON.string))]
        case .tinyShakespeare: "tiny-shakespeare"
        case .builtIn: "built-in"
        }
    }

    package init(_ json: JSON) throws(MalformedRecord) {
        switch json {
        case "tiny-shakespeare": self = .tinyShakespeare
        case "built-in": self = .builtIn
        default:
            guard let listed = json["files"]?.arrayValue else { throw JSONRecord(json).wrong("text") }
            let paths = listed.compactMap(\.stringValue)
            guard paths.count == listed.count else { throw JSONRecord(json).wrong("text") }
            self = .files(paths)
        }
    }

    /// Reads the texts.
    /// - Parameters:
    ///   - notice: called as in `TextSource.read`.
    ///   - willDownload: called before a text is downloaded.
    /// - Throws: why one of them is not available.
    public func texts(notice: (String) -> Void = { _ in }, willDownload: () -> Void = {}) throws -> [NamedText] {
        try texts(longFrom: .max, notice: notice, willDownload: willDownload)
    }

    /// Reads the texts as `texts` does, but long ones without their text: see `TextSource.read`.
    /// - Parameters:
    ///   - limit: the length in bytes from which on they are not read into memory.
    ///   - notice: called as in `TextSource.read`.
    ///   - willDownload: called before a text is downloaded.
    package func texts(
        longFrom limit: Int, notice: (String) -> Void = { _ in }, willDownload: () -> Void = {}
    ) throws -> [NamedText] {
        switch self {
        case .files(let paths): try TextSource.read(paths, longFrom: limit, notice: notice)
        case .tinyShakespeare: [try TinyShakespeare.load(willDownload: willDownload)]
        case .builtIn: [BuiltInCorpus.named]
        }
    }
}
