import Platform

/// What was learned from a whole file, kept in the user's cache folder so that the next run does not have to read the file again.
///
/// A record is valid as long as the file is the same one, of the same size, and the system has recorded no change of it. The system sets
/// the time of the last change at a write, also where a program then restores the time of modification. Git decides in the same way
/// which files it has to read.
package struct FileRecord {
    /// Where the record is.
    private let path: String
    /// The file that it describes.
    private let file: String
    private let stamp: String
    /// Whether a later change gets another time: two changes within the resolution of the clock of the file system have the same.
    private let isOldEnough: Bool

    /// - Parameters:
    ///   - kind: what is known. It must change with the format of the record, and with the rules by which files are checked.
    ///   - file: the file. If it is not a regular file, or there is no cache folder, the result is nil.
    ///   - cache: the folder of cached files; by default that of the user.
    ///   - now: the time in seconds since 1970.
    package init?(
        _ kind: String, of file: String, cache: String? = Files.cacheDirectory, now: Int = time(nil)
    ) {
        guard let cache, let information = Files.information(file), let stamp = Self.stamp(information),
            let resolved = realpath(file, nil)
        else { return nil }
        defer { free(resolved) }
        let key = SHA256.hexDigest(of: "\(kind)\n\(String(cString: resolved))".utf8).prefix(32)
        path = "\(cache)/records/\(key)"
        self.file = file
        self.stamp = stamp
        isOldEnough = now - max(Self.modification(information).tv_sec, Self.change(information).tv_sec) >= 2
    }

    /// The record; nil if there is none, or the file has changed since.
    package var contents: [UInt8]? {
        guard let bytes = try? TextFile.bytes(path), let end = bytes.firstIndex(of: 0x0A),
            bytes[..<end].elementsEqual(stamp.utf8)
        else { return nil }
        return Array(bytes[(end + 1)...])
    }

    /// Keeps what was learned from the file since this value was created, unless the file has changed meanwhile, or just before. A
    /// record that cannot be written is not an error, because it only saves time.
    /// - Parameter contents: what was learned.
    package func keep(_ contents: some Sequence<UInt8>) {
        guard isOldEnough, Files.information(file).flatMap(Self.stamp) == stamp else { return }
        let folder = Files.parent(of: path)
        guard (try? Files.makeDirectory(folder)) != nil else { return }
        AtomicFile.removeLeftovers(in: folder)
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
        // A short file is read in no time.
        let record = Files.size(file) ?? 0 < 1 << 20 ? nil : FileRecord("SHA-256", of: file, cache: cache)
        if let known = record?.contents, known.count == 64 { return String(decoding: known, as: UTF8.self) }
        let hash = try SHA256.hexDigest(ofFile: file)
        record?.keep(hash.utf8)
        return hash
    }

    /// What changes if the file does; nil if it is not a regular file.
    private static func stamp(_ information: stat) -> String? {
        guard information.st_mode & S_IFMT == S_IFREG else { return nil }
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
