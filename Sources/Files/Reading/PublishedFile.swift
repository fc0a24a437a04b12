/// A file that others have published, such as a vocabulary or a text: where it is looked for, and how it is verified.
///
/// It is looked for in the folder that the environment variable `GPT_DATA` names, then in the user's cache folder, into which
/// it is downloaded if it is in neither. A file with another SHA-256 is never used.
package struct PublishedFile: Sendable {
    /// Its path within either folder.
    package let name: String

    /// Its address.
    package let url: String

    /// The SHA-256 of its contents, in lower-case hexadecimal digits.
    package let sha256: String

    package init(name: String, url: String, sha256: String) {
        self.name = name
        self.url = url
        self.sha256 = sha256
    }

    /// Why a file is not available. Callers describe it in words that name the file.
    package enum Failure: Error {
        /// The file at a path has another SHA-256.
        case differs(path: String)
        /// It is not in `GPT_DATA`, and there is no cache folder because neither HOME nor XDG_CACHE_HOME is set.
        case noCacheFolder
        /// It is in neither folder, and must not be downloaded.
        case missing
        /// It could not be downloaded to a path.
        case download(path: String, reason: any Error)
    }

    /// Its contents.
    /// - Parameters:
    ///   - mayDownload: whether it may be downloaded.
    ///   - willDownload: called before it is.
    /// - Throws: `Failure`, or `FileError` if the system cannot read or write it.
    package func contents(mayDownload: Bool = true, willDownload: () -> Void = {}) throws -> [UInt8] {
        if let path = Files.dataDirectory.map({ "\($0)/\(name)" }), Files.exists(path) { return try contents(at: path) }
        guard let path = Files.cacheDirectory.map({ "\($0)/\(name)" }) else { throw Failure.noCacheFolder }
        if let cached = try? contents(at: path) { return cached }
        guard mayDownload else { throw Files.exists(path) ? Failure.differs(path: path) : Failure.missing }
        willDownload()
        try Files.makeDirectory(Files.parent(of: path))
        AtomicFile.removeLeftovers(in: Files.parent(of: path))
        do { try Download.fetch(url: url, to: path, sha256: sha256) } catch {
            throw Failure.download(path: path, reason: error)
        }
        return try contents(at: path)
    }

    /// The contents of a copy of the file.
    /// - Throws: `Failure.differs`, or `FileError` if it cannot be read.
    package func contents(at path: String) throws -> [UInt8] {
        let contents = try TextFile.bytes(path)
        guard SHA256.hexDigest(of: contents) == sha256 else { throw Failure.differs(path: path) }
        return contents
    }

    /// Whether a file of its name is in one of the folders, whatever its contents.
    package var isPresent: Bool {
        [Files.dataDirectory, Files.cacheDirectory].contains { folder in
            folder.map { Files.exists("\($0)/\(name)") } ?? false
        }
    }
}
