import Platform

/// What was learned from a whole file, kept in the user's cache folder so that the next run does not have to read the file again.
///
/// A record is valid as long as the file is the same one, of the same size, and the system has recorded no change of it: Linux and
/// macOS set the time of the last change at every write, also where a program restores the time of modification. Git decides in the
/// same way which files it has to read.
package struct FileRecord {
    /// Where the record is.
    private let path: String
    /// The file that it describes.
    private let file: String
    private let stamp: String

    /// - Parameters:
    ///   - kind: what is known, with a version of its format.
    ///   - file: the file. If it is not a regular file, or there is no cache folder, the result is nil.
    ///   - cache: the folder of cached files; by default that of the user.
    package init?(_ kind: String, of file: String, cache: String? = Files.cacheDirectory) {
        guard let cache, let stamp = Self.stamp(file), let resolved = realpath(file, nil) else { return nil }
        defer { free(resolved) }
        let key = SHA256.hexDigest(of: "\(kind)\n\(String(cString: resolved))".utf8).prefix(32)
        path = "\(cache)/records/\(key)"
        self.file = file
        self.stamp = stamp
    }

    /// The record; nil if there is none, or the file has changed since.
    package var contents: [UInt8]? {
        guard let bytes = try? TextFile.bytes(path), let end = bytes.firstIndex(of: 0x0A),
            bytes[..<end].elementsEqual(stamp.utf8)
        else { return nil }
        return Array(bytes[(end + 1)...])
    }

    /// Keeps what was learned from the file since this value was created, unless the file has changed meanwhile. A record that cannot
    /// be written is not an error, because it only saves time.
    /// - Parameters:
    ///   - contents: what was learned.
    ///   - now: the time in seconds since 1970.
    package func keep(_ contents: some Sequence<UInt8>, now: Int = time(nil)) {
        // Two changes within the resolution of the clock of the file system have the same time.
        guard Self.stamp(file) == stamp, let information = Files.information(file),
            now - max(Self.modification(information).tv_sec, Self.change(information).tv_sec) >= 2
        else { return }
        let folder = Files.parent(of: path)
        guard (try? Files.makeDirectory(folder)) != nil else { return }
        try? AtomicFile.write(Array("\(stamp)\n".utf8) + contents, to: path)
    }

    /// The SHA-256 of a file, 64 hexadecimal digits.
    /// - Parameters:
    ///   - file: the file.
    ///   - cache: the folder of cached files; by default that of the user.
    /// - Throws: if it cannot be read.
    package static func sha256(
        of file: String, cache: String? = Files.cacheDirectory
    ) throws(FileError) -> String {
        let record = FileRecord("SHA-256", of: file, cache: cache)
        if let known = record?.contents { return String(decoding: known, as: UTF8.self) }
        let hash = try SHA256.hexDigest(ofFile: file)
        record?.keep(hash.utf8)
        return hash
    }

    /// What changes if the file does; nil if it is not a regular file.
    private static func stamp(_ file: String) -> String? {
        guard let information = Files.information(file), information.st_mode & S_IFMT == S_IFREG else { return nil }
        let times = [modification(information), change(information)].map { "\($0.tv_sec).\($0.tv_nsec)" }
        return "\(information.st_dev) \(information.st_ino) \(information.st_size) \(times.joined(separator: " "))"
    }

    #if canImport(Darwin)
        private static func modification(_ information: stat) -> timespec { information.st_mtimespec }
        private static func change(_ information: stat) -> timespec { information.st_ctimespec }
    #else
        private static func modification(_ information: stat) -> timespec { information.st_mtim }
        private static func change(_ information: stat) -> timespec { information.st_ctim }
    #endif
}
