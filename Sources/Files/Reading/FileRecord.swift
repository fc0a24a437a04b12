import Platform

/// The result of reading a whole file, for example its hash. It is kept in the user's cache folder, so that the next run does not have
/// to read the file again.
///
/// A record is valid as long as the file has the same number (inode), the same size, and the same times of the last modification and
/// of the last status change. A program can set the first of these times, but not the second. Git uses the same method to find the
/// files that it must read again.
package struct FileRecord {
    /// The path of the record.
    private let path: String
    /// The file that it describes.
    private let file: String
    private let stamp: String
    /// Whether the last change was at least two seconds ago. After a more recent change, another one could get the same time, because
    /// the times of some file systems have a resolution of two seconds.
    private let isOldEnough: Bool

    /// - Parameters:
    ///   - kind: the kind of result, with a version number if its format can change. A new kind makes older records invalid.
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

    /// Writes the record. It is not written if the file has changed since this value was created, or less than two seconds before. A
    /// record that cannot be written is not an error, because it only saves time.
    /// - Parameter contents: the result of reading the file.
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
        // Reading a short file again takes little time.
        let record = Files.size(file) ?? 0 < 1 << 20 ? nil : FileRecord("SHA-256", of: file, cache: cache)
        if let known = record?.contents, known.count == 64 { return String(decoding: known, as: UTF8.self) }
        let hash = try SHA256.hexDigest(ofFile: file)
        record?.keep(hash.utf8)
        return hash
    }

    /// A text that differs after a change of the file; nil if it is not a regular file.
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
